"""What libraries' systems are still to be told, kept until each has taken it. One dead library delays no other."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, update

from app.register.changes import NUMBER_COLUMN
from app.register.tables import LibraryNotice, Patron
from app.register.transaction import db
from app.register.vault import vault

_LEASE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something happened to a patron, and this library is to be told. `card_number` is empty for the erased."""

    id: int
    library_id: str
    kind: str
    former_number: str | None
    card_number: str | None
    attempts: int


def take_due_notice(*, now: datetime) -> Notice | None:
    """Take one notice that is due and keep other workers off it for a minute.

    For each patron and library they come in the order they were asked for: a later one waits for the earlier.
    """
    waiting = LibraryNotice.due_at.is_not(None)
    earlier = select(func.min(LibraryNotice.id)).where(waiting)
    earlier = earlier.group_by(LibraryNotice.library_id, LibraryNotice.patron_id)
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
            LibraryNotice.kind,
            LibraryNotice.sealed_number,
            LibraryNotice.patron_id,
            LibraryNotice.attempts,
        )
    ).first()
    if row is None:
        db.session.rollback()
        return None
    number = db.session.scalar(select(Patron.card_number).where(Patron.id == row.patron_id))
    db.session.commit()
    former = vault.open(row.sealed_number, column=NUMBER_COLUMN).decode() if row.sealed_number else None
    return Notice(row.id, row.library_id, row.kind, former, number, row.attempts)


def mark_told(*, notice_id: int, now: datetime) -> None:
    """Note that the library has taken a notice."""
    told = update(LibraryNotice).where(LibraryNotice.id == notice_id)
    db.session.execute(told.values(due_at=None, confirmed_at=now, sealed_number=None))
    db.session.commit()


def mark_not_told(*, notice: Notice, now: datetime) -> None:
    """Try again later, and later each time."""
    pause = min(_LONGEST_PAUSE, timedelta(seconds=5 * 2**notice.attempts))
    db.session.execute(update(LibraryNotice).where(LibraryNotice.id == notice.id).values(due_at=now + pause))
    db.session.commit()
