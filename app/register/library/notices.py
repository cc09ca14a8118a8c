"""What libraries' systems are still to be told, kept until each has taken it (a transactional outbox).

Each library has a queue of its own, delivered in the order of its numbers by one worker at a time. A system that does
not answer pauses its own queue alone; a notice that it refuses is set aside, and only the same patron's later ones wait
for it. A notice is delivered at least once: its id tells the receiver that it has had it, its version that it is late.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Exists, Update, case, exists, func, literal, select, update
from sqlalchemy.orm import aliased

from app.register.keys.vault import vault
from app.register.patron.changes import GONE, NUMBER_COLUMN
from app.register.store.transaction import db, reading, writing
from app.register.tables.columns import UtcInstant
from app.register.tables.library import LibraryNotice, LibraryQueue
from app.register.tables.patrons import Affiliation, Patron

# For so long one worker has a queue. Where it dies in the middle, the queue is due again after that.
LEASE = timedelta(minutes=1)
WEBHOOK_KEY_COLUMN = "library_queues.sealed_webhook_key"
# Once a library is told, the number of somebody who is gone stays so long for a system of it that fetches what is new.
GONE_NUMBERS = timedelta(days=7)
# What a library may have to keep of somebody who is gone (GDPR art. 17(3)), by kind.
KEPT_KINDS = ("open_loans", "unpaid_debts", "ordered_requests", "other")


@dataclass(frozen=True, slots=True)
class QueueLease:
    """A worker's lease of a library's queue, with the webhook. `attempts` failed since the library last answered."""

    library_id: str
    webhook_url: str | None
    webhook_key: bytes | None
    attempts: int


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened to a patron.

    `card_number` is the number by which the library knows the patron once it has applied the notice; for LEFT and
    ERASED the one it is to forget. `former_number` is there where the number changed. None where it is not known any
    more. `attempts` counts how often the library refused it. `charged_by` is who gave the new card, where the library
    charges for it.
    """

    id: int
    library_id: str
    seq: int
    patron_id: int
    version: int
    kind: str
    card_number: str | None
    former_number: str | None
    asked_at: datetime
    attempts: int
    charged_by: str | None


def lease_queue(*, now: datetime) -> QueueLease | None:
    """Lease the queue of a library that is due for a minute, those that answer first; None where none is due."""
    queue = LibraryQueue
    due = (
        select(queue.library_id)
        .where(queue.due_at <= now)
        .order_by(queue.attempts, queue.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    with writing():
        row = db.session.execute(
            update(queue)
            .where(queue.library_id == due.scalar_subquery(), queue.due_at <= now)
            .values(due_at=now + LEASE)
            .returning(queue.library_id, queue.webhook_url, queue.sealed_webhook_key, queue.attempts)
        ).first()
    if row is None:
        return None
    sealed = row.sealed_webhook_key
    key = vault.open(sealed, column=WEBHOOK_KEY_COLUMN) if sealed is not None else None
    return QueueLease(row.library_id, row.webhook_url, key, row.attempts)


@reading()
def list_due_notices(*, library_id: str, now: datetime, limit: int) -> list[Notice]:
    """Return what a library is to be told now, in its order; nothing of a patron of whom something earlier waits."""
    due = LibraryNotice.due_at <= now
    earlier = aliased(LibraryNotice)
    behind = _earlier_of_the_patron(earlier).where(earlier.due_at > now)
    rows = db.session.scalars(
        select(LibraryNotice)
        .where(LibraryNotice.library_id == library_id, LibraryNotice.due_at.is_not(None), due, ~behind)
        .order_by(LibraryNotice.seq)
        .limit(limit)
    ).all()
    return read_notices(rows)


def _earlier_of_the_patron(earlier: type[LibraryNotice]) -> Exists:
    return exists().where(
        earlier.library_id == LibraryNotice.library_id,
        earlier.patron_id == LibraryNotice.patron_id,
        earlier.seq < LibraryNotice.seq,
    )


def read_notices(rows: Sequence[LibraryNotice]) -> list[Notice]:
    """Return notices of one library with the numbers by which it knows each patron at that place in its queue."""
    numbers = _numbers_by_patron(rows)
    read = []
    for row in rows:
        known = numbers.get(row.patron_id, [])
        former = next((number for seq, number in known if seq == row.seq), None)
        gone = row.kind in GONE
        after = former if gone else next((number for seq, number in known if seq > row.seq), None)
        read.append(
            Notice(
                id=row.id,
                library_id=row.library_id,
                seq=row.seq,
                patron_id=row.patron_id,
                version=row.patron_version,
                kind=row.kind,
                card_number=after,
                former_number=None if gone else former,
                asked_at=row.asked_at,
                attempts=row.attempts,
                charged_by=row.charged_by,
            )
        )
    return read


def _numbers_by_patron(rows: Sequence[LibraryNotice]) -> dict[int, list[tuple[float, str]]]:
    """Return for each patron the numbers by which the library knows them: each up to a place in its queue."""
    if not rows:
        return {}
    library_id, patron_ids = rows[0].library_id, {row.patron_id for row in rows}
    # Today's numbers first: whoever gets a new one meanwhile has left the former in a notice when those are read, and
    # no earlier notice is told with a number that the library has yet to learn. A library that the patron has left
    # learns no number that they got afterwards.
    today = db.session.execute(
        select(Patron.id, Patron.card_number)
        .join(Affiliation, (Affiliation.patron_id == Patron.id) & (Affiliation.library_id == library_id))
        .where(Patron.id.in_(patron_ids))
    ).all()
    former = db.session.execute(
        select(LibraryNotice.patron_id, LibraryNotice.seq, LibraryNotice.sealed_number)
        .where(
            LibraryNotice.library_id == library_id,
            LibraryNotice.patron_id.in_(patron_ids),
            LibraryNotice.sealed_number.is_not(None),
        )
        .order_by(LibraryNotice.seq)
    )
    numbers: dict[int, list[tuple[float, str]]] = {patron_id: [] for patron_id in patron_ids}
    for patron_id, seq, sealed in former:
        assert sealed is not None
        numbers[patron_id].append((seq, vault.open(sealed, column=NUMBER_COLUMN).decode()))
    for patron_id, number in today:
        numbers[patron_id].append((float("inf"), number))
    return numbers


@writing()
def mark_delivered(*, notice_id: int, now: datetime, kept: Iterable[str] = ()) -> None:
    """Note that the library has done its part, and what it must keep, by kind. The first answer counts."""
    delivered = confirm(notice_id=notice_id, kept=kept, now=now).where(LibraryNotice.confirmed_at.is_(None))
    db.session.execute(delivered)


def confirm(*, notice_id: int, kept: Iterable[str], now: datetime) -> Update:
    """Return the statement that notes a library's answer. Kinds that nobody knows are kept as "other".

    A number of somebody who is erased goes with the answer, but the one to be forgotten: `forget_numbers`.
    """
    kinds = {kind if kind in KEPT_KINDS else "other" for kind in kept}
    return (
        update(LibraryNotice)
        .where(LibraryNotice.id == notice_id)
        .values(
            due_at=None,
            confirmed_at=func.coalesce(LibraryNotice.confirmed_at, literal(now, UtcInstant())),
            kept=",".join(sorted(kinds)) or None,
            last_fault=None,
            sealed_number=case((_is_deliverable(), LibraryNotice.sealed_number)),
        )
        .execution_options(synchronize_session=False)
    )


def confirm_up_to(*, library_id: str, seq: int, now: datetime) -> Update:
    """Return the statement that notes that a library has done its part in all up to a place in its queue."""
    unconfirmed = (LibraryNotice.library_id == library_id) & LibraryNotice.confirmed_at.is_(None)
    return (
        update(LibraryNotice)
        .where(unconfirmed, LibraryNotice.seq <= seq)
        .values(
            due_at=None,
            confirmed_at=now,
            last_fault=None,
            sealed_number=case((_is_deliverable(), LibraryNotice.sealed_number)),
        )
        .execution_options(synchronize_session=False)
    )


def forget_numbers(condition: ColumnElement[bool]) -> Update:
    """Return the statement by which the numbers of those who are erased go from the notices that are named."""
    return (
        update(LibraryNotice)
        .where(condition, LibraryNotice.sealed_number.is_not(None), ~_is_there())
        .values(sealed_number=None)
        .execution_options(synchronize_session=False)
    )


def _is_deliverable() -> ColumnElement[bool]:
    # One system of a library may be told at once, and another fetch what is new tonight.
    return LibraryNotice.kind.in_(GONE) | _is_there()


def _is_there() -> Exists:
    return exists().where(Patron.id == LibraryNotice.patron_id)


@writing()
def set_aside(*, notice: Notice, fault: str, pause: timedelta, now: datetime) -> None:
    """Put a notice that the library refused aside. The others go on, but for this patron's later ones."""
    db.session.execute(
        update(LibraryNotice)
        .where(LibraryNotice.id == notice.id, LibraryNotice.confirmed_at.is_(None))
        .values(due_at=now + pause, attempts=notice.attempts + 1, last_fault=fault[:40])
    )


@writing()
def pause_queue(*, library_id: str, attempts: int, fault: str, pause: timedelta, answered: bool, now: datetime) -> None:
    """Let a library that does not answer be for a while. `answered`: it took something before that."""
    delivered = {"last_delivered_at": now} if answered else {}
    db.session.execute(
        update(LibraryQueue)
        .where(LibraryQueue.library_id == library_id)
        .values(due_at=now + pause, attempts=attempts, last_fault=fault[:40], **delivered)
    )


@writing()
def release_queue(*, library_id: str, answered: bool, now: datetime) -> None:
    """End the lease of a queue: it is due again with its next notice. `answered`: the library took something."""
    # Locked before it is read: what is added meanwhile waits, and finds the queue idle.
    queue = lock_queue(library_id)
    earlier = aliased(LibraryNotice)
    first = ~_earlier_of_the_patron(earlier).where(earlier.due_at.is_not(None))
    queue.due_at = db.session.scalar(select(func.min(LibraryNotice.due_at)).where(_waiting_at(library_id), first))
    if answered:
        queue.attempts, queue.last_fault, queue.last_delivered_at = 0, None, now


@writing()
def idle_queue(*, library_id: str) -> None:
    """Make a queue idle whose library fetches what is new by itself, or is not connected yet."""
    queue = lock_queue(library_id)
    if queue.webhook_url is None:
        queue.due_at = None


def lock_queue(library_id: str) -> LibraryQueue:
    """Return a library's queue, locked until the commit."""
    locked = select(LibraryQueue).where(LibraryQueue.library_id == library_id).with_for_update()
    return db.session.execute(locked.execution_options(populate_existing=True)).scalar_one()


def _waiting_at(library_id: str) -> ColumnElement[bool]:
    return (LibraryNotice.library_id == library_id) & LibraryNotice.due_at.is_not(None)
