"""Erasing patrons whose `erase_at` has come: after a reported death, or a warning for lack of use."""

from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, or_, select

from app.register.leaving.erasure import block_uses, erase_patron
from app.register.leaving.inactivity import call_off_if_used
from app.register.patron.card_status import is_at_rest, is_dead, status_of
from app.register.patron.patrons import NoSuchPatron, lock_patron
from app.register.store.transaction import db, reading, writing
from app.register.tables.patrons import Patron
from app.rules.card.status import DEATH, INACTIVE

_BATCH: Final = 100


def erase_due(*, now: datetime, limit: int = _BATCH) -> int:
    """Erase up to `limit` patrons whose `erase_at` has come, each in a transaction of its own. Returns how many.

    Safe to run at any time, and by several processes. Nobody has the codes of these receipts.
    """
    due = select(Patron.id).where(is_due(now=now)).order_by(Patron.erase_at, Patron.id).limit(limit)
    with reading():
        patron_ids = db.session.scalars(due).all()
    return sum(_erase(patron_id, now=now) for patron_id in patron_ids)


def is_due(*, now: datetime) -> ColumnElement[bool]:
    """Return the condition that a patron is to be erased at `now`."""
    # A frozen card is not erased for lack of use, but after a death.
    return (Patron.erase_at <= now) & or_(is_dead(), ~is_at_rest())


def _erase(patron_id: int, *, now: datetime) -> bool:
    try:
        with writing():
            patron = lock_patron(patron_id)
            done = _is_still_due(patron, now=now)
            if done:
                erase_patron(patron_id=patron_id, reason=DEATH if status_of(patron).dead else INACTIVE, now=now)
    except NoSuchPatron:
        return False
    return done


def _is_still_due(patron: Patron, *, now: datetime) -> bool:
    # It may have been called off or postponed meanwhile.
    if patron.erase_at is None or patron.erase_at > now:
        return False
    status = status_of(patron)
    if status.dead or status.frozen:
        return status.dead
    # Later uses wait until the erasure is done.
    block_uses(patron.id)
    return not call_off_if_used(patron)
