"""Staff at a desk: user name, password and a one-time code."""

from dataclasses import dataclass
from datetime import datetime

import pyotp
from pyotp.exceptions import OTPVerificationError
from sqlalchemy import delete, select, update

from app.register.keys.vault import hash_password, vault, verify_password
from app.register.limits.budgets import Try, from_source, give_back_tries, take_tries
from app.register.patron.libraries import check_library
from app.register.staff.acts import is_former_username
from app.register.staff.desk_browsers import is_desk_browser
from app.register.staff.machines import UsernameTaken
from app.register.store.transaction import autonomous, db, execute_bulk, savepoint
from app.register.tables.library import Library, Staff
from app.register.tables.patrons import Session
from app.rules.card.code import step_at
from app.rules.errors import RuleBroken
from app.rules.library.staff import StaffRole
from app.rules.people.ages import day_in_norway
from app.rules.pins.pin import Budget
from app.rules.pins.source import source_of
from app.rules.typed import clean_identifier

_HERE = Budget("desk user here", limit=10, seconds=15 * 60)
_USER = Budget("desk user", limit=30, seconds=15 * 60)
_SOURCE = Budget("desk source", limit=300, seconds=15 * 60)
_BROWSER = Budget("desk browser", limit=10, seconds=15 * 60)
_BROWSERS = Budget("desk browsers", limit=30, seconds=15 * 60)
TOTP_COLUMN = "staff.sealed_totp_key"


class StaffSignInRefused(RuleBroken):
    """Unknown or suspended user, wrong password, or a code that is wrong or used."""


class NoSuchStaff(RuleBroken):
    """No staff member has this user name."""


@dataclass(frozen=True, slots=True)
class Workplace:
    """A staff member and the library they work at."""

    username: str
    name: str
    library_id: str
    library: str
    desks_share_scans: bool
    names_on_slips: bool
    role: str = StaffRole.DESK


_WORKPLACES = select(
    Staff.username, Staff.name, Library.id, Library.name, Library.desks_share_scans, Library.names_on_slips, Staff.role
).join(Library, Library.id == Staff.library_id)


def list_staff(*, library_id: str | None = None) -> list[Workplace]:
    """Return everybody who works at a desk, by library and user name, or those of one library."""
    query = _WORKPLACES.order_by(Library.id, Staff.username)
    with autonomous() as connection:
        rows = connection.execute(query.where(Library.id == library_id) if library_id is not None else query).all()
    return [Workplace(*row) for row in rows]


def get_workplace(*, staff_id: int) -> Workplace:
    """Return a staff member's workplace."""
    with autonomous() as connection:
        row = connection.execute(_WORKPLACES.where(Staff.id == staff_id)).one()
    return Workplace(*row)


def employ(
    *, library_id: str, username: str, name: str, password: str, totp_secret: str, role: str = StaffRole.DESK
) -> Staff:
    """Add a staff member. `totp_secret` is base32, as authenticators take it.

    Who was dismissed stands by their user name in what was done, so nobody else gets it while that is kept. Raises
    NoSuchLibrary or UsernameTaken.
    """
    check_library(library_id)
    if is_former_username(username):
        raise UsernameTaken
    staff = Staff(
        library_id=library_id,
        username=username,
        name=name,
        password_verifier=hash_password(password),
        sealed_totp_key=vault.seal(totp_secret.encode(), column=TOTP_COLUMN),
        last_totp_step=0,
        role=role,
    )
    with savepoint({"uq_staff_username": UsernameTaken}):
        db.session.add(staff)
    return staff


def dismiss(*, username: str) -> str:
    """Remove a staff member, with their sessions, and return their library's id. Raises NoSuchStaff."""
    library_id = db.session.scalar(delete(Staff).where(Staff.username == username).returning(Staff.library_id))
    if library_id is None:
        raise NoSuchStaff
    return library_id


def reset_code(*, username: str, totp_secret: str) -> str:
    """Give a staff member another key of one-time codes, end their sessions, and return their library's id.

    Raises NoSuchStaff.
    """
    sealed = vault.seal(totp_secret.encode(), column=TOTP_COLUMN)
    change = update(Staff).where(Staff.username == username).values(sealed_totp_key=sealed, last_totp_step=0)
    found = db.session.execute(change.returning(Staff.id, Staff.library_id)).first()
    if found is None:
        raise NoSuchStaff
    end_staff_sessions(staff_id=found.id)
    return str(found.library_id)


def end_staff_sessions(*, staff_id: int, but: int | None = None) -> None:
    """End all sessions of a staff member but one."""
    db.session.execute(delete(Session).where(Session.staff_id == staff_id, Session.id != (but or 0)))


MAY_SIGN_IN = Staff.suspended_at.is_(None) & ~Staff.awaits_setup
"""The condition that somebody is neither suspended nor has yet to choose a password."""


def admit_staff(*, staff_id: int, now: datetime) -> None:
    """Note a sign-in, in the transaction that begins the session. Raises StaffSignInRefused for somebody who was
    suspended or dismissed since."""
    who = (Staff.id == staff_id) & MAY_SIGN_IN
    if not execute_bulk(update(Staff).where(who).values(signed_in_on=day_in_norway(now))):
        raise StaffSignInRefused


def sign_in_staff(
    *, username: str, password: str, code: str, address: str, now: datetime, browser: str | None = None
) -> int:
    """Return the id of the staff member. A one-time code is valid once (RFC 6238 §5.2).

    `browser` is the browser's token, if any. One of the library's desk has tries of its own, so that a stranger cannot
    lock the desk out. Raises StaffSignInRefused or TooManyAttempts.
    """
    columns = (Staff.id, Staff.library_id, Staff.password_verifier, Staff.sealed_totp_key, MAY_SIGN_IN.label("may"))
    with autonomous() as connection:
        found = connection.execute(select(*columns).where(Staff.username == username)).first()
    tries = tries_of(username, library_id=found.library_id if found else "", browser=browser, address=address)
    take_tries(tries=tries, now=now)
    right = verify_password(password, found.password_verifier if found else None)
    step = _step_of_code(sealed_key=found.sealed_totp_key if found else None, code=code, now=now)
    if found is None or not (found.may and right) or step is None:
        raise StaffSignInRefused
    if not _take_code(staff_id=found.id, step=step, now=now):
        raise StaffSignInRefused
    give_back_tries(tries=tries)
    return int(found.id)


def tries_of(username: str, *, library_id: str, browser: str | None, address: str) -> list[Try]:
    """Return what a try of a user name's password costs. `library_id` is empty where nobody has the user name."""
    username = username[:60]
    if is_desk_browser(browser or "", library_id=library_id) and library_id:
        return [(_BROWSER, f"{username} {browser}"), (_BROWSERS, username)]
    return [*from_source(_SOURCE, address), (_HERE, f"{username} {source_of(address).wide}"), (_USER, username)]


def _take_code(*, staff_id: int, step: int, now: datetime) -> bool:
    # A later step than the next was used while the clock was ahead, and must not lock anybody out until then.
    was_ahead = Staff.last_totp_step > step_at(now) + 1
    unused = update(Staff).where(Staff.id == staff_id, (Staff.last_totp_step < step) | was_ahead)
    with autonomous() as connection:
        return connection.execute(unused.values(last_totp_step=step)).rowcount == 1


def _step_of_code(*, sealed_key: bytes | None, code: str, now: datetime) -> int | None:
    secret = vault.open(sealed_key, column=TOTP_COLUMN).decode() if sealed_key is not None else pyotp.random_base32()
    step = step_of_code(secret, code=code, now=now)
    return step if sealed_key is not None else None


def step_of_code(secret: str, *, code: str, now: datetime) -> int | None:
    """Return the half minute of a one-time code that fits the key (base32), or its neighbours; None where none does."""
    digits = clean_identifier(code)
    try:
        return pyotp.TOTP(secret).verify_and_get_timecode(digits, for_time=now, valid_window=1)
    except (OTPVerificationError, TypeError):
        return None
