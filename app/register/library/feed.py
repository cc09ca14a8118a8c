"""A library's queue of notices, for a system that fetches what is new by itself and says how far it has come.

Numbers come into sight in their order (`changes.note_change`), so whoever reads on from the last one misses nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Update, select

from app.register.library.notices import Notice, confirm, confirm_up_to, forget_numbers, read_notices
from app.register.patron.changes import GONE
from app.register.store.transaction import db
from app.register.tables.library import LibraryNotice, LibraryQueue
from app.rules.errors import RuleBroken

LONGEST_PAGE: Final = 500


class CursorPassed(RuleBroken):
    """What came after the cursor is thrown away in part: what the library missed cannot be told any more."""


class NotACursor(RuleBroken):
    """The queue has not come that far, so the cursor is none that the library was given."""


class NotKept(RuleBroken):
    """Something is said to be kept of a patron who did not leave, or whose notice is not among those acknowledged."""


@dataclass(frozen=True, slots=True)
class Page:
    """Notices in their order, and the place from which to read on. `more`: there are more of them now."""

    notices: Sequence[Notice]
    next: int
    more: bool


def read_changes(*, library_id: str, after: int | None, limit: int) -> Page:
    """Return what a library is to know beyond a place in its queue; None is the first that is still kept.

    Raises CursorPassed or NotACursor.
    """
    ours = select(LibraryNotice).where(LibraryNotice.library_id == library_id, LibraryNotice.seq > (after or 0))
    rows = db.session.scalars(ours.order_by(LibraryNotice.seq).limit(limit + 1)).all()
    # Looked at after the notices: what is thrown away while we read is a gap that must be said.
    queue = db.session.execute(
        select(LibraryQueue.last_seq, LibraryQueue.purged_seq).where(LibraryQueue.library_id == library_id)
    ).first()
    last, purged = queue or (0, 0)
    start = purged if after is None else after
    if start > last:
        raise NotACursor
    if start < purged:
        raise CursorPassed
    shown = rows[:limit]
    return Page(read_notices(shown), next=shown[-1].seq if shown else start, more=len(rows) > limit)


def acknowledge(*, library_id: str, up_to: int, kept: Mapping[int, Sequence[str]], now: datetime) -> int:
    """Note that a library has applied every notice up to a place in its queue; returns how many that were new.

    `kept` names by notice, of those who left or were erased, what the library must keep. The first answer counts, so
    it may be sent again. Raises NotACursor or NotKept; then nothing was noted.
    """
    # Two systems of one library take turns.
    queue = db.session.scalar(select(LibraryQueue).where(LibraryQueue.library_id == library_id).with_for_update())
    if up_to > (queue.last_seq if queue is not None else 0):
        raise NotACursor
    ours = (LibraryNotice.library_id == library_id) & (LibraryNotice.seq <= up_to)
    gone = select(LibraryNotice.id).where(ours, LibraryNotice.kind.in_(GONE), LibraryNotice.id.in_(kept))
    if set(db.session.scalars(gone)) != set(kept):
        raise NotKept
    confirmed = 0
    for notice_id, kinds in kept.items():
        noted = confirm(notice_id=notice_id, kept=kinds, now=now)
        confirmed += _count(noted.where(LibraryNotice.confirmed_at.is_(None)))
    confirmed += _count(confirm_up_to(library_id=library_id, seq=up_to, now=now))
    db.session.execute(forget_numbers(ours))
    if queue is not None and confirmed:
        queue.last_delivered_at = now
    return confirmed


def _count(statement: Update) -> int:
    return int(getattr(db.session.execute(statement), "rowcount", 0))
