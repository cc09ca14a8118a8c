"""Deleting what is past its retention. Safe to run at any time, repeatedly, and by several processes.

The periods are those of docs/register-inventory.md; a test compares the two.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, delete, exists, func, select, tuple_, update

from app.register.library.kept_answers import KEPT_FOR as MACHINE_ANSWERS
from app.register.library.notices import GONE_NUMBERS, forget_numbers
from app.register.log.removals import RETENTION, note_removal
from app.register.messages.contact_changes import UNDO_LASTS as CONTACT_CHANGES
from app.register.messages.push import KEPT_FOR as PUSH_MESSAGES
from app.register.moving.imports import REPORT_KEPT as IMPORT_REPORTS
from app.register.moving.imports import ROWS_KNOWN as IMPORTED_ROWS
from app.register.moving.imports import expire_imports
from app.register.store.transaction import db, execute_bulk, writing
from app.register.tables.columns import Base
from app.register.tables.devices import Credential, Device, PresentedStep
from app.register.tables.library import (
    ActCount,
    LibraryNotice,
    LibraryQueue,
    LibraryTotal,
    Machine,
    MachineAnswer,
    MachineRefusal,
)
from app.register.tables.log import AccessLogEntry, Erasure
from app.register.tables.messages import ContactChange, Message, OneTimeSecret, PinOrder
from app.register.tables.moving import ImportedPatron, PatronImport
from app.register.tables.patrons import AttemptCount, DeskVisit, Registration, Session
from app.register.tables.reminders import PushMessage
from app.register.tables.staff import LibraryAct, StaffLink
from app.rules.clocks import LEEWAY

PRESENTED_STEPS: Final = timedelta(hours=24)
DESK_VISITS: Final = timedelta(hours=24)
ATTEMPT_COUNTS: Final = timedelta(hours=24)
PIN_ORDERS: Final = timedelta(hours=24)
ACT_COUNTS: Final = timedelta(days=30)
LIBRARY_ACTS: Final = timedelta(days=3 * 365)
MACHINE_REFUSALS: Final = timedelta(hours=24)
ACCESS_LOG: Final = timedelta(days=365)
EXPIRED_CREDENTIALS: Final = timedelta(days=30)
SENT_MESSAGES: Final = timedelta(days=30)
FORMER_ADDRESSES: Final = timedelta(days=30)
ANSWERED_NOTICES: Final = timedelta(days=90)
NOTICES: Final = timedelta(days=365)
ERASURES: Final = timedelta(days=365)
TOTALS: Final = timedelta(days=5 * 366)

BATCH: Final = 1000
"""Rows in one transaction."""

_Old = tuple[type[Base], ColumnElement[bool]]
"""A table and the condition for its rows that are past their retention."""


def purge(*, now: datetime) -> Mapping[str, int]:
    """Delete what is past its retention at `now`, one batch a transaction. Returns the deleted rows by table."""
    gone = Counter[str]()
    for old in _everything_old(now):
        gone[old[0].__tablename__] += _delete(old, now=now)
    with writing():
        execute_bulk(update(Machine).where(Machine.former_until <= now).values(former_token=None, former_until=None))
    with writing():
        gone.update(expire_imports(now=now))
    with writing():
        forget_numbers(LibraryNotice.confirmed_at <= now - GONE_NUMBERS)
    return gone


def purge_registrations(*, now: datetime) -> int:
    """Delete expired registrations, and commit. Returns how many were deleted."""
    return _delete((Registration, Registration.expires_at <= now), now=now)


def _everything_old(now: datetime) -> list[_Old]:
    # Devices come last: one without a card and without a session is deleted.
    unused = ~exists().where(Credential.device_id == Device.id) & ~exists().where(Session.device_id == Device.id)
    never_sent = Message.sealed_to.is_not(None) & Message.sent_at.is_(None)
    return [
        (PresentedStep, PresentedStep.presented_at <= now - PRESENTED_STEPS),
        (DeskVisit, DeskVisit.opened_at <= now - DESK_VISITS),
        # Also what was begun in the future, by a clock that was wrong.
        (AttemptCount, (AttemptCount.since <= now - ATTEMPT_COUNTS) | (AttemptCount.since > now + LEEWAY)),
        (Session, Session.expires_at <= now),
        (Registration, Registration.expires_at <= now),
        (OneTimeSecret, OneTimeSecret.expires_at <= now),
        (PinOrder, PinOrder.asked_at <= now - PIN_ORDERS),
        (MachineAnswer, MachineAnswer.answered_at <= now - MACHINE_ANSWERS),
        (Credential, Credential.expires_at <= now - EXPIRED_CREDENTIALS),
        (ActCount, ActCount.hour <= now - ACT_COUNTS),
        (StaffLink, StaffLink.expires_at <= now),
        (LibraryAct, LibraryAct.at <= now - LIBRARY_ACTS),
        (MachineRefusal, MachineRefusal.hour <= now - MACHINE_REFUSALS),
        (AccessLogEntry, AccessLogEntry.at <= now - ACCESS_LOG),
        (ContactChange, ContactChange.changed_at <= now - CONTACT_CHANGES),
        (Message, Message.sent_at <= now - SENT_MESSAGES),
        (Message, never_sent & (Message.asked_at <= now - FORMER_ADDRESSES)),
        (PushMessage, PushMessage.asked_at <= now - PUSH_MESSAGES),
        (LibraryNotice, LibraryNotice.confirmed_at <= now - ANSWERED_NOTICES),
        (LibraryNotice, LibraryNotice.asked_at <= now - NOTICES),
        (Erasure, Erasure.erased_at <= now - ERASURES),
        (LibraryTotal, LibraryTotal.day <= (now - TOTALS).date()),
        (PatronImport, PatronImport.begun_at <= now - IMPORT_REPORTS),
        (ImportedPatron, ImportedPatron.imported_at <= now - IMPORTED_ROWS),
        (Device, unused),
    ]


def _delete(old: _Old, *, now: datetime) -> int:
    """Delete in the order of the primary key, so that the table is read once."""
    gone, last = 0, None
    while True:
        deleted, keys = _delete_batch(*old, after=last, now=now)
        gone += deleted
        if len(keys) < BATCH:
            return gone
        last = keys[-1]


@writing()
def _delete_batch(
    table: type[Base], is_old: ColumnElement[bool], *, after: tuple[object, ...] | None, now: datetime
) -> tuple[int, Sequence[tuple[object, ...]]]:
    """Delete a batch after the key `after`. Returns how many rows were deleted, and the keys that were read."""
    key = tuple(table.__table__.primary_key)
    place = tuple_(*key)
    later = [place > tuple_(*after)] if after is not None else []
    # Rows that another run is deleting are skipped.
    wanted = select(*key).where(is_old, *later).order_by(*key).limit(BATCH).with_for_update(skip_locked=True)
    keys = [tuple(row) for row in db.session.execute(wanted)]
    if not keys:
        return 0, keys
    if table is LibraryNotice:
        _note_purged([row_id for (row_id,) in keys])
    if table is AccessLogEntry:
        note_removal(entry_ids=[row_id for (row_id,) in keys], why=RETENTION, now=now)
    return execute_bulk(delete(table).where(place.in_(keys), is_old)), keys


def _note_purged(notice_ids: list[int]) -> None:
    """Note up to which number each library's queue is deleted: a cursor before that is refused."""
    these = select(LibraryNotice.library_id, func.max(LibraryNotice.seq)).where(LibraryNotice.id.in_(notice_ids))
    furthest = db.session.execute(these.group_by(LibraryNotice.library_id).order_by(LibraryNotice.library_id)).all()
    for library_id, seq in furthest:
        behind = (LibraryQueue.library_id == library_id) & (LibraryQueue.purged_seq < seq)
        execute_bulk(update(LibraryQueue).where(behind).values(purged_seq=seq))
