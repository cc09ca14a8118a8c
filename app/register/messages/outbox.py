"""Messages to patrons: written in the transaction that they report, sent after it (message_queue)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import ColumnElement, case, func, literal, select
from sqlalchemy.orm import aliased

from app.register.keys.vault import vault
from app.register.messages.contact_changes import ShownChange, read_change
from app.register.patron.proven import EMAIL, LETTER, SMS, Reachable, addresses_for
from app.register.store.transaction import db
from app.register.tables.library import Library
from app.register.tables.messages import Message
from app.register.tables.moving import ImportedPatron
from app.register.tables.patrons import Affiliation, FamilyPermission, Patron
from app.rules.errors import RuleBroken
from app.rules.messages import (
    ASKED_TO_JOIN,
    CARD_FROZEN,
    CODES,
    CONSENT_ENDS,
    FAMILY_ENDS,
    FAMILY_PERMISSION,
    INACTIVE_WARNING,
    JOINED_BY_PROOF,
    KINDS,
    LINKS,
    MOVED_IN,
    Urgency,
    urgency_of,
)
from app.rules.people.ages import day_in_norway

QUEUES: Final = (EMAIL, SMS, LETTER)
"""Each has workers of its own, so that a slow channel delays no other."""

SEALED_TO_COLUMN: Final = "messages.sealed_to"


class ReachedElsewhere(RuleBroken):
    """The patron's address was changed since the message was leased."""


@dataclass(frozen=True, slots=True)
class Due:
    """A message that is due, with the values for its text.

    `about` is another patron's name, or a library's; `day` the one, in Norway, on which what it tells of
    happens. `to` is an e-mail address, a telephone number (E.164) or the name and lines of a postal address, by
    `channel`. `change` is the change of contact data that the message reports; `undoes`: with a link that undoes it.
    """

    id: int
    patron_id: int
    kind: str
    urgency: Urgency
    language: str
    name: str
    about: str | None
    day: date | None
    channel: str
    to: str
    change: ShownChange | None = None
    undoes: bool = False
    card_number: str = ""


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """A message as the patron's own page names it; `sent_at` (UTC) is None while it waits to be sent or printed."""

    kind: str
    channel: str
    asked_at: datetime
    sent_at: datetime | None


def list_newest(*, patron_id: int, since: datetime, most: int = 3) -> Sequence[ShownMessage]:
    """Return the newest messages to a patron that were asked for since then, at most so many.

    Without codes, and without what the patron's page shows as it is now: permissions, and a card that is frozen or
    about to be deleted.
    """
    hidden = (*CODES, FAMILY_PERMISSION, CARD_FROZEN, INACTIVE_WARNING)
    rows = db.session.execute(
        select(Message.kind, func.coalesce(Message.channel, Message.queue), Message.asked_at, Message.sent_at)
        .where(Message.patron_id == patron_id, Message.asked_at >= since, Message.kind.not_in(hidden))
        .order_by(Message.asked_at.desc(), Message.id.desc())
        .limit(most)
    )
    return [ShownMessage(*row) for row in rows if row.kind in KINDS]


def ask_for_message(
    *,
    patron_id: int,
    kind: str,
    now: datetime,
    about_patron_id: int | None = None,
    channel: str | None = None,
    to: str | None = None,
    due: bool = True,
    due_at: datetime | None = None,
    contact_change_id: int | None = None,
) -> None:
    """Queue a message to a patron, in the transaction of what it reports.

    Without a `channel` it goes the way the patron prefers when it is sent. `to` is an address of its own, such as one
    that the patron had until now (for a letter, its lines without the name); it is kept sealed, until the message is
    sent. A letter that is not `due` is for the desk to print; with `due_at` the message is sent from then on.
    `contact_change_id` is the change that it reports.
    """
    db.session.add(
        Message(
            patron_id=patron_id,
            about_patron_id=about_patron_id,
            kind=kind,
            urgency=urgency_of(kind),
            queue=channel or _likely_channel(patron_id, kind=kind),
            contact_change_id=contact_change_id,
            channel=channel,
            sealed_to=vault.seal(to.encode(), column=SEALED_TO_COLUMN) if to else None,
            asked_at=now,
            due_at=(due_at or now) if due else None,
            attempts=0,
        )
    )


def ask_where_reached_now(*, patron: Patron, kind: str, now: datetime) -> None:
    """Queue a message to where the patron is reached now, whatever is changed before it is sent."""
    channel = choose_channel(patron, kind=kind, channels=(EMAIL, SMS)) or LETTER
    address = _addresses(patron, kind=kind)[channel]
    ask_for_message(patron_id=patron.id, kind=kind, channel=channel, to=address or None, now=now)


def _likely_channel(patron_id: int, *, kind: str) -> ColumnElement[str]:
    # The channel is chosen when the message is sent; its queue is that of the channel that it will most likely be.
    by_letter = literal(kind not in CODES + LINKS) & (Patron.preferred_contact == LETTER)
    is_code = literal(kind in CODES)
    has_email = Patron.proven_email.is_not(None) | (~is_code & Patron.email.is_not(None))
    has_phone = Patron.proven_phone.is_not(None) | (~is_code & Patron.phone.is_not(None))
    likely = case(
        ((Patron.preferred_contact == SMS) & has_phone, SMS),
        (by_letter, LETTER),
        (has_email, EMAIL),
        (has_phone, SMS),
        else_=LETTER,
    )
    # The foreign key refuses a patron who is gone.
    return func.coalesce(select(likely).where(Patron.id == patron_id).scalar_subquery(), LETTER)


def read_message(*, message_id: int) -> tuple[Message, Patron, str | None]:
    """Return a message, its patron, and the name of the other patron, or the library, that it is about."""
    other = aliased(Patron)
    row = db.session.execute(
        select(Message, Patron, other.name)
        .join(Patron, Patron.id == Message.patron_id)
        .join(other, other.id == Message.about_patron_id, isouter=True)
        .where(Message.id == message_id)
        .execution_options(populate_existing=True)
    ).one()
    find = {JOINED_BY_PROOF: _joined_then, MOVED_IN: _moved_then, ASKED_TO_JOIN: _moved_then}.get(row[0].kind)
    return row[0], row[1], find(row[0]) if find else row[2]


def _joined_then(message: Message) -> str | None:
    # The library that the patron joined in the message's own transaction, unless they have left it.
    joined = (Affiliation.patron_id == message.patron_id) & (Affiliation.activated_at == message.asked_at)
    return db.session.scalar(select(Library.name).join(Affiliation, Affiliation.library_id == Library.id).where(joined))


def _moved_then(message: Message) -> str | None:
    # The library whose file named the patron, in the message's own transaction.
    moved = (ImportedPatron.patron_id == message.patron_id) & (ImportedPatron.imported_at == message.asked_at)
    return db.session.scalar(
        select(Library.name).join(ImportedPatron, ImportedPatron.library_id == Library.id).where(moved)
    )


def make_due(*, message: Message, patron: Patron, about: str | None, channel: str) -> Due:
    """Return the values for a message's text, and its address. Raises SecretNotOpened."""
    former = vault.open(message.sealed_to, column=SEALED_TO_COLUMN).decode() if message.sealed_to else None
    return Due(
        id=message.id,
        patron_id=patron.id,
        kind=message.kind,
        urgency=Urgency(message.urgency),
        language=patron.language,
        name=patron.name,
        about=about,
        day=day_of(message, patron),
        channel=channel,
        to=_to(patron, kind=message.kind, channel=channel, former=former),
        change=read_change(message.contact_change_id) if message.contact_change_id is not None else None,
        # Of the messages about a change only those to formerly proven addresses have an address of their own.
        undoes=former is not None,
        card_number=patron.card_number,
    )


def day_of(message: Message, patron: Patron) -> date | None:
    """Return the day, in Norway, on which what a message tells of happens; None where it is called off, or has none."""
    whose = message.about_patron_id or patron.id
    if message.kind in FAMILY_ENDS:
        first = select(func.min(FamilyPermission.ends_on)).where(FamilyPermission.patron_id == whose)
        if whose != patron.id:
            first = first.where(FamilyPermission.guardian_id == patron.id)
        return db.session.scalar(first)
    if message.kind in CONSENT_ENDS:
        return db.session.scalar(select(Patron.consent_ends_on).where(Patron.id == whose))
    return day_in_norway(patron.erase_at) if patron.erase_at else None


def check_address(due: Due) -> None:
    """Raise ReachedElsewhere where the patron, who is locked, has another address now."""
    patron = db.session.get_one(Patron, due.patron_id)
    if due.to != _to(patron, kind=due.kind, channel=due.channel, former=None):
        raise ReachedElsewhere


def choose_channel(patron: Reachable, *, kind: str, channels: Collection[str]) -> str | None:
    """Return the channel for a message: the preferred one where possible, else e-mail or SMS, else a letter.

    A letter needs no address in the register: a library may have it, or hands the letter over. A link goes by letter
    only where there is no other way, since a library may change what is preferred, and sees what it prints. None for a
    code that cannot be sent by e-mail or SMS.
    """
    addresses = _addresses(patron, kind=kind)
    at_once = [channel for channel in (EMAIL, SMS) if addresses[channel] and channel in channels]
    if patron.preferred_contact in at_once:
        return str(patron.preferred_contact)
    if kind in CODES:
        return at_once[0] if at_once else None
    wants_letter = patron.preferred_contact == LETTER and kind not in LINKS
    return LETTER if wants_letter or not at_once else at_once[0]


def _to(patron: Patron, *, kind: str, channel: str, former: str | None) -> str:
    # A notification has no address here: it goes to each browser.
    address = former or _addresses(patron, kind=kind).get(channel) or ""
    return f"{patron.name}\n{address}".strip() if channel == LETTER else address


def _addresses(patron: Reachable, *, kind: str) -> dict[str, str | None]:
    return addresses_for(patron, is_secret=kind in LINKS + CODES, is_link=kind in LINKS)
