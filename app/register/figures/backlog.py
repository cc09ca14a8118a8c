"""How much waits in each of the register's queues and since when, and what was done last.

Each statement reads what waits and no more, by an index, or one row for each library.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Select, case, func, select

from app.register.figures.runs import RETENTION, last_run
from app.register.leaving.due_erasures import is_due
from app.register.store.transaction import autonomous
from app.register.tables.library import LibraryNotice, LibraryQueue
from app.register.tables.log import AccessLogEntry, AccessLogLink, Erasure
from app.register.tables.messages import Message, PinOrder
from app.register.tables.patrons import Patron
from app.rules.messages import Urgency

LETTERS: Final = "letter"
QUEUES: Final = (*(one.name.lower() for one in Urgency), LETTERS, "pin-order", "erasure", "journal", "access-log")
"""Messages by urgency, letters that desks print, orders of a new PIN, erasures that are due, those that are not in the
journal yet, and entries of the access log that are not sealed yet."""


@dataclass(frozen=True, slots=True)
class Queue:
    """How much waits, and for how many seconds the first of it has; 0.0 where nothing does."""

    length: int = 0
    oldest_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class LibraryBacklog:
    """What waits for one library. `is_told`: the portal delivers it; else the library fetches, or is not connected.

    `waiting.length` counts from the first notice that waits to the newest. `failures` were in a row, and `fault` is the
    code of the last; `next_try_at` and `synced_at`, when it last confirmed something, are UTC.
    """

    library_id: str
    is_told: bool
    waiting: Queue
    failures: int
    synced_at: datetime | None
    fault: str | None = None
    next_try_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Backlog:
    """All of it. `queues` has every name of QUEUES. `retention_ran_at` is UTC; None where it never has."""

    queues: Mapping[str, Queue]
    libraries: Sequence[LibraryBacklog]
    retention_ran_at: datetime | None


def read_backlog(*, now: datetime) -> Backlog:
    """Read it all, outside of any transaction. Raises DATABASE_ERRORS where the database does not work."""
    with autonomous() as connection:
        queues = dict.fromkeys(QUEUES, Queue()) | _messages(connection, now)
        for name, statement in _others(now).items():
            length, since = connection.execute(statement).one()
            queues[name] = _queue(length, since, now)
        queues["access-log"] = _unsealed(connection, now)
        libraries = [_library(row, now) for row in connection.execute(_LIBRARIES)]
        return Backlog(queues, libraries, last_run(connection, name=RETENTION))


def read_library_backlog(*, library_id: str, now: datetime) -> LibraryBacklog | None:
    """Read what waits for one library, as `read_backlog` does; None where nothing ever has."""
    with autonomous() as connection:
        row = connection.execute(_LIBRARIES.where(LibraryQueue.library_id == library_id)).first()
    return None if row is None else _library(row, now)


def _queue(length: int, since: datetime | None, now: datetime) -> Queue:
    return Queue(length, max(0.0, (now - since).total_seconds()) if since is not None else 0.0)


def _messages(connection: Connection, now: datetime) -> dict[str, Queue]:
    # A letter at the desk is due to no worker. 0 is no urgency.
    urgency = case((Message.due_at.is_(None), 0), else_=Message.urgency)
    waiting = select(urgency, func.count(), func.min(Message.asked_at)).where(Message.sent_at.is_(None))
    rows = connection.execute(waiting.group_by(urgency))
    return {Urgency(row[0]).name.lower() if row[0] else LETTERS: _queue(row[1], row[2], now) for row in rows}


def _others(now: datetime) -> dict[str, Select[*tuple[Any, ...]]]:
    return {
        "pin-order": select(func.count(), func.min(PinOrder.asked_at)),
        "erasure": select(func.count(), func.min(Patron.erase_at)).where(is_due(now=now)),
        "journal": select(func.count(), func.min(Erasure.erased_at)).where(Erasure.journal_entry.is_not(None)),
    }


def _unsealed(connection: Connection, now: datetime) -> Queue:
    newest = connection.scalar(select(func.max(AccessLogEntry.id))) or 0
    sealed = connection.scalar(select(func.max(AccessLogLink.entry_id))) or 0
    after = select(AccessLogEntry.at).where(AccessLogEntry.id > sealed).order_by(AccessLogEntry.id).limit(1)
    since = connection.scalar(after)
    return _queue(newest - sealed, since, now) if since is not None else Queue()


def _first(column: Any) -> Any:  # noqa: ANN401 - a column, and what is selected of it
    waits = (LibraryNotice.library_id == LibraryQueue.library_id) & LibraryNotice.due_at.is_not(None)
    return select(column).where(waits).order_by(LibraryNotice.seq).limit(1).scalar_subquery()


_LIBRARIES: Final = select(
    LibraryQueue.library_id,
    LibraryQueue.due_at,
    LibraryQueue.attempts,
    LibraryQueue.last_delivered_at,
    LibraryQueue.last_seq,
    _first(LibraryNotice.seq),
    _first(LibraryNotice.asked_at),
    LibraryQueue.last_fault,
).order_by(LibraryQueue.library_id)


def _library(row: Any, now: datetime) -> LibraryBacklog:  # noqa: ANN401 - a row of _LIBRARIES
    library_id, due_at, attempts, delivered_at, last_seq, first_seq, since, fault = row
    waiting = _queue(last_seq - first_seq + 1, since, now) if first_seq is not None else Queue()
    return LibraryBacklog(library_id, due_at is not None, waiting, attempts, delivered_at, fault, due_at)
