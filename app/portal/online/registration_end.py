"""The address of each step to a card made online, and the last of them: the PIN, what one agrees to, and the card."""

import secrets
from collections.abc import Callable, Mapping
from typing import Final

from flask import Response, abort, flash, make_response, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.portal.online.registering import HANDLE, Progress, find_progress
from app.portal.online.registration_forms import FinishForm
from app.portal.online.registration_steps import child, details, email, guardian, handle, library, show
from app.portal.pins.pin import refuse_pin
from app.portal.routes import portal
from app.register.change.enrolment import AlreadyRegistered
from app.register.face.opening import read_hours
from app.register.online.online_cards import DONE_FOR, NoChild, NotFinished, make_card
from app.register.online.registrations import CHILD, Form, RegistrationGone
from app.register.patron.libraries import find_library_name
from app.register.patron.patrons import get_patron
from app.register.store.transaction import writing
from app.rules.people.contact import ContactNotValid
from app.rules.people.person import PersonNotValid
from app.rules.pins.pin_choice import Guessable, PinNotGood, draw_good_pin, find_fault
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.faults.overload import evaluates
from app.web.http.cookies import keep_device
from app.web.pages.opening_words import open_sentence
from app.web.sign_in.identity import start_patron_session


def finish(progress: Progress) -> ResponseReturnValue:
    """Make the card. To send it in twice makes one."""
    form = FinishForm()
    if not form.is_submitted() or not form.validate():
        if progress.draft.done_at is not None:
            return redirect(url_for("portal.register"))
        return _ask(progress, form)
    pin = (form.drawn_pin.data if form.way.data == "drawn" else form.new_pin.data) or ""
    fault = None if progress.draft.done_at is not None else find_fault(pin, of=_guessable(progress.draft.form))
    if fault is not None:
        form.way.data = "own"
        refuse_pin(form, PinNotGood(fault))
        return _ask(progress, form)
    try:
        with writing():
            made = make_card(handle=handle(), pin=pin, now=now())
    except AlreadyRegistered:
        # A guardian learns no more than that this person has a card.
        return render_template("portal/register_known.html", is_child=progress.draft.kind == CHILD), 409
    except (NotFinished, NoChild, PersonNotValid, ContactNotValid):
        return redirect(url_for("portal.register"))
    return _lead_on(progress, patron_id=made.patron_id, own_device=bool(form.remember.data))


def _lead_on(progress: Progress, *, patron_id: int, own_device: bool) -> Response:
    if progress.draft.kind == CHILD:
        return make_response(redirect(url_for("portal.registered_child")))
    if progress.draft.done_at is not None and progress.draft.done_at + DONE_FOR <= now():
        # The last button, pressed once more on a page that lay open for long.
        return make_response(redirect(url_for("portal.login")))
    token = start_patron_session(patron_id=patron_id, own_device=own_device, identified=True)
    flash(_("This is your library card. Show it at the desk the first time you come to a library."), "success")
    return keep_device(make_response(redirect(url_for("card.show"))), token)


def _ask(progress: Progress, form: FinishForm) -> Response:
    so_far = progress.draft.form
    if find_fault(form.drawn_pin.data or "", of=_guessable(so_far)) is not None:
        # One that was drawn on this page before stays: it may be on a piece of paper by now.
        form.drawn_pin.data = draw_good_pin(of=_guessable(so_far), choose=secrets.choice)
    status = 422 if form.is_submitted() else 200
    home = find_library_name(library_id=so_far.library_id)
    return show("finish", progress, form=form, library=home, status=status)


def _guessable(form: Form) -> Guessable:
    assert form.birth_date is not None
    return Guessable(birth_date=form.birth_date, numbers=(form.phone or "", form.postcode or ""))


_STEPS: Final[Mapping[str, Callable[[Progress], ResponseReturnValue]]] = {
    step.__name__: step for step in (child, details, library, email, guardian, finish)
}


@portal.route("/register/<step>", methods=["GET", "POST"])
@open_to(Audience.ANYONE)
@evaluates("new_pin", "drawn_pin")
def register_step(step: str) -> ResponseReturnValue:
    """Show or take one step, unless something before it is missing."""
    if step not in _STEPS:
        abort(404)
    progress = find_progress()
    if progress is None:
        flash(_("Identify yourself to go on. What you filled in within the last day is kept."), "info")
        return redirect(url_for("portal.register"))
    if not progress.may_open(step) and progress.draft.done_at is None:
        return redirect(url_for("portal.register_step", step=progress.missing))
    try:
        return _STEPS[step](progress)
    except RegistrationGone:
        return redirect(url_for("portal.register"))


@portal.get("/register/child-card")
@open_to(Audience.ANYONE)
def registered_child() -> ResponseReturnValue:
    """Show a guardian the number of the card that they got their child."""
    progress = find_progress() if HANDLE in session else None
    patron_id = progress.draft.patron_id if progress is not None and progress.draft.kind == CHILD else None
    patron = get_patron(patron_id=patron_id) if patron_id is not None else None
    home = "" if patron is None else open_sentence(read_hours(library_id=patron.home_library_id), now=now())
    return render_template("portal/register_child_card.html", patron=patron, home_open=home)
