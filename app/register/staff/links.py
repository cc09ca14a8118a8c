"""Links by e-mail by which those who work at a library set up their sign-in: the first time, or anew.

Nobody but its owner sees or sets a password. A link is good for three days and once; the worker draws its token when it
sends it, and commits first. A link that is sent again replaces the one before.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import pyotp
from sqlalchemy import ColumnElement, Select, delete, exists, select, update

from app.register.keys.vault import hash_of_random_token, hash_password, vault
from app.register.limits.budgets import from_source, take_tries
from app.register.patron.libraries import find_library_name
from app.register.staff.acts import note_library_act, note_operators_act, note_own_act
from app.register.staff.machines import draw_password
from app.register.staff.people import EMAIL_COLUMN, begin_act, lock_people, read_email
from app.register.staff.staff import TOTP_COLUMN, NoSuchStaff, employ, end_staff_sessions, step_of_code
from app.register.store.transaction import autonomous, db, execute_bulk, writing
from app.register.tables.library import Library, Staff
from app.register.tables.staff import StaffLink, StaffPasskey
from app.rules.errors import RuleBroken
from app.rules.library.staff import (
    ADMINISTRATOR_INVITED,
    STAFF_EMAIL_CHANGED,
    STAFF_INVITED,
    STAFF_LINK_SENT,
    STAFF_SET_UP,
    StaffRole,
)
from app.rules.pins.password import check_password
from app.rules.pins.pin import LINK_SOURCE, Budget

LINK_LASTS: Final = timedelta(days=3)
SENT: Final = Budget("staff links", limit=30, seconds=3600)
"""So many links an hour for each library, which also bounds how many user names an administrator can try."""
_TRIED: Final = Budget("staff link codes", limit=10, seconds=15 * 60)
_LEASE: Final = timedelta(seconds=30)
_LONGEST_PAUSE: Final = timedelta(hours=1)
_KEY_COLUMN: Final = "staff_links.sealed_totp_key"


class StaffLinkNotValid(RuleBroken):
    """No such link was sent, it was used, replaced or is expired, or its owner is suspended."""


class OwnSignIn(RuleBroken):
    """Nobody sees their own papers: a colleague or the operator sends an administrator a new link."""


class CodeNotRight(RuleBroken):
    """The one-time code does not fit the key that the page shows."""


@dataclass(frozen=True, slots=True, repr=False)
class OpenedLink:
    """What a link leads to: whose sign-in is set up, and the key of one-time codes (base32) that is shown."""

    staff_id: int
    username: str
    name: str
    library: str
    is_first: bool
    totp_secret: str


@dataclass(frozen=True, slots=True, repr=False)
class DueLink:
    """A link to be sent now."""

    staff_id: int
    to: str
    name: str
    library: str
    language: str
    is_first: bool
    token: str


def invite(*, by: int, username: str, name: str, role: StaffRole, email: str, language: str, now: datetime) -> int:
    """Add a colleague who chooses a password by a link, which is queued in `language`. Returns their id.

    Raises NotAdministrator or UsernameTaken.
    """
    library_id = lock_people(by=by)
    note_library_act(staff_id=by, kind=_kind_of_invitation(role), subject=username, now=now)
    return _add(library_id=library_id, username=username, name=name, role=role, email=email, language=language, now=now)


def invite_by_operator(
    *, library_id: str, username: str, name: str, role: StaffRole, email: str, language: str, now: datetime
) -> int:
    """Do what `invite` does, for the operator. Raises NoSuchLibrary or UsernameTaken."""
    staff_id = _add(
        library_id=library_id, username=username, name=name, role=role, email=email, language=language, now=now
    )
    note_operators_act(library_id=library_id, kind=_kind_of_invitation(role), subject=username, now=now)
    return staff_id


def _kind_of_invitation(role: StaffRole) -> str:
    return ADMINISTRATOR_INVITED if role is StaffRole.ADMINISTRATOR else STAFF_INVITED


def _add(
    *, library_id: str, username: str, name: str, role: StaffRole, email: str, language: str, now: datetime
) -> int:
    # Nobody knows these: the link replaces both.
    secrets_of_nobody = {"password": draw_password(), "totp_secret": pyotp.random_base32()}
    staff = employ(library_id=library_id, username=username, name=name, role=role, **secrets_of_nobody)
    _begin_setup(staff.id, email=email, is_first=True, language=language, now=now)
    return staff.id


def send_link(*, by: int, staff_id: int, email: str, language: str, now: datetime) -> None:
    """Queue a new link to a colleague, after whose papers were seen unless they have never been in.

    What they signed in with counts no more: password, one-time codes, passkeys and sessions. Raises NotAdministrator,
    NoSuchStaff or OwnSignIn.
    """
    if staff_id == by:
        raise OwnSignIn
    whose = begin_act(by=by, staff_id=staff_id, kind=STAFF_LINK_SENT, now=now)
    if email != read_email(library_id=whose.library_id, staff_id=staff_id):
        note_library_act(staff_id=by, kind=STAFF_EMAIL_CHANGED, subject=whose.username, now=now)
    _begin_setup(staff_id, email=email, is_first=False, language=language, now=now)


def send_link_by_operator(*, username: str, email: str, language: str, now: datetime) -> None:
    """Do what `send_link` does, for the operator. Raises NoSuchStaff."""
    whose = db.session.execute(select(Staff.id, Staff.library_id).where(Staff.username == username)).first()
    if whose is None:
        raise NoSuchStaff
    note_operators_act(library_id=whose.library_id, kind=STAFF_LINK_SENT, subject=username, now=now)
    _begin_setup(whose.id, email=email, is_first=False, language=language, now=now)


def _begin_setup(staff_id: int, *, email: str, is_first: bool, language: str, now: datetime) -> None:
    sealed = vault.seal(email.encode(), column=EMAIL_COLUMN)
    db.session.execute(update(Staff).where(Staff.id == staff_id).values(awaits_setup=True, sealed_email=sealed))
    end_staff_sessions(staff_id=staff_id)
    db.session.execute(delete(StaffPasskey).where(StaffPasskey.staff_id == staff_id))
    _queue(staff_id, is_first=is_first, language=language, now=now)


def _queue(staff_id: int, *, is_first: bool, language: str, now: datetime) -> None:
    db.session.execute(delete(StaffLink).where(StaffLink.staff_id == staff_id))
    key = vault.seal(pyotp.random_base32().encode(), column=_KEY_COLUMN)
    due = {"due_at": now, "attempts": 0, "expires_at": now + LINK_LASTS}
    db.session.add(StaffLink(staff_id=staff_id, is_first=is_first, language=language, sealed_totp_key=key, **due))
    db.session.flush()


def is_link_due(*, now: datetime) -> bool:
    """Tell whether a link is due to be sent."""
    with autonomous() as connection:
        return bool(connection.execute(select(exists().where(*_is_due(now)))).scalar())


def _is_due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return StaffLink.due_at <= now, StaffLink.expires_at > now


@writing()
def take_due_link(*, now: datetime) -> DueLink | None:
    """Draw a due link's token (at each try another one), lease it, and commit before it is sent. None: none is due."""
    due = select(StaffLink).where(*_is_due(now)).order_by(StaffLink.due_at, StaffLink.staff_id).limit(1)
    locked = due.with_for_update(skip_locked=True).execution_options(populate_existing=True)
    row = db.session.scalars(locked).first()
    if row is None:
        return None
    who = select(Staff.name, Staff.library_id).where(Staff.id == row.staff_id)
    name, library_id = db.session.execute(who).one()
    token = secrets.token_urlsafe(32)
    row.token_hash, row.due_at, row.attempts = hash_of_random_token(token), now + _LEASE, row.attempts + 1
    library = find_library_name(library_id=library_id) or ""
    to = read_email(library_id=library_id, staff_id=row.staff_id)
    return DueLink(row.staff_id, to, name, library, row.language, row.is_first, token)


@writing()
def note_link_sent(due: DueLink) -> None:
    """Record that a link is sent, unless another one was queued meanwhile."""
    db.session.execute(update(StaffLink).where(_is_this(due.token)).values(due_at=None))


@writing()
def note_link_not_sent(due: DueLink, *, now: datetime) -> None:
    """Record that sending failed. The pause before the next try doubles, from a minute to an hour."""
    attempts = db.session.scalar(select(StaffLink.attempts).where(_is_this(due.token)))
    if attempts is not None:
        # The exponent is bounded: a timedelta overflows.
        pause = min(_LONGEST_PAUSE, timedelta(minutes=1) * 2 ** min(attempts - 1, 10))
        db.session.execute(update(StaffLink).where(_is_this(due.token)).values(due_at=now + pause))


def _is_this(token: str) -> ColumnElement[bool]:
    return StaffLink.token_hash == hash_of_random_token(token)


def _opened(token: str, *, now: datetime) -> Select[*tuple[Any, ...]]:
    wanted = (Staff.id, Staff.username, Staff.name, Library.name.label("library"), StaffLink.is_first)
    return (
        select(*wanted, StaffLink.sealed_totp_key)
        .join(Staff, Staff.id == StaffLink.staff_id)
        .join(Library, Library.id == Staff.library_id)
        .where(_is_this(token), StaffLink.expires_at > now, Staff.suspended_at.is_(None))
    )


def find_staff_link(*, token: str, now: datetime) -> OpenedLink | None:
    """Return what a link leads to; None where it is not valid. It is not used up, since mail scanners open links."""
    row = db.session.execute(_opened(token, now=now)).first()
    if row is None:
        return None
    secret = vault.open(row.sealed_totp_key, column=_KEY_COLUMN).decode()
    return OpenedLink(row.id, row.username, row.name, row.library, row.is_first, secret)


def take_link_tries(*, token: str, address: str, now: datetime) -> None:
    """Take a try from the network address and from the link. Raises TooManyAttempts."""
    take_tries(tries=[*from_source(LINK_SOURCE, address), (_TRIED, hash_of_random_token(token))], now=now)


def set_up(*, token: str, password: str, code: str, now: datetime) -> int:
    """Use up a link: its owner signs in by this password and codes of the key that the page showed. Returns their id.

    A try was taken by `take_link_tries`. Raises StaffLinkNotValid, PasswordNotGood or CodeNotRight.
    """
    locked = db.session.execute(_opened(token, now=now).with_for_update(of=Staff)).first()
    if locked is None:
        raise StaffLinkNotValid
    check_password(password, about=(locked.username, locked.name, locked.library))
    secret = vault.open(locked.sealed_totp_key, column=_KEY_COLUMN)
    step = step_of_code(secret.decode(), code=code, now=now)
    if step is None:
        raise CodeNotRight
    new = {
        "password_verifier": hash_password(password),
        "sealed_totp_key": vault.seal(secret, column=TOTP_COLUMN),
        "last_totp_step": step,
        "awaits_setup": False,
    }
    # Another one may have been queued while this waited for the lock.
    if not execute_bulk(delete(StaffLink).where(_is_this(token))):
        raise StaffLinkNotValid
    db.session.execute(update(Staff).where(Staff.id == locked.id).values(**new))
    end_staff_sessions(staff_id=locked.id)
    note_own_act(staff_id=locked.id, kind=STAFF_SET_UP, now=now)
    return int(locked.id)
