"""The national id number of the patron before the desk, who was registered without one or has a new one."""

from flask import current_app
from flask_babel import gettext as _

from app.desk.patron.acts import for_patron
from app.desk.patron.forms import NationalIdForm
from app.desk.routes import desk
from app.desk.terminal import note_papers, this_terminal
from app.register.change.enrolment import AlreadyRegistered
from app.register.change.national_ids import add_national_id, find_other_holder
from app.register.desk.visits import OpenVisit
from app.register.patron.patrons import NotJoined
from app.register.patron.proven import PapersNotSeen
from app.register.staff.staff import Workplace
from app.register.store.transaction import writing
from app.rules.people.national_id import NationalId, parse_national_id
from app.web.access import Audience, open_to
from app.web.clock import now, today


def read_national_id(text: str) -> NationalId:
    """Return the number that staff typed. Raises NotANationalId or SyntheticNationalId."""
    return parse_national_id(text[:40], today=today(), allow_synthetic=current_app.config["SYNTHETIC_IDS"])


@desk.post("/patron/national-id")
@open_to(Audience.STAFF)
@for_patron(fields="card number", joined=False)
def note_number(visit: OpenVisit, workplace: Workplace) -> str:
    """Note a number from an identity document, unless it is somebody else's. It is never shown again."""
    form, patron_id = NationalIdForm(), visit.patron_id
    if not visit.in_full:
        raise NotJoined
    if not form.papers.data:
        # From now on this number's holder signs in to the card with the national sign-in.
        raise PapersNotSeen
    number = read_national_id(form.national_id.data or "")
    viewer, library_id = this_terminal(workplace).viewer, workplace.library_id
    other = find_other_holder(patron_id=patron_id, national_id=number, viewer=viewer, library_id=library_id, now=now())
    if other is not None:
        raise AlreadyRegistered(other.patron_id)
    with writing():
        add_national_id(patron_id=patron_id, national_id=number)
        note_papers(patron_id, workplace, fields="name, birth date")
    return _("The number is noted. With it the patron is found, and gets no second card.")
