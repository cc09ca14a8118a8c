"""Agreements for unstaffed opening, tablets and e-books, and the door's book. Kept by the library's own system."""

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.desk.lending.forms import AgreementForm
from app.desk.refusals import refusal_of
from app.desk.routes import desk
from app.desk.terminal import ask_for_card, current_visit, this_workplace
from app.ils.circulation.system import CirculationSystem
from app.ils.lending import Agreements, DoorBook
from app.ils.port import Refused, Unavailable
from app.register.desk.open_visits import NoOpenVisit
from app.register.desk.patron_view import MINIMUM
from app.register.patron.holders import get_holder
from app.register.patron.patrons import NotJoined
from app.register.staff.staff import Workplace
from app.rules.card.status import CardRefused
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.gate import library_systems
from app.web.pages.library_words import refusal_words

_FIELDS = "card number, age, agreements"


@desk.get("/agreements")
@open_to(Audience.STAFF)
def agreements() -> ResponseReturnValue:
    """Show what the patron before the desk has agreed to at this library."""
    workplace = this_workplace()
    system = _system_of(workplace)
    try:
        patron = current_visit(workplace, fields=_FIELDS, extend=False, minimum=MINIMUM)
        patron.check_not_at_rest()
    except NoOpenVisit:
        return ask_for_card()
    except (CardRefused, NotJoined) as error:
        flash(refusal_of(error), "danger")
        return redirect(url_for("desk.patron"))
    known: Agreements | None = None
    try:
        known = system.agreements(card_number=patron.card_number, staff=workplace.username)
    except Unavailable:
        flash(_("The library's system does not answer now."), "danger")
    return render_template("desk/agreements.html", workplace=workplace, patron=patron, known=known)


@desk.post("/agreements")
@open_to(Audience.STAFF)
def change_agreement() -> ResponseReturnValue:
    """Note an agreement that the patron makes at the desk, or end one."""
    workplace = this_workplace()
    system = _system_of(workplace)
    form = AgreementForm()
    if not form.validate():
        flash(_("That could not be read. Nothing was changed."), "danger")
        return redirect(url_for("desk.agreements"))
    try:
        patron = current_visit(workplace, fields=_FIELDS, extend=True)
        holder = get_holder(card_number=patron.card_number, library_id=workplace.library_id, now=now())
        if holder is None:
            raise NoOpenVisit
        whose = {"card_number": patron.card_number, "kind": form.kind.data, "staff": workplace.username}
        if form.action.data == "note":
            patron.check_in_use(workplace.library_id)
            system.note_agreement(age=holder.age, **whose)
            flash(_("The agreement is noted."), "success")
        else:
            system.withdraw_agreement(**whose)
            flash(_("The agreement has ended. It counts no more from now on."), "success")
    except NoOpenVisit:
        return ask_for_card()
    except (CardRefused, NotJoined) as error:
        flash(refusal_of(error), "danger")
        return redirect(url_for("desk.patron"))
    except Refused as refused:
        flash(refusal_words(refused.code), "danger")
    except Unavailable:
        flash(_("The library's system does not answer now."), "danger")
    return redirect(url_for("desk.agreements"))


@desk.get("/door")
@open_to(Audience.STAFF)
def door() -> ResponseReturnValue:
    """Show who came to the door in unstaffed hours, and why it stayed shut, newest first."""
    workplace = this_workplace()
    before = request.args.get("before", type=int)
    book: DoorBook | None = None
    try:
        book = _system_of(workplace).door_book(before=before, staff=workplace.username)
    except Unavailable:
        flash(_("The library's system does not answer now."), "danger")
    except Refused:
        abort(404)
    return render_template("desk/door.html", workplace=workplace, book=book, words=outcome_words)


def outcome_words(outcome: str) -> str:
    """Return what came of somebody at the door, and what staff can do."""
    return {
        "opened": _("The door opened."),
        "outside_hours": _("Outside the door's hours."),
        "no_agreement": _("No agreement. It is made here, with the patron before you."),
        "withdrawn": _("The agreement was ended. A new one can be made here."),
        "under_age": _("Younger than the library's age for the door."),
        "blocked": _("The card is blocked at this library. The counter shows why."),
        "wrong_pin": _("The PIN was wrong. A new one can be ordered."),
        "too_many_tries": _("Too many wrong PINs. It can be tried again after a while."),
        "code_refused": _("The code was not accepted. A scan here tells why."),
        "replayed": _("The code had been used already. The next one would have done."),
        "not_activated": _("The card is not activated at this library."),
    }.get(outcome, _("The door stayed shut."))


def _system_of(workplace: Workplace) -> CirculationSystem:
    system = library_systems().lending(workplace.library_id)
    if system is None:
        abort(404)
    return system
