"""Notices to libraries' systems, kept until each library has confirmed them (a transactional outbox).

Each library has a queue of its own, which one worker at a time delivers in its order. A system that does not respond
pauses its own queue alone; a notice that it refuses is set aside, and only the same patron's later ones wait for it. A
notice is delivered at least once: by its id the receiver recognises a repeated one, by its version an outdated one.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Exists, case, exists, func, select, update
from sqlalchemy.orm import aliased

from app.register.keys.vault import vault
from app.register.patron.changes import GONE, NUMBER_COLUMN
from app.register.store.transaction import db, execute_bulk, reading, writing
from app.register.tables.library import LibraryNotice, LibraryQueue
from app.register.tables.patrons import Affiliation, Patron

# If the worker dies, the queue is due again after this.
LEASE = timedelta(minutes=1)
WEBHOOK_KEY_COLUMN = "library_queues.sealed_webhook_key"
# How long a confirmed notice keeps the number of a patron who is gone, for a system that fetches notices later.
GONE_NUMBERS = timedelta(days=7)
# What a library may have to keep of a patron who is gone (GDPR art. 17(3)), by kind.
KEPT_KINDS = ("open_loans", "unpaid_debts", "ordered_requests", "other")


@dataclass(frozen=True, slots=True)
class QueueLease:
    """A worker's lease of a library's queue, with the webhook. `attempts` failed since the library last responded."""

    library_id: str
    webhook_url: str | None
    webhook_key: bytes | None
    webhook_is_public: bool
    attempts: int


@dataclass(frozen=True, slots=True)
class Notice:
    """A change of a patron.

    `card_number` is the number that the library knows once it has applied the notice; for LEFT and ERASED the one to
    forget; None if it is not known any more. `former_number` is set where the number changed. `attempts` counts the
    library's refusals. `charged_by` is who gave the new card, where the library charges for it.
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
    """Lease a due queue for a minute, of a library that responds if possible; None where none is due."""
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
            .returning(
                queue.library_id,
                queue.webhook_url,
                queue.sealed_webhook_key,
                queue.webhook_is_public,
                queue.attempts,
            )
        ).first()
    if row is None:
        return None
    sealed = row.sealed_webhook_key
    key = vault.open(sealed, column=WEBHOOK_KEY_COLUMN) if sealed is not None else None
    return QueueLease(row.library_id, row.webhook_url, key, row.webhook_is_public, row.attempts)


@reading()
def list_due_notices(*, library_id: str, now: datetime, limit: int) -> list[Notice]:
    """Return a library's due notices in their order, without those of a patron whose earlier notice is not due."""
    blocked = _has_earlier(lambda earlier: earlier.due_at > now)
    due = select(LibraryNotice).where(is_waiting(library_id), LibraryNotice.due_at <= now, ~blocked)
    return read_notices(db.session.scalars(due.order_by(LibraryNotice.seq).limit(limit)).all())


def _has_earlier(condition: Callable[[type[LibraryNotice]], ColumnElement[bool]]) -> Exists:
    """Return the condition that the patron has an earlier notice in this queue that fits."""
    earlier = aliased(LibraryNotice)
    return exists().where(
        earlier.library_id == LibraryNotice.library_id,
        earlier.patron_id == LibraryNotice.patron_id,
        earlier.seq < LibraryNotice.seq,
        condition(earlier),
    )


def read_notices(rows: Sequence[LibraryNotice]) -> list[Notice]:
    """Return notices of one library, each with the card number that the library knows at that place in its queue."""
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
    """Return for each patron the card numbers that the library knows, each up to a place in its queue."""
    if not rows:
        return {}
    library_id, patron_ids = rows[0].library_id, {row.patron_id for row in rows}
    # Today's numbers are read first: if one is replaced meanwhile, the notice of that is read after it, and no earlier
    # notice gets the new number. A library that the patron has left gets no number from after that.
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
    """Confirm a notice, with the kinds of what the library must keep. The first answer counts."""
    confirm(LibraryNotice.id == notice_id, kept=kept, now=now)


def confirm(condition: ColumnElement[bool], *, now: datetime, kept: Iterable[str] = ()) -> int:
    """Note that a library has applied these notices, and what it must keep; return how many were not confirmed yet.

    Unknown kinds are kept as "other". The former number of an erased patron is deleted, unless it is the one to be
    forgotten: `forget_numbers`.
    """
    kinds = {kind if kind in KEPT_KINDS else "other" for kind in kept}
    return execute_bulk(
        update(LibraryNotice)
        .where(condition, LibraryNotice.confirmed_at.is_(None))
        .values(
            due_at=None,
            confirmed_at=now,
            kept=",".join(sorted(kinds)) or None,
            last_fault=None,
            # One system of a library may be notified now, and another fetch its notices tonight.
            sealed_number=case((LibraryNotice.kind.in_(GONE) | _is_there(), LibraryNotice.sealed_number)),
        )
    )


def forget_numbers(condition: ColumnElement[bool]) -> None:
    """Delete the card numbers of erased patrons from the notices that fit."""
    named = LibraryNotice.sealed_number.is_not(None) & ~_is_there()
    execute_bulk(update(LibraryNotice).where(condition, named).values(sealed_number=None))


def _is_there() -> Exists:
    return exists().where(Patron.id == LibraryNotice.patron_id)


@writing()
def set_aside(*, notice: Notice, fault: str, pause: timedelta, now: datetime) -> None:
    """Set aside a notice that the library refused. Only this patron's later ones wait for it."""
    db.session.execute(
        update(LibraryNotice)
        .where(LibraryNotice.id == notice.id, LibraryNotice.confirmed_at.is_(None))
        .values(due_at=now + pause, attempts=notice.attempts + 1, last_fault=fault[:40])
    )


@writing()
def pause_queue(*, library_id: str, attempts: int, fault: str, pause: timedelta, answered: bool, now: datetime) -> None:
    """Pause the queue of a library that does not respond. `answered`: it confirmed something before that."""
    delivered = {"last_delivered_at": now} if answered else {}
    db.session.execute(
        update(LibraryQueue)
        .where(LibraryQueue.library_id == library_id)
        .values(due_at=now + pause, attempts=attempts, last_fault=fault[:40], **delivered)
    )


@writing()
def release_queue(*, library_id: str, answered: bool, now: datetime) -> None:
    """End the lease of a queue: it is due again with its next notice. `answered`: the library confirmed something."""
    # Locked before it is read: a notice that is added meanwhile waits, and finds the queue idle.
    queue = lock_queue(library_id)
    assert queue is not None
    first = ~_has_earlier(lambda earlier: earlier.due_at.is_not(None))
    queue.due_at = db.session.scalar(select(func.min(LibraryNotice.due_at)).where(is_waiting(library_id), first))
    if answered:
        queue.attempts, queue.last_fault, queue.last_delivered_at = 0, None, now


@writing()
def idle_queue(*, library_id: str) -> None:
    """Stop delivering a queue whose library fetches its notices itself, or is not connected yet."""
    queue = lock_queue(library_id)
    if queue is not None and queue.webhook_url is None:
        queue.due_at = None


def lock_queue(library_id: str) -> LibraryQueue | None:
    """Return a library's queue, locked until the commit; None where it has had no notices and no webhook."""
    locked = select(LibraryQueue).where(LibraryQueue.library_id == library_id).with_for_update()
    return db.session.scalar(locked.execution_options(populate_existing=True))


def is_waiting(library_id: str) -> ColumnElement[bool]:
    """Return the condition that a notice of a library is not confirmed yet."""
    return (LibraryNotice.library_id == library_id) & LibraryNotice.due_at.is_not(None)
