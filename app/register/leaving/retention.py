"""What is kept for a time only, and is thrown away after it. Safe to run at any time, twice, and several times at once.

The periods are those of docs/register-inventory.md, and a test holds the two equal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, delete, exists, select, tuple_, update

from app.register.library.kept_answers import KEPT_FOR as MACHINE_ANSWERS
from app.register.library.notices import GONE_NUMBERS, forget_numbers
from app.register.log.removals import RETENTION, note_removal
from app.register.messages.contact_changes import UNDO_LASTS as CONTACT_CHANGES
from app.register.store.transaction import db, writing
from app.register.tables.columns import Base
from app.register.tables.devices import Credential, Device, PresentedStep
from app.register.tables.library import ActCount, LibraryNotice, LibraryQueue, Machine, MachineAnswer
from app.register.tables.log import AccessLogEntry, Erasure
from app.register.tables.messages import ContactChange, Message, OneTimeSecret, PinOrder
from app.register.tables.patrons import AttemptCount, DeskVisit, Registration, Session
from app.rules.clocks import LEEWAY

PRESENTED_STEPS: Final = timedelta(hours=24)
DESK_VISITS: Final = timedelta(hours=24)
ATTEMPT_COUNTS: Final = timedelta(hours=24)
PIN_ORDERS: Final = timedelta(hours=24)
ACT_COUNTS: Final = timedelta(days=30)
ACCESS_LOG: Final = timedelta(days=365)
EXPIRED_CREDENTIALS: Final = timedelta(days=30)
SENT_MESSAGES: Final = timedelta(days=30)
FORMER_ADDRESSES: Final = timedelta(days=30)
ANSWERED_NOTICES: Final = timedelta(days=90)
NOTICES: Final = timedelta(days=365)
ERASURES: Final = timedelta(days=365)

BATCH: Final = 1000
"""Rows a transaction: nobody waits for more than these."""


@dataclass(frozen=True, slots=True)
class _Old:
    table: type[Base]
    condition: ColumnElement[bool]


def purge(*, now: datetime) -> Mapping[str, int]:
    """Delete what is past its time at `now`, a batch at a time, each committed. Returns the rows gone, by table."""
    gone: dict[str, int] = {}
    for old in _everything_old(now):
        name = old.table.__tablename__
        gone[name] = gone.get(name, 0) + _delete(old, now=now)
    _forget_former_passwords(now)
    _forget_gone_numbers(now)
    return gone


def purge_registrations(*, now: datetime) -> int:
    """Delete registrations that are past their time, committed. Returns how many went."""
    return _delete(_Old(Registration, Registration.expires_at <= now), now=now)


def _everything_old(now: datetime) -> list[_Old]:
    # A device without a card and without a session is only a name, so devices come last.
    unused = ~exists().where(Credential.device_id == Device.id) & ~exists().where(Session.device_id == Device.id)
    never_sent = Message.sealed_to.is_not(None) & Message.sent_at.is_(None)
    return [
        _Old(PresentedStep, PresentedStep.presented_at <= now - PRESENTED_STEPS),
        _Old(DeskVisit, DeskVisit.opened_at <= now - DESK_VISITS),
        # What a clock that was wrong began in the future is worth nothing either.
        _Old(AttemptCount, (AttemptCount.since <= now - ATTEMPT_COUNTS) | (AttemptCount.since > now + LEEWAY)),
        _Old(Session, Session.expires_at <= now),
        _Old(Registration, Registration.expires_at <= now),
        _Old(OneTimeSecret, OneTimeSecret.expires_at <= now),
        _Old(PinOrder, PinOrder.asked_at <= now - PIN_ORDERS),
        _Old(MachineAnswer, MachineAnswer.answered_at <= now - MACHINE_ANSWERS),
        _Old(Credential, Credential.expires_at <= now - EXPIRED_CREDENTIALS),
        _Old(ActCount, ActCount.hour <= now - ACT_COUNTS),
        _Old(AccessLogEntry, AccessLogEntry.at <= now - ACCESS_LOG),
        _Old(ContactChange, ContactChange.changed_at <= now - CONTACT_CHANGES),
        _Old(Message, Message.sent_at <= now - SENT_MESSAGES),
        _Old(Message, never_sent & (Message.asked_at <= now - FORMER_ADDRESSES)),
        _Old(LibraryNotice, LibraryNotice.confirmed_at <= now - ANSWERED_NOTICES),
        _Old(LibraryNotice, LibraryNotice.asked_at <= now - NOTICES),
        _Old(Erasure, Erasure.erased_at <= now - ERASURES),
        _Old(Device, unused),
    ]


def _delete(old: _Old, *, now: datetime) -> int:
    """Delete row by row in the order of the primary key, so that a table is walked through once."""
    gone, last = 0, None
    while True:
        deleted, keys = _delete_batch(old, after=last, now=now)
        gone += deleted
        if len(keys) < BATCH:
            return gone
        last = keys[-1]


@writing()
def _delete_batch(
    old: _Old, *, after: tuple[object, ...] | None, now: datetime
) -> tuple[int, Sequence[tuple[object, ...]]]:
    """Delete a batch behind the key `after`. Returns how many rows went, and the keys that were looked at."""
    key = tuple(old.table.__table__.primary_key)
    place = tuple_(*key)
    behind = [place > tuple_(*after)] if after is not None else []
    # What another run deletes at this moment is left to it.
    wanted = select(*key).where(old.condition, *behind).order_by(*key).limit(BATCH).with_for_update(skip_locked=True)
    keys = [tuple(row) for row in db.session.execute(wanted)]
    if not keys:
        return 0, keys
    if old.table is LibraryNotice:
        _note_purged([row_id for (row_id,) in keys])
    if old.table is AccessLogEntry:
        note_removal(entry_ids=[row_id for (row_id,) in keys], why=RETENTION, now=now)
    these = delete(old.table).where(place.in_(keys), old.condition)
    result = db.session.execute(these, execution_options={"synchronize_session": False})
    return int(getattr(result, "rowcount", 0)), keys


def _note_purged(notice_ids: list[int]) -> None:
    """Note how far each library's line is thrown away: a system that asks for what is before that begins anew."""
    these = select(LibraryNotice.library_id, LibraryNotice.seq).where(LibraryNotice.id.in_(notice_ids))
    furthest: dict[str, int] = {}
    for library_id, seq in db.session.execute(these):
        furthest[library_id] = max(seq, furthest.get(library_id, 0))
    for library_id, seq in sorted(furthest.items()):
        line = update(LibraryQueue).where(LibraryQueue.library_id == library_id, LibraryQueue.purged_seq < seq)
        db.session.execute(line.values(purged_seq=seq), execution_options={"synchronize_session": False})


@writing()
def _forget_former_passwords(now: datetime) -> None:
    old = update(Machine).where(Machine.former_until <= now).values(former_token=None, former_until=None)
    db.session.execute(old, execution_options={"synchronize_session": False})


@writing()
def _forget_gone_numbers(now: datetime) -> None:
    db.session.execute(forget_numbers(LibraryNotice.confirmed_at <= now - GONE_NUMBERS))
