"""The post of one library's desk: letters that wait to be printed, and messages that did not get through.

Both are of patrons whose home library it is. Each look at them is in the access log.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, select, update

from app.register.access_log import Looker, write_down, write_down_list
from app.register.message_queue import is_not_leased
from app.register.outbox import CODES, LETTER, SEALED_TO_COLUMN, Due, choose_channel, make_due, read_message
from app.register.tables import Library, Message, Patron
from app.register.transaction import db, direct_connection
from app.register.vault import SecretNotOpened, vault
from app.rules.errors import RuleBroken

PURPOSE: Final = "post"
PAGE: Final = 20

_WAITS = (Message.sent_at.is_(None), Message.channel == LETTER, Message.due_at.is_(None))
_FAILED = (Message.sent_at.is_(None), Message.due_at.is_not(None), Message.attempts > 0)


class NoSuchMessage(RuleBroken):
    """No message of this library's patrons waits under this number (any more)."""

    code = "no-such-message"


@dataclass(frozen=True, slots=True)
class WaitingLetter:
    """A letter to be printed. `asked_at` is UTC."""

    id: int
    name: str
    kind: str
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class FailedMessage:
    """A message that did not get through. `to` is enough of the address to see a wrong one, and no more."""

    id: int
    name: str
    kind: str
    asked_at: datetime
    channel: str
    to: str
    attempts: int
    due_at: datetime
    can_be_letter: bool


def list_letters(*, library_id: str, looker: Looker, after: int, now: datetime) -> tuple[list[WaitingLetter], bool]:
    """Return the next twenty letters that wait, behind the message `after`, oldest first, and whether there are more.

    Each look is written down before they are returned.
    """
    rows, more = _next_page(*_WAITS, library_id=library_id, after=after)
    patron_ids = [row.patron_id for row in rows]
    write_down_list(patron_ids=patron_ids, looker=looker, purpose=PURPOSE, fields="name", now=now)
    return [WaitingLetter(row.id, row.name, row.kind, row.asked_at) for row in rows], more


def list_failed(
    *, library_id: str, looker: Looker, channels: Collection[str], after: int, now: datetime
) -> tuple[list[FailedMessage], bool]:
    """Return the next twenty messages that failed, behind the message `after`, and whether there are more.

    One that is being sent at this moment has not failed. `channels` are those that a machine serves here. Each look is
    written down before they are returned.
    """
    rows, more = _next_page(*_FAILED, is_not_leased(now=now), library_id=library_id, after=after)
    patron_ids = [row.patron_id for row in rows]
    write_down_list(patron_ids=patron_ids, looker=looker, purpose=PURPOSE, fields="name, contact data", now=now)
    return [_failed(row, channels) for row in rows], more


def _next_page(
    *conditions: ColumnElement[bool], library_id: str, after: int
) -> tuple[Sequence[Row[*tuple[Any, ...]]], bool]:
    message = (Message.id, Message.kind, Message.asked_at, Message.channel, Message.sealed_to)
    found = (
        select(*message, Message.attempts, Message.due_at, Message.patron_id, Patron.name, Patron.address)
        .add_columns(Patron.email, Patron.phone, Patron.preferred_contact)
        .join(Patron, Patron.id == Message.patron_id)
        .where(*conditions, Patron.home_library_id == library_id, Message.id > after)
        .order_by(Message.id)
        .limit(PAGE + 1)
    )
    with direct_connection() as connection:
        rows = connection.execute(found).all()
    return rows[:PAGE], len(rows) > PAGE


def _failed(row: Row[*tuple[Any, ...]], channels: Collection[str]) -> FailedMessage:
    channel = row.channel or choose_channel(row, kind=row.kind, channels=channels) or ""
    return FailedMessage(
        id=row.id,
        name=row.name,
        kind=row.kind,
        asked_at=row.asked_at,
        channel=channel,
        to=_hint(row, channel),
        attempts=row.attempts,
        due_at=row.due_at,
        # Word to a former address is for whoever is there; a letter would go to the new one.
        can_be_letter=bool(row.address) and row.sealed_to is None and row.kind not in CODES,
    )


def _hint(row: Row[*tuple[Any, ...]], channel: str) -> str:
    """Return an e-mail address or telephone number with most of it left out."""
    address = (row.phone if channel == "sms" else row.email) or ""
    if row.sealed_to is not None:
        try:
            address = vault.open(row.sealed_to, column=SEALED_TO_COLUMN).decode()
        except SecretNotOpened:
            return ""
    name, at, domain = address.partition("@")
    return f"{name[:1]}…{at}{domain}" if at else f"…{address[-3:]}"


def open_letter(*, message_id: int, library_id: str, looker: Looker, now: datetime) -> Due:
    """Return what a waiting letter is made of; the look is written down before that.

    Comes first in a request that writes. Raises NoSuchMessage or SecretNotOpened.
    """
    with direct_connection() as connection:
        patron_id = connection.execute(
            select(Message.patron_id)
            .join(Patron, Patron.id == Message.patron_id)
            .where(Message.id == message_id, Patron.home_library_id == library_id, *_WAITS)
        ).scalar()
    if patron_id is None:
        raise NoSuchMessage
    write_down(patron_id=patron_id, looker=looker, purpose=PURPOSE, fields="name, address", now=now)
    message, patron, about = read_message(message_id=message_id)
    return make_due(message=message, patron=patron, about=about, channel=LETTER)


def get_sender(*, library_id: str) -> tuple[str, ...]:
    """Return a library's name and the lines of its address, as they stand at the head of a letter."""
    library = db.session.get_one(Library, library_id)
    place = f"{library.postcode or ''} {library.place or ''}".strip()
    return tuple(line for line in (library.name, library.address, place) if line)


def mark_printed(*, message_id: int, library_id: str, now: datetime) -> None:
    """Note that a letter is printed and on its way. Raises NoSuchMessage."""
    _change(message_id, library_id, *_WAITS, sent_at=now, sealed_to=None)


def try_again(*, message_id: int, library_id: str, now: datetime) -> None:
    """Let a message that failed be tried now. Raises NoSuchMessage, also while it is being sent."""
    _change(message_id, library_id, *_FAILED, is_not_leased(now=now), due_at=now)


def send_as_letter(*, message_id: int, library_id: str, now: datetime) -> None:
    """Let a message that failed wait as a letter instead.

    Raises NoSuchMessage, also while it is being sent, and where there is no address.
    """
    has_address = Message.patron_id.in_(select(Patron.id).where(Patron.address.is_not(None)))
    possible = (has_address, Message.sealed_to.is_(None), Message.kind.not_in(CODES))
    _change(message_id, library_id, *_FAILED, is_not_leased(now=now), *possible, channel=LETTER, due_at=None)


def _change(message_id: int, library_id: str, *conditions: ColumnElement[bool], **values: object) -> None:
    ours = Message.patron_id.in_(select(Patron.id).where(Patron.home_library_id == library_id))
    statement = update(Message).where(Message.id == message_id, ours, *conditions).values(**values)
    done = db.session.scalar(statement.returning(Message.id).execution_options(synchronize_session=False))
    if done is None:
        raise NoSuchMessage
