"""What one library's system is still to be told, as its desk sees it, and to try again now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, func, select, update

from app.register.library.notices import LEASE, read_notices
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
    due_at: datetime


@dataclass(frozen=True, slots=True)
class WaitingNotices:
    """A library's queue: how many notices wait and since when, and how telling went. Instants are UTC.

    `fault` is the code of what went wrong since the system last answered, `attempts` how often; `due_at` is when the
    queue is tried again. `aside` are the first twenty that were refused, out of `aside_count`.
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
    """Return what waits for a library; of whom a card number is shown, that is written down before."""
    count, since = db.session.execute(
        select(func.count(), func.min(LibraryNotice.asked_at)).where(_waits(library_id))
    ).one()
    rows = db.session.scalars(
        select(LibraryNotice).where(_is_aside(library_id)).order_by(LibraryNotice.seq).limit(MOST_ASIDE)
    ).all()
    # Of somebody who is erased nothing is kept, and so no look at them either.
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
        aside=_read_aside(rows),
        aside_count=db.session.scalar(select(func.count()).where(_is_aside(library_id))) or 0,
    )


def _read_aside(rows: Sequence[LibraryNotice]) -> list[AsideNotice]:
    aside = []
    for row, notice in zip(rows, read_notices(rows), strict=True):
        assert row.due_at is not None
        aside.append(
            AsideNotice(
                kind=row.kind,
                card_number=notice.card_number,
                asked_at=row.asked_at,
                attempts=row.attempts,
                fault=row.last_fault or "",
                due_at=row.due_at,
            )
        )
    return aside


def retry_waiting(*, library_id: str, now: datetime) -> None:
    """Let a library be told now what waits, and what was set aside too.

    A queue that is tried within a minute anyway keeps its time: a worker may be telling it at this moment.
    """
    locked = select(LibraryQueue).where(LibraryQueue.library_id == library_id).with_for_update()
    queue = db.session.scalar(locked.execution_options(populate_existing=True))
    if queue is None:
        return
    db.session.execute(update(LibraryNotice).where(_is_aside(library_id)).values(due_at=now))
    if queue.due_at is None or queue.due_at > now + LEASE:
        queue.due_at = now


def _waits(library_id: str) -> ColumnElement[bool]:
    return (LibraryNotice.library_id == library_id) & LibraryNotice.due_at.is_not(None)


def _is_aside(library_id: str) -> ColumnElement[bool]:
    return _waits(library_id) & (LibraryNotice.attempts > 0)
