"""The people of a library, as its administrators see and change them. Each act is noted in its own transaction.

All who work at the library are locked first, in one order, so that of two administrators who dismiss one another one
stays; an administrator who can come in is always left.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, Select, delete, func, select, update

from app.register.keys.vault import vault
from app.register.staff.acts import NotAdministrator, note_library_act
from app.register.staff.staff import MAY_SIGN_IN, NoSuchStaff, end_staff_sessions
from app.register.store.transaction import db
from app.register.tables.library import Staff
from app.register.tables.staff import StaffLink, StaffPasskey
from app.rules.errors import RuleBroken
from app.rules.library.staff import (
    STAFF_DISMISSED,
    STAFF_REINSTATED,
    STAFF_SUSPENDED,
    STAFF_TO_ADMINISTRATOR,
    STAFF_TO_DESK,
    StaffRole,
)
from app.rules.people.ages import day_in_norway

AWAY: Final = timedelta(days=90)
EMAIL_COLUMN: Final = "staff.sealed_email"


class LastAdministrator(RuleBroken):
    """No administrator who can come in would be left."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who works at a library. `signed_in_on` is a day in Norway, the instants are UTC.

    `awaits_setup`: they have yet to choose a password by their link, which is good until `link_until` if there is one,
    and is sent once `link_sent`.
    """

    id: int
    username: str
    name: str
    role: str
    signed_in_on: date | None
    suspended_at: datetime | None
    awaits_setup: bool
    passkeys: int
    link_until: datetime | None
    link_sent: bool

    def is_away(self, *, now: datetime) -> bool:
        """Tell whether they have not signed in for ninety days, or never, and could have."""
        since = day_in_norway(now) - AWAY
        return not self.awaits_setup and (self.signed_in_on is None or self.signed_in_on <= since)


_PEOPLE: Final[Select[*tuple[Any, ...]]] = select(
    Staff.id,
    Staff.username,
    Staff.name,
    Staff.role,
    Staff.signed_in_on,
    Staff.suspended_at,
    Staff.awaits_setup,
    select(func.count()).where(StaffPasskey.staff_id == Staff.id).scalar_subquery(),
    StaffLink.expires_at,
    StaffLink.due_at.is_(None) & StaffLink.staff_id.is_not(None),
).join(StaffLink, StaffLink.staff_id == Staff.id, isouter=True)


def list_people(*, library_id: str) -> Sequence[Person]:
    """Return everybody who works at a library, by name."""
    rows = db.session.execute(_PEOPLE.where(Staff.library_id == library_id).order_by(Staff.name, Staff.username))
    return [Person(*row) for row in rows]


def get_person(*, library_id: str, staff_id: int) -> Person:
    """Return somebody who works at a library. Raises NoSuchStaff."""
    row = db.session.execute(_PEOPLE.where(Staff.library_id == library_id, Staff.id == staff_id)).first()
    if row is None:
        raise NoSuchStaff
    return Person(*row)


def read_email(*, library_id: str, staff_id: int) -> str:
    """Return the e-mail address of somebody who works at a library; empty where none is known."""
    query = select(Staff.sealed_email).where(Staff.library_id == library_id, Staff.id == staff_id)
    sealed = db.session.scalar(query)
    return vault.open(sealed, column=EMAIL_COLUMN).decode() if sealed else ""


def change_role(*, by: int, staff_id: int, role: StaffRole, now: datetime) -> None:
    """Give a colleague another role. Raises NotAdministrator, NoSuchStaff or LastAdministrator."""
    kind = STAFF_TO_ADMINISTRATOR if role is StaffRole.ADMINISTRATOR else STAFF_TO_DESK
    whose = begin_act(by=by, staff_id=staff_id, kind=kind, now=now)
    db.session.execute(update(Staff).where(Staff.id == staff_id).values(role=role))
    _check_one_is_left(whose.library_id)


def suspend(*, by: int, staff_id: int, now: datetime) -> None:
    """Let a colleague in no more until they are reinstated: sessions and the link end.

    Raises NotAdministrator, NoSuchStaff or LastAdministrator.
    """
    whose = begin_act(by=by, staff_id=staff_id, kind=STAFF_SUSPENDED, now=now)
    db.session.execute(update(Staff).where(Staff.id == staff_id).values(suspended_at=now))
    end_staff_sessions(staff_id=staff_id)
    db.session.execute(delete(StaffLink).where(StaffLink.staff_id == staff_id))
    _check_one_is_left(whose.library_id)


def reinstate(*, by: int, staff_id: int, now: datetime) -> None:
    """Let a suspended colleague in again. Raises NotAdministrator or NoSuchStaff."""
    begin_act(by=by, staff_id=staff_id, kind=STAFF_REINSTATED, now=now)
    db.session.execute(update(Staff).where(Staff.id == staff_id).values(suspended_at=None))


def dismiss_colleague(*, by: int, staff_id: int, now: datetime) -> None:
    """Delete a colleague with sessions, passkeys and link. What they did keeps their user name.

    Raises NotAdministrator, NoSuchStaff or LastAdministrator.
    """
    whose = begin_act(by=by, staff_id=staff_id, kind=STAFF_DISMISSED, now=now)
    db.session.execute(delete(Staff).where(Staff.id == staff_id))
    _check_one_is_left(whose.library_id)


def lock_people(*, by: int) -> str:
    """Lock all who work at an administrator's library until the transaction ends; return the library's id.

    Raises NotAdministrator where they do not work there any more.
    """
    library_id = db.session.scalar(select(Staff.library_id).where(Staff.id == by))
    if library_id is None:
        raise NotAdministrator
    everybody = select(Staff.id).where(Staff.library_id == library_id).order_by(Staff.id)
    db.session.execute(everybody.with_for_update(key_share=True))
    return library_id


def begin_act(*, by: int, staff_id: int, kind: str, now: datetime) -> Row[*tuple[Any, ...]]:
    """Lock all who work at the library, note an act on one of them, and return their row.

    Raises NotAdministrator, or NoSuchStaff for somebody who does not work there (any more).
    """
    library_id = lock_people(by=by)
    columns = (Staff.username, Staff.library_id, Staff.awaits_setup, Staff.suspended_at)
    whose = db.session.execute(select(*columns).where(Staff.id == staff_id, Staff.library_id == library_id)).first()
    if whose is None:
        raise NoSuchStaff
    note_library_act(staff_id=by, kind=kind, subject=whose.username, now=now)
    return whose


def _check_one_is_left(library_id: str) -> None:
    able = (Staff.library_id == library_id) & (Staff.role == StaffRole.ADMINISTRATOR) & MAY_SIGN_IN
    if db.session.scalar(select(Staff.id).where(able).limit(1)) is None:
        raise LastAdministrator
