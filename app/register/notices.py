"""What libraries' systems are still to be told, kept until each has taken it. One dead library delays no other."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update

from app.register.tables import LibraryNotice
from app.register.transaction import db

_LEASE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Notice:
    """A card got a new number, and this library is to be told."""

    id: int
    library_id: str
    old_card_number: str
    new_card_number: str
    attempts: int


def tell_library(*, library_id: str, patron_id: int, old_card_number: str, new_card_number: str, now: datetime) -> None:
    """Ask for a library to be told of a new card number, in the transaction that gives it."""
    db.session.add(
        LibraryNotice(
            library_id=library_id,
            patron_id=patron_id,
            old_card_number=old_card_number,
            new_card_number=new_card_number,
            asked_at=now,
            due_at=now,
            attempts=0,
        )
    )


def take_due_notice(*, now: datetime) -> Notice | None:
    """Take one notice that is due and keep other workers off it for a minute.

    For each patron and library they come in the order they were asked for: a later one waits for the earlier.
    """
    earlier = select(func.min(LibraryNotice.id)).group_by(LibraryNotice.library_id, LibraryNotice.patron_id)
    due = (
        select(LibraryNotice.id)
        .where(LibraryNotice.due_at <= now, LibraryNotice.id.in_(earlier))
        .order_by(LibraryNotice.due_at, LibraryNotice.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    row = db.session.execute(
        update(LibraryNotice)
        .where(LibraryNotice.id == due, LibraryNotice.due_at <= now)
        .values(due_at=now + _LEASE, attempts=LibraryNotice.attempts + 1)
        .returning(
            LibraryNotice.id,
            LibraryNotice.library_id,
            LibraryNotice.old_card_number,
            LibraryNotice.new_card_number,
            LibraryNotice.attempts,
        )
    ).first()
    db.session.commit()
    return Notice(*row) if row else None


def mark_told(*, notice_id: int) -> None:
    """Forget a notice that the library has taken."""
    db.session.execute(delete(LibraryNotice).where(LibraryNotice.id == notice_id))
    db.session.commit()


def mark_not_told(*, notice: Notice, now: datetime) -> None:
    """Try again later, and later each time."""
    pause = min(_LONGEST_PAUSE, timedelta(seconds=5 * 2**notice.attempts))
    db.session.execute(update(LibraryNotice).where(LibraryNotice.id == notice.id).values(due_at=now + pause))
    db.session.commit()
