"""The national number of the patron before the desk, who was known without one or has a new one."""

from flask import current_app, flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.desk.patron.forms import NationalIdForm
from app.desk.refusals import refusal_of
from app.desk.routes import desk
from app.desk.terminal import ask_for_card, current_visit, note_papers, this_terminal, this_workplace
from app.register.change.enrolment import AlreadyRegistered
from app.register.change.national_ids import add_national_id, find_other_holder
from app.register.desk.open_visits import NoOpenVisit, OpenVisit
from app.register.patron.patrons import NotJoined
from app.register.patron.proven import PapersNotSeen
from app.register.staff.staff import Workplace
from app.register.store.transaction import writing
from app.rules.errors import RuleBroken
from app.rules.people.national_id import NotANationalId, SyntheticNationalId, parse_national_id
from app.web.access import Audience, open_to
from app.web.clock import now, today


@desk.post("/patron/national-id")
@open_to(Audience.STAFF)
def note_number() -> ResponseReturnValue:
    """Note a number from an identity document, unless it is somebody else's. It is never shown again."""
    workplace = this_workplace()
    try:
        visit = current_visit(workplace, fields="card number", extend=True)
        if not visit.in_full:
            raise NotJoined
        flash(_note(visit, workplace), "success")
    except NoOpenVisit:
        return ask_for_card()
    except (NotANationalId, SyntheticNationalId):
        flash(_("This is not a national id number. Look at the document once more."), "danger")
    except RuleBroken as error:
        flash(refusal_of(error), "danger")
    return redirect(url_for("desk.patron"))


def _note(visit: OpenVisit, workplace: Workplace) -> str:
    """Note the number that was typed, and return what to say of it. Raises RuleBroken."""
    form, patron_id = NationalIdForm(), visit.patron_id
    if not form.papers.data:
        # Whoever has a national sign-in with this number comes in with it from now on.
        raise PapersNotSeen
    typed = form.national_id.data or ""
    number = parse_national_id(typed[:40], today=today(), allow_synthetic=current_app.config["SYNTHETIC_IDS"])
    viewer = this_terminal(workplace).viewer
    other = find_other_holder(
        patron_id=patron_id, national_id=number, viewer=viewer, library_id=workplace.library_id, now=now()
    )
    if other is not None:
        raise AlreadyRegistered(other.patron_id)
    with writing():
        add_national_id(patron_id=patron_id, national_id=number)
        note_papers(visit, workplace, fields="name, birth date")
    return _("The number is noted. With it the patron is found, and gets no second card.")
