"""What a library's administrators did: written in the transaction of the act, and read by all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select

from app.register.store.transaction import autonomous, db
from app.register.tables.library import Staff
from app.register.tables.staff import LibraryAct
from app.rules.errors import RuleBroken
from app.rules.library.staff import LONGEST_SUBJECT, STAFF_DISMISSED, StaffRole

PAGE: Final = 50


class NotAdministrator(RuleBroken):
    """Somebody who is no administrator (any more) tried to act as one."""


@dataclass(frozen=True, slots=True)
class ShownAct:
    """An act as a library's administrators read it. `at` is UTC; `username` is None where the operator did it."""

    id: int
    at: datetime
    username: str | None
    kind: str
    subject: str


def is_administrator(*, staff_id: int) -> bool:
    """Tell whether a staff member is an administrator of their library now."""
    administrator = (Staff.id == staff_id) & (Staff.role == StaffRole.ADMINISTRATOR)
    with autonomous() as connection:
        return connection.execute(select(Staff.id).where(administrator)).first() is not None


def note_library_act(*, staff_id: int, kind: str, subject: str, now: datetime) -> None:
    """Note an act of an administrator, in its transaction, until whose end they stay one.

    `kind` is one of `rules.library.staff.ACTS`; what is longer than 200 characters in `subject` is cut off. Raises
    NotAdministrator where they lost the role, or may not sign in any more, since the request began: the act is undone.
    """
    who = select(Staff.username, Staff.library_id, Staff.role, Staff.suspended_at, Staff.awaits_setup)
    row = db.session.execute(who.where(Staff.id == staff_id).with_for_update(read=True)).first()
    if row is None or row.role != StaffRole.ADMINISTRATOR or row.suspended_at is not None or row.awaits_setup:
        raise NotAdministrator
    _note(library_id=row.library_id, username=row.username, kind=kind, subject=subject, now=now)


def note_own_act(*, staff_id: int, kind: str, now: datetime) -> None:
    """Note what somebody who works at a library did to their own sign-in, in its transaction."""
    who = select(Staff.username, Staff.library_id).where(Staff.id == staff_id)
    username, library_id = db.session.execute(who).one()
    _note(library_id=library_id, username=username, kind=kind, subject=username, now=now)


def note_operators_act(*, library_id: str, kind: str, subject: str, now: datetime) -> None:
    """Note what the operator did for a library by a command, as `note_library_act` does."""
    _note(library_id=library_id, username=None, kind=kind, subject=subject, now=now)


def _note(*, library_id: str, username: str | None, kind: str, subject: str, now: datetime) -> None:
    act = LibraryAct(at=now, library_id=library_id, username=username, kind=kind, subject=subject[:LONGEST_SUBJECT])
    db.session.add(act)
    db.session.flush()


def list_library_acts(*, library_id: str, before: int | None = None) -> Sequence[ShownAct]:
    """Return a library's acts, newest first: at most PAGE + 1 of them, those before the act with this id."""
    shown = (LibraryAct.id, LibraryAct.at, LibraryAct.username, LibraryAct.kind, LibraryAct.subject)
    query = select(*shown).where(LibraryAct.library_id == library_id).order_by(LibraryAct.id.desc()).limit(PAGE + 1)
    rows = db.session.execute(query if before is None else query.where(LibraryAct.id < before))
    return [ShownAct(*row) for row in rows]


def is_former_username(username: str) -> bool:
    """Tell whether somebody who was dismissed had this user name, by the acts that are kept."""
    gone = (LibraryAct.kind == STAFF_DISMISSED) & (LibraryAct.subject == username)
    return db.session.scalar(select(LibraryAct.id).where(gone).limit(1)) is not None
