"""Messages to patrons that are to be sent: asked for in the transaction they tell of, sent after it (message_queue)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum
from typing import Any, Final, Protocol

from sqlalchemy import ColumnElement, case, func, literal, select
from sqlalchemy.orm import aliased

from app.register.tables import Affiliation, Library, Message, Patron
from app.register.transaction import db, direct_connection
from app.register.vault import vault
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
JOINED_BY_PROOF: Final = "joined-by-proof"

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

    `about` is another patron's name, or a library's; `erase_on` the day, in Norway, on which all about the patron is to
    be deleted. `to` is an e-mail address, a telephone number (E.164) or the name and lines of a postal address, by
    `channel`.
    """

    id: int
    patron_id: int
    kind: str
    urgency: Urgency
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


def ask_where_reached_now(*, patron: Patron, kind: str, now: datetime) -> None:
    """Ask for a message to where the patron is reached now, whatever is changed before it is sent."""
    channel = choose_channel(patron, kind=kind, channels=(EMAIL, SMS)) or LETTER
    address = _address(patron, channel=channel)
    ask_for_message(patron_id=patron.id, kind=kind, channel=channel, to=address or None, now=now)


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


def read_message(*, message_id: int) -> tuple[Message, Patron, str | None]:
    """Return a message, to whom it goes, and the name of whom else, or of which library, it is about."""
    other = aliased(Patron)
    row = db.session.execute(
        select(Message, Patron, other.name)
        .join(Patron, Patron.id == Message.patron_id)
        .join(other, other.id == Message.about_patron_id, isouter=True)
        .where(Message.id == message_id)
        .execution_options(populate_existing=True)
    ).one()
    about = _joined_then(row[0]) if row[0].kind == JOINED_BY_PROOF else row[2]
    return row[0], row[1], about


def _joined_then(message: Message) -> str | None:
    """Return the name of the library that the patron joined when the message was asked for, if they have not left."""
    joined = (Affiliation.patron_id == message.patron_id) & (Affiliation.activated_at == message.asked_at)
    return db.session.scalar(select(Library.name).join(Affiliation, Affiliation.library_id == Library.id).where(joined))


def make_due(*, message: Message, patron: Patron, about: str | None, channel: str) -> Due:
    """Return what the message's words and its envelope are made of. Raises SecretNotOpened."""
    former = vault.open(message.sealed_to, column=SEALED_TO_COLUMN).decode() if message.sealed_to else None
    return Due(
        id=message.id,
        patron_id=patron.id,
        kind=message.kind,
        urgency=Urgency(message.urgency),
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
