"""The post of one library's desk: letters to be printed, and messages that could not be sent.

Both are to patrons whose home library it is. Each access to them is in the access log.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, and_, func, select, update

from app.register.keys.vault import SecretNotOpened, vault
from app.register.log.access_log import Viewer, log_access, log_list_access
from app.register.messages.message_queue import is_not_leased
from app.register.messages.outbox import SEALED_TO_COLUMN, Due, choose_channel, make_due, read_message
from app.register.patron.proven import EMAIL, LETTER, PAPERS, REACHED, SMS, PapersNotSeen, addresses_for
from app.register.store.transaction import autonomous, db
from app.register.tables.library import Library
from app.register.tables.messages import Message
from app.register.tables.patrons import Patron
from app.rules.errors import RuleBroken
from app.rules.messages import CODES, LINKS

PURPOSE: Final = "post"
PAGE: Final = 20

_WAITS = (Message.sent_at.is_(None), Message.channel == LETTER, Message.due_at.is_(None))
_FAILED = (Message.sent_at.is_(None), Message.due_at.is_not(None), Message.attempts > 0)


class NoSuchMessage(RuleBroken):
    """No such message to this library's patrons waits (any more)."""


@dataclass(frozen=True, slots=True)
class WaitingLetter:
    """A letter to be printed. `asked_at` is UTC. `needs_papers`: it is handed over against papers."""

    id: int
    name: str
    kind: str
    asked_at: datetime
    needs_papers: bool


@dataclass(frozen=True, slots=True)
class FailedMessage:
    """A message that could not be sent. `to` is as much of the address as one needs to notice a wrong one."""

    id: int
    name: str
    kind: str
    asked_at: datetime
    channel: str
    to: str
    attempts: int
    due_at: datetime
    can_be_letter: bool


def list_letters(*, library_id: str, viewer: Viewer, after: int, now: datetime) -> tuple[list[WaitingLetter], bool]:
    """Log the access, and return the next twenty letters after `after`, oldest first, and whether there are more."""
    rows, more = _next_page(*_WAITS, library_id=library_id, after=after)
    patron_ids = [row.patron_id for row in rows]
    shown = log_list_access(patron_ids=patron_ids, viewer=viewer, purpose=PURPOSE, fields="name", now=now)
    letters = [
        WaitingLetter(row.id, row.name, row.kind, row.asked_at, _needs_papers(row, row.kind))
        for row in rows
        if row.patron_id in shown
    ]
    return letters, more


def list_failed(
    *, library_id: str, viewer: Viewer, channels: Collection[str], after: int, now: datetime
) -> tuple[list[FailedMessage], bool]:
    """Return the next twenty messages that failed, after the message `after`, and whether there are more.

    One that is being sent now has not failed. `channels` are those with a sender here. The access is logged first.
    """
    rows, more = _next_page(*_FAILED, is_not_leased(now=now), library_id=library_id, after=after)
    patron_ids = [row.patron_id for row in rows]
    fields = "name, contact data"
    shown = log_list_access(patron_ids=patron_ids, viewer=viewer, purpose=PURPOSE, fields=fields, now=now)
    return [_failed(row, channels) for row in rows if row.patron_id in shown], more


def count_post(*, library_id: str, most: int, now: datetime) -> int:
    """Count the letters to be printed and the messages that failed; `most` + 1 where there are more."""
    is_there = and_(*_WAITS) | and_(*_FAILED, is_not_leased(now=now))
    waiting = _ours(library_id).where(is_there).limit(most + 1).subquery()
    return db.session.scalar(select(func.count()).select_from(waiting)) or 0


def has_failed(*, library_id: str, now: datetime) -> bool:
    """Tell whether `list_failed` would return any; nobody's data are read."""
    failed = _ours(library_id).where(*_FAILED, is_not_leased(now=now)).limit(1)
    return db.session.scalar(failed) is not None


def _ours(library_id: str) -> Select[int]:
    return select(Message.id).join(Patron, Patron.id == Message.patron_id).where(Patron.home_library_id == library_id)


def _next_page(
    *conditions: ColumnElement[bool], library_id: str, after: int
) -> tuple[Sequence[Row[*tuple[Any, ...]]], bool]:
    message = (Message.id, Message.kind, Message.asked_at, Message.channel, Message.sealed_to)
    found = (
        select(*message, Message.attempts, Message.due_at, Message.patron_id, Patron.name, *REACHED)
        .join(Patron, Patron.id == Message.patron_id)
        .where(*conditions, Patron.home_library_id == library_id, Message.id > after)
        .order_by(Message.id)
        .limit(PAGE + 1)
    )
    with autonomous() as connection:
        rows = connection.execute(found).all()
    return rows[:PAGE], len(rows) > PAGE


def _needs_papers(reached: Any, kind: str) -> bool:  # noqa: ANN401 - a patron, or a row
    # Handed over where there is no address, or where the link could have been sent by e-mail or SMS.
    if kind not in LINKS:
        return False
    to = addresses_for(reached, is_secret=True, is_link=True)
    return to[LETTER] is None or (not reached.awaits_first_link and bool(to[EMAIL] or to[SMS]))


def _failed(row: Row[*tuple[Any, ...]], channels: Collection[str]) -> FailedMessage:
    channel = row.channel or choose_channel(row, kind=row.kind, channels=channels) or ""
    # A message to a former address stays one; a letter would go to the new address.
    can_be_letter = bool(row.address) and row.sealed_to is None and row.kind not in CODES
    to = _hint(row, channel)
    return FailedMessage(row.id, row.name, row.kind, row.asked_at, channel, to, row.attempts, row.due_at, can_be_letter)


def _hint(row: Row[*tuple[Any, ...]], channel: str) -> str:
    addresses = addresses_for(row, is_secret=row.kind in LINKS + CODES, is_link=row.kind in LINKS)
    address = addresses.get(channel) or ""
    if row.sealed_to is not None:
        try:
            address = vault.open(row.sealed_to, column=SEALED_TO_COLUMN).decode()
        except SecretNotOpened:
            return ""
    name, at, domain = address.partition("@")
    return f"{name[:1]}…{at}{domain}" if at else f"…{address[-3:]}"


def open_letter(*, message_id: int, library_id: str, viewer: Viewer, now: datetime, papers_seen: bool = False) -> Due:
    """Return what a waiting letter is made of. The access is logged first, and that papers were seen.

    Raises NoSuchMessage, PapersNotSeen or SecretNotOpened.
    """
    with autonomous() as connection:
        row = connection.execute(
            select(Message.patron_id, Message.kind, *REACHED)
            .join(Patron, Patron.id == Message.patron_id)
            .where(Message.id == message_id, Patron.home_library_id == library_id, *_WAITS)
        ).first()
    if row is None:
        raise NoSuchMessage
    needs_papers = _needs_papers(row, row.kind)
    if needs_papers and not papers_seen:
        raise PapersNotSeen
    purpose = PAPERS if needs_papers else PURPOSE
    log_access(patron_id=row.patron_id, viewer=viewer, purpose=purpose, fields="name, address", now=now)
    message, patron, about = read_message(message_id=message_id)
    return make_due(message=message, patron=patron, about=about, channel=LETTER)


def get_sender(*, library_id: str) -> tuple[str, ...]:
    """Return a library's name and the lines of its address, as they stand at the head of a letter."""
    library = db.session.get_one(Library, library_id)
    place = f"{library.postcode or ''} {library.place or ''}".strip()
    return tuple(line for line in (library.name, library.address, place) if line)


def mark_printed(*, message_id: int, library_id: str, now: datetime) -> None:
    """Record that a letter is printed and on its way. Raises NoSuchMessage."""
    _change(message_id, library_id, *_WAITS, sent_at=now, sealed_to=None)


def try_again(*, message_id: int, library_id: str, now: datetime) -> None:
    """Retry a message that failed. Raises NoSuchMessage, also while it is being sent."""
    _change(message_id, library_id, *_FAILED, is_not_leased(now=now), due_at=now)


def send_as_letter(*, message_id: int, library_id: str, now: datetime) -> None:
    """Make a letter of a message that failed. Raises NoSuchMessage, also while it is sent, and without an address."""
    has_address = Message.patron_id.in_(select(Patron.id).where(Patron.address.is_not(None)))
    possible = (has_address, Message.sealed_to.is_(None), Message.kind.not_in(CODES))
    _change(message_id, library_id, *_FAILED, is_not_leased(now=now), *possible, channel=LETTER, due_at=None)


def _change(message_id: int, library_id: str, *conditions: ColumnElement[bool], **values: object) -> None:
    ours = Message.patron_id.in_(select(Patron.id).where(Patron.home_library_id == library_id))
    statement = update(Message).where(Message.id == message_id, ours, *conditions).values(**values)
    done = db.session.scalar(statement.returning(Message.id).execution_options(synchronize_session=False))
    if done is None:
        raise NoSuchMessage
