"""The queue of messages: a worker leases one, and then marks it as sent or to be retried."""

from collections.abc import Collection
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import product
from typing import Final, Literal

from sqlalchemy import ColumnElement, delete, exists, or_, select, update

from app.register.keys.vault import SecretNotOpened
from app.register.messages.outbox import QUEUES, Due, choose_channel, day_of, make_due, read_message
from app.register.messages.reminders import read_choices, way_of_permissions
from app.register.patron.card_status import status_of
from app.register.patron.proven import LETTER
from app.register.store.transaction import autonomous, db, writing
from app.register.tables.messages import Message
from app.rules.messages import CAN_WAIT, CODES, DATED, FAMILY_PERMISSION, LINKS, Urgency
from app.rules.people.reminders import NONE, quiet_until

_LEASE = timedelta(minutes=5)
LONGEST_PAUSE = timedelta(hours=6)
_CODE_PAUSE = timedelta(seconds=10)
_CODE_IS_LATE = timedelta(minutes=10)
CODE_IS_SLOW: Final = timedelta(seconds=20)
"""After this the page says that the code could not be sent."""

CodeState = Literal["sent", "on its way", "not sent"]


def list_due(*, now: datetime) -> frozenset[tuple[str, Urgency]]:
    """Return the queues in which something is due, each with its urgency."""
    places = list(product(QUEUES, Urgency))
    found = [exists().where(*_is_due(queue=queue, urgency=urgency, now=now)) for queue, urgency in places]
    with autonomous() as connection:
        row = connection.execute(select(*(one.label(None) for one in found))).one()
    return frozenset(place for place, is_due in zip(places, row, strict=True) if is_due)


def _is_due(*, queue: str, urgency: Urgency, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return Message.queue == queue, Message.urgency == urgency, Message.due_at <= now


def take_due_message(
    *,
    channels: Collection[str],
    now: datetime,
    queues: Collection[str] = QUEUES,
    urgencies: Collection[Urgency] = tuple(Urgency),
) -> Due | None:
    """Lease the most urgent message that is due in the queues, for five minutes.

    `channels` are those with a sender here, with `push` where notifications can be sent. After a crash of the worker
    the message is due again, so it is sent at least once. A message without use is deleted: a code after ten minutes or
    without an address for it, a warning to somebody who is not to be deleted any more, a reminder that nobody wants,
    and a link to a new PIN for a card that is blocked, or by letter for one that is frozen.
    """
    due = None
    while due is None:
        with writing():
            message_id = _take(queues=queues, urgencies=urgencies, now=now)
            if message_id is None:
                return None
            # Where its key is missing, it stops no other message, and the desk sees that it waits.
            with suppress(SecretNotOpened):
                due = _read(message_id=message_id, channels=channels, now=now)
    return due


def _take(*, queues: Collection[str], urgencies: Collection[Urgency], now: datetime) -> int | None:
    # One statement for each, so that it reads one row of the index, however many messages wait.
    for urgency, queue in product(sorted(urgencies), queues):
        due = _is_due(queue=queue, urgency=urgency, now=now)
        first = select(Message.id).where(*due).order_by(Message.due_at, Message.id).limit(1)
        message_id = db.session.scalar(
            update(Message)
            .where(Message.id == first.with_for_update(skip_locked=True).scalar_subquery(), Message.due_at <= now)
            .values(due_at=now + _LEASE, leased_until=now + _LEASE, attempts=Message.attempts + 1)
            .returning(Message.id)
            .execution_options(synchronize_session=False)
        )
        if message_id is not None:
            return message_id
    return None


def _read(*, message_id: int, channels: Collection[str], now: datetime) -> Due | None:
    message, patron, about = read_message(message_id=message_id)
    channel = message.channel or choose_channel(patron, kind=message.kind, channels=channels)
    choices = read_choices(patron_id=patron.id) if message.kind in CAN_WAIT else None
    if (later := quiet_until(choices, now=now)) is not None:
        message.due_at, message.leased_until, message.attempts = later, None, message.attempts - 1
        return None
    if message.kind == FAMILY_PERMISSION:
        chosen = way_of_permissions(patron, choices, channels=channels)
        channel = None if chosen == NONE else chosen or channel
    overtaken = message.kind in DATED and day_of(message, patron) is None
    late = message.kind in CODES and message.asked_at <= now - _CODE_IS_LATE
    # A frozen card is thawed with the PIN, so no library may print the link to a new one.
    status = status_of(patron)
    hidden = status.frozen and channel == LETTER
    useless = message.kind in LINKS and (hidden or not status.may_sign_in)
    if channel is None or overtaken or late or useless:
        db.session.execute(delete(Message).where(Message.id == message_id))
        return None
    return make_due(message=message, patron=patron, about=about, channel=channel)


def is_not_leased(*, now: datetime) -> ColumnElement[bool]:
    """Return the condition that no worker is sending a message now."""
    return or_(Message.leased_until.is_(None), Message.leased_until <= now)


def see_code(*, patron_id: int, kind: str, since: datetime, now: datetime) -> CodeState | None:
    """Return the state of the last code of this kind (of CODES) that was asked for since then; None where none was.

    It is "not sent" where an attempt failed, and after twenty seconds.
    """
    asked = select(Message.sent_at, Message.asked_at, Message.attempts, is_not_leased(now=now).label("idle"))
    asked = asked.where(Message.patron_id == patron_id, Message.kind == kind, Message.asked_at >= since)
    with autonomous() as connection:
        row = connection.execute(asked.order_by(Message.id.desc()).limit(1)).first()
    if row is None:
        return None
    if row.sent_at is not None:
        return "sent"
    has_failed = row.attempts > 0 and row.idle
    return "not sent" if has_failed or row.asked_at + CODE_IS_SLOW <= now else "on its way"


def mark_sent(*, message_id: int, now: datetime) -> None:
    """Record that a message is sent. An address that was kept for it is deleted."""
    _note(message_id, due_at=None, sent_at=now, sealed_to=None)


def leave_to_desk(*, message_id: int) -> None:
    """Make a message a letter, which the desk of the patron's home library prints."""
    _note(message_id, due_at=None, channel=LETTER)


@writing()
def mark_failed(*, message_id: int, now: datetime) -> None:
    """Record that sending failed. The pause before a retry doubles, from a minute (a code: ten seconds) to six hours.

    One that a desk has made a letter meanwhile stays one.
    """
    tried = (Message.id == message_id) & Message.due_at.is_not(None)
    row = db.session.execute(select(Message.attempts, Message.kind).where(tried)).first()
    if row is not None:
        # The exponent is bounded: a timedelta overflows.
        step = _CODE_PAUSE if row.kind in CODES else timedelta(minutes=1)
        pause = min(LONGEST_PAUSE, step * 2 ** min(row.attempts, 10))
        later = update(Message).where(tried).values(due_at=now + pause, leased_until=None)
        db.session.execute(later, execution_options={"synchronize_session": False})


@writing()
def _note(message_id: int, **values: object) -> None:
    statement = update(Message).where(Message.id == message_id).values(leased_until=None, **values)
    db.session.execute(statement, execution_options={"synchronize_session": False})
