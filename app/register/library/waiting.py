"""The notices that wait for one library's system, as its desk sees them, and trying again now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, func, select, update

from app.register.library.notices import LEASE, is_waiting, lock_queue, read_notices
from app.register.log.access_log import Viewer, log_list_access
from app.register.messages.letters import PURPOSE
from app.register.store.transaction import db
from app.register.tables.library import LibraryNotice, LibraryQueue
from app.register.tables.patrons import Patron

MOST_ASIDE: Final = 20


@dataclass(frozen=True, slots=True)
class AsideNotice:
    """A notice that the library's system refused. Instants are UTC; `fault` is a code."""

    kind: str
    card_number: str | None
    asked_at: datetime
    attempts: int
    fault: str
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class WaitingNotices:
    """A library's queue: how many notices wait and since when, and how delivery went. Instants are UTC.

    `fault` is the code of the last fault since the system last responded, `attempts` how many there were; `due_at` is
    the next try. `aside` are the first twenty that were refused, out of `aside_count`.
    """

    count: int
    since: datetime | None
    fault: str | None
    attempts: int
    due_at: datetime | None
    last_delivered_at: datetime | None
    has_webhook: bool
    aside: Sequence[AsideNotice]
    aside_count: int


def see_waiting(*, library_id: str, viewer: Viewer, now: datetime) -> WaitingNotices:
    """Return what waits for a library; access to each card number that is shown is logged first."""
    waiting = select(func.count(), func.min(LibraryNotice.asked_at)).where(is_waiting(library_id))
    count, since = db.session.execute(waiting).one()
    rows = db.session.scalars(
        select(LibraryNotice).where(_is_aside(library_id)).order_by(LibraryNotice.seq).limit(MOST_ASIDE)
    ).all()
    # Erased patrons have no access log.
    still_here = db.session.scalars(select(Patron.id).where(Patron.id.in_({row.patron_id for row in rows}))).all()
    log_list_access(patron_ids=still_here, viewer=viewer, purpose=PURPOSE, fields="card number", now=now)
    queue = db.session.get(LibraryQueue, library_id)
    return WaitingNotices(
        count=count,
        since=since,
        fault=queue.last_fault if queue else None,
        attempts=queue.attempts if queue else 0,
        due_at=queue.due_at if queue else None,
        last_delivered_at=queue.last_delivered_at if queue else None,
        has_webhook=queue is not None and queue.webhook_url is not None,
        aside=[
            AsideNotice(row.kind, notice.card_number, row.asked_at, row.attempts, row.last_fault or "", row.due_at)
            for row, notice in zip(rows, read_notices(rows), strict=True)
        ],
        aside_count=db.session.scalar(select(func.count()).where(_is_aside(library_id))) or 0,
    )


def count_waiting(*, library_id: str, most: int) -> int:
    """Count the notices that wait for a library's system; `most` + 1 where there are more."""
    waiting = select(LibraryNotice.id).where(is_waiting(library_id)).limit(most + 1).subquery()
    return db.session.scalar(select(func.count()).select_from(waiting)) or 0


def retry_waiting(*, library_id: str, now: datetime) -> None:
    """Make all notices that wait for a library due now, also those that were set aside.

    A queue that is due within a minute keeps its time: a worker may have the lease.
    """
    queue = lock_queue(library_id)
    if queue is None:
        return
    db.session.execute(update(LibraryNotice).where(_is_aside(library_id)).values(due_at=now))
    if queue.due_at is None or queue.due_at > now + LEASE:
        queue.due_at = now


def _is_aside(library_id: str) -> ColumnElement[bool]:
    return is_waiting(library_id) & (LibraryNotice.attempts > 0)
