"""Adding a national number to somebody who has a card: one that was missing, or a new one after a change."""

from datetime import datetime

from app.register.change.enrolment import AlreadyRegistered, already_registered
from app.register.desk.lookup import Hit, look_up_national_id
from app.register.keys.vault import vault
from app.register.log.access_log import Viewer
from app.register.patron.patrons import NATIONAL_ID, count_numbers, find_by_national_id, lock_patron
from app.register.store.transaction import db, savepoint
from app.register.tables.patrons import NationalIdToken
from app.rules.errors import RuleBroken
from app.rules.people.national_id import NationalId

MOST_NUMBERS = 10


class TooManyNumbers(RuleBroken):
    """The patron has MOST_NUMBERS national numbers already."""


def find_other_holder(
    *, patron_id: int, national_id: NationalId, viewer: Viewer, library_id: str, now: datetime
) -> Hit | None:
    """Return who else has this number; None where nobody else has. Logged and limited as every look-up."""
    holder = look_up_national_id(national_id=national_id, viewer=viewer, library_id=library_id, now=now)
    return holder if holder is not None and holder.patron_id != patron_id else None


def add_national_id(*, patron_id: int, national_id: NationalId) -> None:
    """Let a patron be found by this number too; a keyed token of it is stored. Repeating it changes nothing.

    Former numbers stay, so that nobody gets a second card with an old document. Raises AlreadyRegistered,
    TooManyNumbers or NoSuchPatron.
    """
    lock_patron(patron_id)
    holder = find_by_national_id(national_id)
    if holder == patron_id:
        return
    if holder is not None:
        raise AlreadyRegistered(holder)
    if count_numbers(patron_id=patron_id) >= MOST_NUMBERS:
        raise TooManyNumbers
    token = vault.token(purpose=NATIONAL_ID, text=national_id.canonical)
    # Another desk may be adding it for somebody else, or enrolling them.
    with savepoint({"pk_national_id_tokens": lambda: already_registered(find_by_national_id(national_id))}):
        db.session.add(NationalIdToken(token=token, patron_id=patron_id, key_id=vault.key_id))
