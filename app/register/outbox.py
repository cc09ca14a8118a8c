"""Messages to patrons that are to be sent: asked for in the transaction they tell of, sent by the worker after it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import IntEnum
from itertools import product
from typing import Any, Final, Literal, Protocol

from sqlalchemy import ColumnElement, case, delete, exists, func, literal, or_, select, update
from sqlalchemy.orm import aliased

from app.register.tables import Message, Patron
from app.register.transaction import db, direct_connection
from app.register.vault import SecretNotOpened, vault
from app.rules.ages import day_in_norway
from app.rules.errors import RuleBroken

FAMILY_ADVICE_TO_CHILD: Final = "family-advice-to-child"
FAMILY_ADVICE_TO_GUARDIAN: Final = "family-advice-to-guardian"
CONTACT_CHANGED: Final = "contact-changed"
PIN_CHANGED: Final = "pin-changed"
NEW_PIN: Final = "new-pin"
NEW_DEVICE_CODE: Final = "new-device-code"
STEP_UP_CODE: Final = "step-up-code"
NEW_DEVICE: Final = "new-device"
WELCOME: Final = "welcome"
INACTIVE_WARNING: Final = "inactive-warning"
CARD_REPLACED: Final = "card-replaced"
CARD_FROZEN: Final = "card-frozen"
NEW_WALLET: Final = "new-wallet"

LINKS: Final = (NEW_PIN, WELCOME)
"""Kinds that carry a one-time link, which is drawn when the message is sent."""

CODES: Final = (NEW_DEVICE_CODE, STEP_UP_CODE)
"""Kinds that carry six digits for somebody who waits for them now: never in a letter, and never late."""


class Urgency(IntEnum):
    """In which order messages are sent: the least number first, however long the others have waited."""

    CODE = 1
    LINK = 2
    NOTICE = 3
    BULK = 4


URGENCIES: Final = {
    NEW_DEVICE_CODE: Urgency.CODE,
    STEP_UP_CODE: Urgency.CODE,
    NEW_PIN: Urgency.LINK,
    FAMILY_ADVICE_TO_CHILD: Urgency.BULK,
    FAMILY_ADVICE_TO_GUARDIAN: Urgency.BULK,
    INACTIVE_WARNING: Urgency.BULK,
}
"""Every other kind is a NOTICE, the welcome too: a library may enrol a whole school at once."""

EMAIL: Final = "email"
SMS: Final = "sms"
LETTER: Final = "letter"
QUEUES: Final = (EMAIL, SMS, LETTER)
"""Each has senders of its own, so that a channel that hangs holds up no other."""

SEALED_TO_COLUMN: Final = "messages.sealed_to"

_LEASE = timedelta(minutes=5)
LONGEST_PAUSE = timedelta(hours=6)
_CODE_PAUSE = timedelta(seconds=10)
_CODE_IS_LATE = timedelta(minutes=10)
_CODE_IS_SLOW = timedelta(seconds=20)

CodeState = Literal["sent", "on its way", "not sent"]


class ReachedElsewhere(RuleBroken):
    """The patron's address was changed since the message was taken."""

    code = "reached-elsewhere"


class Reachable(Protocol):
    """What says how a patron is reached: a patron, or a row with these columns."""

    email: Any
    phone: Any
    preferred_contact: Any


@dataclass(frozen=True, slots=True)
class Due:
    """A message whose time has come, with what its words are made of.

    `about` is another patron's name; `erase_on` the day, in Norway, on which all about the patron is to be deleted.
    `to` is an e-mail address, a telephone number (E.164) or the name and lines of a postal address, by `channel`.
    """

    id: int
    patron_id: int
    kind: str
    language: str
    name: str
    about: str | None
    erase_on: date | None
    channel: str
    to: str


def ask_for_message(
    *,
    patron_id: int,
    kind: str,
    now: datetime,
    about_patron_id: int | None = None,
    channel: str | None = None,
    to: str | None = None,
    due: bool = True,
) -> None:
    """Ask for a message to a patron, in the transaction of what it tells.

    Without a `channel` it goes the way the patron prefers when it is sent. `to` is an address that the patron had
    until now (for a letter, its lines without the name); it is kept sealed, until the message is sent. A letter that is
    not `due` waits for the desk at once.
    """
    db.session.add(
        Message(
            patron_id=patron_id,
            about_patron_id=about_patron_id,
            kind=kind,
            urgency=URGENCIES.get(kind, Urgency.NOTICE),
            queue=channel or _likely_channel(patron_id, kind=kind),
            channel=channel,
            sealed_to=vault.seal(to.encode(), column=SEALED_TO_COLUMN) if to else None,
            asked_at=now,
            due_at=now if due else None,
            attempts=0,
        )
    )


def _likely_channel(patron_id: int, *, kind: str) -> ColumnElement[str]:
    """Return the queue for a message whose channel is chosen when it is sent: the one that it will most likely be."""
    by_letter = literal(kind not in CODES) & (Patron.preferred_contact == LETTER)
    likely = case(
        ((Patron.preferred_contact == SMS) & Patron.phone.is_not(None), SMS),
        (by_letter, LETTER),
        (Patron.email.is_not(None), EMAIL),
        (Patron.phone.is_not(None), SMS),
        else_=LETTER,
    )
    # Of somebody who is gone the foreign key tells.
    return func.coalesce(select(likely).where(Patron.id == patron_id).scalar_subquery(), LETTER)


def list_due(*, now: datetime) -> frozenset[tuple[str, Urgency]]:
    """Return the queues in which something is due, each with its urgency."""
    places = list(product(QUEUES, Urgency))
    found = [exists().where(*_is_due(queue=queue, urgency=urgency, now=now)) for queue, urgency in places]
    with direct_connection() as connection:
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
    """Take the most urgent message that is due in the queues, and keep other workers off it for five minutes.

    `channels` are those that a machine serves here. A worker that dies in the middle leaves the message due again,
    so it is sent at least once. A message that has come to nothing is deleted: a code after ten minutes or without
    an address to send it to at once, a warning to somebody who is not going to be deleted any more, and a link to a new
    PIN for a card that is blocked, or by letter for one that is frozen.
    """
    due = None
    while due is None and (message_id := _take(queues=queues, urgencies=urgencies, now=now)) is not None:
        try:
            due = _read(message_id=message_id, channels=channels, now=now)
        except SecretNotOpened:
            # The key is not there now. It holds up no other message, and the desk sees that it waits.
            db.session.commit()
            continue
        if due is None:
            db.session.execute(delete(Message).where(Message.id == message_id))
        db.session.commit()
    if due is None:
        db.session.rollback()
    return due


def _take(*, queues: Collection[str], urgencies: Collection[Urgency], now: datetime) -> int | None:
    # One place after the other: so each statement reads one row of its index, however many wait.
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
    overtaken = message.kind == INACTIVE_WARNING and patron.erase_at is None
    late = message.kind in CODES and message.asked_at <= now - _CODE_IS_LATE
    # Only the owner thaws a card, with the PIN. No library prints a letter with what it is not to see.
    hidden = patron.frozen_at is not None and channel == LETTER
    useless = message.kind in LINKS and (patron.card_state != "active" or hidden)
    if channel is None or overtaken or late or useless:
        return None
    return make_due(message=message, patron=patron, about=about, channel=channel)


def read_message(*, message_id: int) -> tuple[Message, Patron, str | None]:
    """Return a message, to whom it goes, and the name of whom else it is about."""
    other = aliased(Patron)
    row = db.session.execute(
        select(Message, Patron, other.name)
        .join(Patron, Patron.id == Message.patron_id)
        .join(other, other.id == Message.about_patron_id, isouter=True)
        .where(Message.id == message_id)
        .execution_options(populate_existing=True)
    ).one()
    return row[0], row[1], row[2]


def make_due(*, message: Message, patron: Patron, about: str | None, channel: str) -> Due:
    """Return what the message's words and its envelope are made of. Raises SecretNotOpened."""
    former = vault.open(message.sealed_to, column=SEALED_TO_COLUMN).decode() if message.sealed_to else None
    return Due(
        id=message.id,
        patron_id=patron.id,
        kind=message.kind,
        language=patron.language,
        name=patron.name,
        about=about,
        erase_on=day_in_norway(patron.erase_at) if patron.erase_at else None,
        channel=channel,
        to=_to(patron, channel=channel, former=former),
    )


def check_address(due: Due) -> None:
    """Raise ReachedElsewhere where the patron, who is locked, is not reached there any more."""
    patron = db.session.get_one(Patron, due.patron_id)
    if due.to != _to(patron, channel=due.channel, former=None):
        raise ReachedElsewhere


def choose_channel(patron: Reachable, *, kind: str, channels: Collection[str]) -> str | None:
    """Return how the patron is reached: as preferred where that is possible, else by machine, else by a letter.

    A letter needs no address in the register: a library may keep it. None for a code that cannot arrive at once.
    """
    addresses = {EMAIL: patron.email, SMS: patron.phone}
    at_once = [channel for channel, address in addresses.items() if address and channel in channels]
    if patron.preferred_contact in at_once:
        return patron.preferred_contact
    if kind in CODES:
        return at_once[0] if at_once else None
    return LETTER if patron.preferred_contact == LETTER or not at_once else at_once[0]


def can_be_reached_at_once(*, patron_id: int, channels: Collection[str]) -> bool:
    """Tell whether there is an address of the patron for one of the machines' channels."""
    with direct_connection() as connection:
        found = connection.execute(select(Patron.email, Patron.phone).where(Patron.id == patron_id)).first()
    if found is None:
        return False
    return any(address and channel in channels for channel, address in ((EMAIL, found.email), (SMS, found.phone)))


def _to(patron: Patron, *, channel: str, former: str | None) -> str:
    address = former or _address(patron, channel=channel)
    return f"{patron.name}\n{address}".strip() if channel == LETTER else address


def _address(patron: Patron, *, channel: str) -> str:
    if channel == EMAIL:
        return patron.email or ""
    if channel == SMS:
        return patron.phone or ""
    place = f"{patron.postcode or ''} {patron.place or ''}".strip()
    return "\n".join(line for line in (patron.address, place) if line)


def is_not_leased(*, now: datetime) -> ColumnElement[bool]:
    """Return the condition of messages that no worker is sending at this moment."""
    return or_(Message.leased_until.is_(None), Message.leased_until <= now)


def see_code(*, patron_id: int, kind: str, since: datetime, now: datetime) -> CodeState:
    """Tell what became of the code of one of the CODES that was asked for at `since` or later.

    It is not sent where a try failed, where it came to nothing, and where twenty seconds have passed.
    """
    asked = select(Message.sent_at, Message.asked_at, Message.attempts, is_not_leased(now=now).label("idle"))
    asked = asked.where(Message.patron_id == patron_id, Message.kind == kind, Message.asked_at >= since)
    with direct_connection() as connection:
        row = connection.execute(asked.order_by(Message.id.desc()).limit(1)).first()
    if row is None:
        return "not sent"
    if row.sent_at is not None:
        return "sent"
    has_failed = row.attempts > 0 and row.idle
    return "not sent" if has_failed or row.asked_at + _CODE_IS_SLOW <= now else "on its way"


def mark_sent(*, message_id: int, now: datetime) -> None:
    """Note that a message is sent, and is not to be sent again. An address that was kept for it is forgotten."""
    _note(message_id, due_at=None, sent_at=now, sealed_to=None)


def leave_to_desk(*, message_id: int) -> None:
    """Note that a message is a letter, which waits for the desk of the patron's home library to print it."""
    _note(message_id, due_at=None, channel=LETTER)


def mark_failed(*, message_id: int, now: datetime) -> None:
    """Note that sending failed; the next try comes later each time, at last every six hours; of a code within seconds.

    One that a desk has made a letter meanwhile stays one, and one that is gone stays gone.
    """
    tried = (Message.id == message_id) & Message.due_at.is_not(None)
    row = db.session.execute(select(Message.attempts, Message.kind).where(tried)).first()
    if row is not None:
        # The number of attempts has no end; two to its power would soon be no time that there is.
        step = _CODE_PAUSE if row.kind in CODES else timedelta(minutes=1)
        pause = min(LONGEST_PAUSE, step * 2 ** min(row.attempts, 10))
        later = update(Message).where(tried).values(due_at=now + pause, leased_until=None)
        db.session.execute(later, execution_options={"synchronize_session": False})
    db.session.commit()


def _note(message_id: int, **values: object) -> None:
    statement = update(Message).where(Message.id == message_id).values(leased_until=None, **values)
    db.session.execute(statement, execution_options={"synchronize_session": False})
    db.session.commit()
