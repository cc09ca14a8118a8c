"""The last page on the way to a card: the PIN, what one agrees to, and the card."""

import secrets

from flask import Response, current_app, flash, make_response, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.portal.online.registering import HANDLE, Way, find_way
from app.portal.online.registration_forms import FinishForm
from app.portal.online.registration_steps import handle, show
from app.portal.pins.pin import refuse_pin
from app.portal.routes import portal
from app.register.change.enrolment import AlreadyRegistered, ContactNotValid, PersonNotValid
from app.register.online.online_cards import DONE_FOR, NoChild, NotFinished, make_card
from app.register.online.registrations import CHILD, Form
from app.register.patron.libraries import find_library_name
from app.register.patron.patrons import get_patron
from app.register.store.transaction import writing
from app.rules.pins.pin_choice import Guessable, PinNotGood, draw_good_pin, find_fault
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.http.cookies import keep_device
from app.web.sign_in.identity import let_patron_in


def finish(way: Way) -> ResponseReturnValue:
    """Make the card. To send it in twice makes one."""
    form = FinishForm()
    if not form.is_submitted() or not form.validate():
        if way.half.done_at is not None:
            return redirect(url_for("portal.register"))
        return _ask(way, form)
    pin = (form.drawn_pin.data if form.way.data == "drawn" else form.new_pin.data) or ""
    fault = None if way.half.done_at is not None else find_fault(pin, of=_guessable(way.half.form))
    if fault is not None:
        form.way.data = "own"
        refuse_pin(form, PinNotGood(fault))
        return _ask(way, form)
    try:
        with writing():
            made = make_card(handle=handle(), pin=pin, now=now())
    except AlreadyRegistered:
        return _there_is_one(way)
    except (NotFinished, NoChild, PersonNotValid, ContactNotValid):
        return redirect(url_for("portal.register"))
    return _lead_on(way, patron_id=made.patron_id, own_device=bool(form.remember.data))


def _lead_on(way: Way, *, patron_id: int, own_device: bool) -> Response:
    if way.half.kind == CHILD:
        return make_response(redirect(url_for("portal.registered_child")))
    if way.half.done_at is not None and way.half.done_at + DONE_FOR <= now():
        # The last button, pressed once more on a page that lay open for long.
        return make_response(redirect(url_for("portal.login")))
    token = let_patron_in(patron_id=patron_id, own_device=own_device, identified=True)
    flash(_("This is your library card. Show it at the desk the first time you come to a library."), "success")
    response = make_response(redirect(url_for("card.show")))
    keep_device(response, token)
    return response


def _there_is_one(way: Way) -> Response:
    """Say that this person has a card already. A guardian learns no more of it."""
    return make_response(render_template("portal/register_known.html", is_child=way.half.kind == CHILD), 409)


def _ask(way: Way, form: FinishForm) -> Response:
    so_far = way.half.form
    if find_fault(form.drawn_pin.data or "", of=_guessable(so_far)) is not None:
        # One that was drawn on this page before stays: it may be on a piece of paper by now.
        form.drawn_pin.data = draw_good_pin(of=_guessable(so_far), choose=secrets.choice)
    status = 422 if form.is_submitted() else 200
    library = find_library_name(library_id=so_far.library_id)
    privacy = url_for("portal.privacy") if "portal.privacy" in current_app.view_functions else ""
    return show("finish", way, form=form, library=library, privacy_page=privacy, status=status)


def _guessable(form: Form) -> Guessable:
    assert form.birth_date is not None
    return Guessable(birth_date=form.birth_date, numbers=(form.phone or "", form.postcode or ""))


@portal.get("/register/child-card")
@open_to(Audience.ANYONE)
def registered_child() -> ResponseReturnValue:
    """Show a guardian the number of the card that they got their child."""
    way = find_way() if HANDLE in session else None
    patron_id = way.half.patron_id if way is not None and way.half.kind == CHILD else None
    patron = get_patron(patron_id=patron_id) if patron_id is not None else None
    return render_template("portal/register_child_card.html", patron=patron)
