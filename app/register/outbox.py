"""Messages to patrons that are to be sent: asked for in the transaction they tell of, sent by the worker after it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import aliased

from app.register.tables import Message, Patron
from app.register.transaction import db

FAMILY_ADVICE_TO_CHILD = "family-advice-to-child"
FAMILY_ADVICE_TO_GUARDIAN = "family-advice-to-guardian"

_LEASE = timedelta(minutes=5)
_LONGEST_PAUSE = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Due:
    """A message whose time has come, with what its words are made of. `about` is another patron's name."""

    id: int
    kind: str
    name: str
    about: str | None
    channel: str
    email: str | None
    phone: str | None
    address: tuple[str, ...]


def ask_for_message(*, patron_id: int, kind: str, now: datetime, about_patron_id: int | None = None) -> None:
    """Ask for a message to a patron, in the transaction of what it tells."""
    db.session.add(
        Message(
            patron_id=patron_id,
            about_patron_id=about_patron_id,
            kind=kind,
            asked_at=now,
            due_at=now,
            attempts=0,
        )
    )


def take_due_message(*, now: datetime) -> Due | None:
    """Take one message that is due, and keep other workers off it for five minutes.

    A worker that dies in the middle leaves it due again, so a message is sent at least once.
    """
    due = (
        select(Message.id)
        .where(Message.due_at <= now)
        .order_by(Message.due_at, Message.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    taken = db.session.execute(
        update(Message)
        .where(Message.id == due.scalar_subquery(), Message.due_at <= now)
        .values(due_at=now + _LEASE, attempts=Message.attempts + 1)
        .returning(Message.id)
    ).scalar()
    if taken is None:
        db.session.rollback()
        return None
    other = aliased(Patron)
    row = db.session.execute(
        select(Message.kind, Patron, other.name)
        .join(Patron, Patron.id == Message.patron_id)
        .join(other, other.id == Message.about_patron_id, isouter=True)
        .where(Message.id == taken)
    ).one()
    kind, patron, about = row
    due_message = Due(
        id=taken,
        kind=kind,
        name=patron.name,
        about=about,
        channel=_channel(patron),
        email=patron.email,
        phone=patron.phone,
        address=tuple(
            line for line in (patron.address, f"{patron.postcode or ''} {patron.place or ''}".strip()) if line
        ),
    )
    db.session.commit()
    return due_message


def _channel(patron: Patron) -> str:
    """Return how the patron is reached: as preferred where that is possible, else as it is."""
    possible = {"email": patron.email, "sms": patron.phone, "letter": patron.address}
    if possible[patron.preferred_contact]:
        return patron.preferred_contact
    return next((channel for channel, there in possible.items() if there), "letter")


def mark_sent(*, message_id: int, now: datetime) -> None:
    """Note that a message is sent, and is not to be sent again."""
    db.session.execute(update(Message).where(Message.id == message_id).values(due_at=None, sent_at=now))
    db.session.commit()


def mark_failed(*, message_id: int, now: datetime) -> None:
    """Note that sending failed; the next try comes later each time."""
    message = db.session.get(Message, message_id)
    if message is not None:
        pause = min(_LONGEST_PAUSE, timedelta(minutes=2**message.attempts))
        message.due_at = now + pause
    db.session.commit()
