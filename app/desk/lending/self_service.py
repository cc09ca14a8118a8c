"""Agreements for unstaffed opening, tablets and e-books, and the log of the door. Kept by the library's own system."""

from collections.abc import Mapping
from typing import Final

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.desk.lending.counter import lending_of
from app.desk.lending.forms import AgreementForm
from app.desk.refusals import UNREADABLE, RefusedHere, show_refusal
from app.desk.routes import desk
from app.desk.system_refusals import system_refusals_flashed
from app.desk.terminal import current_visit, this_workplace
from app.ils.lending import Agreements, DoorBook
from app.ils.port import Refused, Unavailable
from app.register.desk.patron_view import MINIMUM
from app.register.desk.visits import NoOpenVisit
from app.register.patron.patrons import NotJoined, get_holder
from app.rules.card.status import CardRefused
from app.web.access import Audience, open_to
from app.web.clock import now

_FIELDS: Final = "card number, age, agreements"
_SILENT: Final = _l("The library's system does not answer now.")
_OUTCOMES: Final[Mapping[str, LazyString]] = {
    "opened": _l("The door opened."),
    "outside_hours": _l("Outside the door's hours."),
    "no_agreement": _l("No agreement. It is made here, with the patron before you."),
    "withdrawn": _l("The agreement was ended. A new one can be made here."),
    "under_age": _l("Younger than the library's age for the door."),
    "blocked": _l("The card is blocked at this library. The counter shows why."),
    "wrong_pin": _l("The PIN was wrong. A new one can be ordered."),
    "too_many_tries": _l("Too many wrong PINs. It can be tried again after a while."),
    "code_refused": _l("The code was not accepted. A scan here tells why."),
    "replayed": _l("The code had been used already. The next one would have done."),
    "not_activated": _l("The card is not activated at this library."),
}


@desk.get("/agreements")
@open_to(Audience.STAFF)
def agreements() -> ResponseReturnValue:
    """Show what the patron before the desk has agreed to at this library."""
    workplace = this_workplace()
    system = lending_of(workplace)
    patron = current_visit(workplace, fields=_FIELDS, extend=False, minimum=MINIMUM)
    try:
        patron.check_not_at_rest()
    except (CardRefused, NotJoined) as error:
        return show_refusal(error)
    known: Agreements | None = None
    try:
        known = system.agreements(card_number=patron.card_number, staff=workplace.username)
    except Unavailable:
        flash(str(_SILENT), "danger")
    return render_template("desk/agreements.html", workplace=workplace, patron=patron, known=known)


@desk.post("/agreements")
@open_to(Audience.STAFF)
def change_agreement() -> ResponseReturnValue:
    """Note an agreement that the patron makes at the desk, or end one."""
    workplace = this_workplace()
    system, form = lending_of(workplace), AgreementForm()
    if not form.validate():
        return show_refusal(RefusedHere(str(UNREADABLE)), page="desk.agreements")
    patron = current_visit(workplace, fields=_FIELDS, extend=True)
    holder = get_holder(card_number=patron.card_number, library_id=workplace.library_id, now=now())
    if holder is None:
        raise NoOpenVisit
    whose = {"card_number": patron.card_number, "kind": form.kind.data, "staff": workplace.username}
    try:
        with system_refusals_flashed():
            if form.action.data == "note":
                patron.check_in_use(workplace.library_id)
                system.note_agreement(age=holder.age, **whose)
                flash(_("The agreement is noted."), "success")
            else:
                system.withdraw_agreement(**whose)
                flash(_("The agreement has ended. It counts no more from now on."), "success")
    except (CardRefused, NotJoined) as error:
        return show_refusal(error)
    return redirect(url_for("desk.agreements"))


@desk.get("/door")
@open_to(Audience.STAFF)
def door() -> ResponseReturnValue:
    """Show who came to the door in unstaffed hours, and why it stayed shut, newest first."""
    workplace = this_workplace()
    before = request.args.get("before", type=int)
    book: DoorBook | None = None
    try:
        book = lending_of(workplace).door_book(before=before, staff=workplace.username)
    except Unavailable:
        flash(str(_SILENT), "danger")
    except Refused:
        abort(404)
    return render_template("desk/door.html", workplace=workplace, book=book, words=outcome_words)


def outcome_words(outcome: str) -> str:
    """Return what came of somebody at the door, and what staff can do."""
    return str(_OUTCOMES.get(outcome, _("The door stayed shut.")))
