"""Where a card is valid: at every library, at one library only, and no longer at one."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select

from app.register.patron.card_status import set_local, status_of
from app.register.patron.changes import LEFT, lock_queues, note_change
from app.register.patron.patrons import NotJoined, lock_patron
from app.register.patron.proven import PapersNotSeen
from app.register.store.transaction import db
from app.register.tables.patrons import Affiliation, Patron
from app.rules.errors import RuleBroken


class LastLibrary(RuleBroken):
    """The patron has joined no other library: to leave the last one is an erasure."""


def opt_out(*, patron_id: int, library_id: str, now: datetime, only_at_home: bool = False) -> None:
    """Make the card a local one, which only this library takes. The other libraries are notified that the patron left.

    Permissions in the family folder stay. Repeating it changes nothing. Raises NotJoined, and with `only_at_home`
    PapersNotSeen where this library is not the home library, which prints the patron's letters.
    """
    patron, others = _lock(patron_id=patron_id, library_id=library_id)
    if status_of(patron).is_local_to(library_id):
        return
    if only_at_home and patron.home_library_id != library_id:
        raise PapersNotSeen
    _leave(patron, others, now=now)
    patron.home_library_id = library_id
    set_local(patron, library_id)
    note_change(patron=patron, now=now)


def upgrade_to_national(*, patron_id: int, now: datetime) -> None:
    """Make a local card a national one. Repeating it changes nothing."""
    patron = lock_patron(patron_id)
    if status_of(patron).is_local:
        set_local(patron, None)
        note_change(patron=patron, now=now)


def end_affiliation(*, patron_id: int, library_id: str, now: datetime) -> None:
    """Leave one library, which is notified; if it was the home library, the one that was joined first becomes that.

    Raises NotJoined or LastLibrary.
    """
    patron, others = _lock(patron_id=patron_id, library_id=library_id)
    if not others:
        raise LastLibrary
    _leave(patron, [library_id], now=now)
    if patron.home_library_id == library_id:
        patron.home_library_id = others[0]
    note_change(patron=patron, now=now)


def _lock(*, patron_id: int, library_id: str) -> tuple[Patron, list[str]]:
    """Return the patron, locked, and their other libraries, first joined first."""
    patron = lock_patron(patron_id)
    joined = list(
        db.session.scalars(
            select(Affiliation.library_id)
            .where(Affiliation.patron_id == patron_id)
            .order_by(Affiliation.activated_at, Affiliation.library_id)
        )
    )
    if library_id not in joined:
        raise NotJoined
    return patron, [joined_id for joined_id in joined if joined_id != library_id]


def _leave(patron: Patron, library_ids: Sequence[str], *, now: datetime) -> None:
    # The other libraries are notified of the change that follows.
    lock_queues(patron_id=patron.id)
    left = (Affiliation.patron_id == patron.id) & Affiliation.library_id.in_(library_ids)
    db.session.execute(delete(Affiliation).where(left))
    if library_ids:
        note_change(patron=patron, kind=LEFT, library_ids=library_ids, former_number=patron.card_number, now=now)
