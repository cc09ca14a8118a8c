"""A library's queue of notices, for a system that fetches them itself and acknowledges them up to a cursor.

Numbers become visible in their order (`changes.note_change`), so a reader that continues from the last one misses none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select, update

from app.register.library.notices import Notice, confirm, forget_numbers, lock_queue, read_notices
from app.register.patron.changes import GONE
from app.register.store.transaction import db, execute_bulk, writing
from app.register.tables.library import LibraryNotice, LibraryQueue
from app.rules.errors import RuleBroken

LONGEST_PAGE: Final = 500
_FURTHER_THAN_ANY_LOSS: Final = 10_000_000


class CursorPassed(RuleBroken):
    """Some of what came after the cursor is deleted already, so the library has missed it."""


class NotACursor(RuleBroken):
    """The cursor is beyond the end of the queue, so the library was never given it."""


class NotKept(RuleBroken):
    """`kept` names a patron who did not leave, or whose notice is not among those acknowledged."""


@dataclass(frozen=True, slots=True)
class Page:
    """Notices in their order, and the cursor of the next page. `more`: there are more of them now."""

    notices: Sequence[Notice]
    next: int
    more: bool


def read_changes(*, library_id: str, after: int | None, limit: int) -> Page:
    """Return a library's notices after a cursor (None: all that are kept). Raises CursorPassed or NotACursor."""
    begin = after if after is not None else _read_queue(library_id)[1]
    ours = select(LibraryNotice).where(LibraryNotice.library_id == library_id, LibraryNotice.seq > begin)
    rows = db.session.scalars(ours.order_by(LibraryNotice.seq).limit(limit + 1)).all()
    # Read after the notices: what is deleted meanwhile is a gap that must be reported.
    last, purged = _read_queue(library_id)
    start = purged if after is None else after
    if start > last:
        raise NotACursor
    if start < purged:
        raise CursorPassed
    shown = rows[:limit]
    return Page(read_notices(shown), next=shown[-1].seq if shown else start, more=len(rows) > limit)


def _read_queue(library_id: str) -> tuple[int, int]:
    queue = select(LibraryQueue.last_seq, LibraryQueue.purged_seq).where(LibraryQueue.library_id == library_id)
    row = db.session.execute(queue).first()
    return (row.last_seq, row.purged_seq) if row is not None else (0, 0)


@writing()
def end_cursors() -> None:
    """Let no library read on from a cursor that it has, for a register that was restored: it has given numbers twice.

    Each then gets CursorPassed, and fetches its patrons anew. Commits.
    """
    beyond = LibraryQueue.last_seq + _FURTHER_THAN_ANY_LOSS
    execute_bulk(update(LibraryQueue).values(last_seq=beyond, purged_seq=beyond))


def acknowledge(*, library_id: str, up_to: int, kept: Mapping[int, Sequence[str]], now: datetime) -> int:
    """Confirm every notice up to a cursor, for a library that has applied them; return how many that were.

    `kept` names by notice, of those who left or were erased, what the library must keep. The first answer counts, so
    it is idempotent. Raises NotACursor or NotKept; then nothing is changed.
    """
    # Two systems of one library take turns.
    queue = lock_queue(library_id)
    if up_to > (queue.last_seq if queue is not None else 0):
        raise NotACursor
    ours = (LibraryNotice.library_id == library_id) & (LibraryNotice.seq <= up_to)
    gone = select(LibraryNotice.id).where(ours, LibraryNotice.kind.in_(GONE), LibraryNotice.id.in_(kept))
    if set(db.session.scalars(gone)) != set(kept):
        raise NotKept
    confirmed = sum(confirm(LibraryNotice.id == each, kept=kinds, now=now) for each, kinds in kept.items())
    confirmed += confirm(ours, now=now)
    forget_numbers(ours)
    if queue is not None and confirmed:
        queue.last_delivered_at = now
    return confirmed
