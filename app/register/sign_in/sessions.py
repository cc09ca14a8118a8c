"""Sessions, which the server can end. The browser has a random token, the register its hash."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, select, update

from app.register.keys.vault import hash_of_random_token
from app.register.store.transaction import autonomous, db
from app.register.tables.patrons import Session
from app.rules.clocks import LEEWAY, noted

_WHOSE = (Session.id, Session.patron_id, Session.staff_id, Session.device_id)
_ENTERED = (Session.secret_entered_at, Session.code_entered_at, Session.identified_at)
_FIND = select(*_WHOSE, Session.expires_at, Session.idle_seconds, *_ENTERED)
_FIND = _FIND.where(Session.token_hash == bindparam("token_hash"))


@dataclass(frozen=True, slots=True)
class Lasting:
    """How long a session lasts, in seconds: without use (`idle`), and in all (`absolute`)."""

    idle: int
    absolute: int


BORROWED_DEVICE = Lasting(idle=30 * 60, absolute=12 * 3600)
OWN_DEVICE = Lasting(idle=30 * 86400, absolute=90 * 86400)
DESK = Lasting(idle=60 * 60, absolute=12 * 3600)
_LONGEST = timedelta(seconds=OWN_DEVICE.absolute) + LEEWAY


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A session that has not ended. Instants are UTC."""

    id: int
    patron_id: int | None
    staff_id: int | None
    device_id: int | None
    secret_entered_at: datetime
    code_entered_at: datetime | None = None
    identified_at: datetime | None = None


def start_session(
    *,
    lasting: Lasting,
    now: datetime,
    patron_id: int | None = None,
    staff_id: int | None = None,
    device_id: int | None = None,
    code_entered_at: datetime | None = None,
) -> tuple[str, LiveSession]:
    """Start a session of a patron or a staff member. Returns its token, which is not stored, and the session."""
    token = secrets.token_urlsafe(32)
    session = Session(
        token_hash=hash_of_random_token(token),
        patron_id=patron_id,
        staff_id=staff_id,
        device_id=device_id,
        started_at=now,
        expires_at=now + timedelta(seconds=lasting.absolute),
        idle_seconds=lasting.idle,
        secret_entered_at=now,
        code_entered_at=code_entered_at,
    )
    db.session.add(session)
    db.session.flush()
    return token, LiveSession(session.id, patron_id, staff_id, device_id, now, code_entered_at)


def find_session(*, token: str, last_used_at: datetime, now: datetime) -> LiveSession | None:
    """Return the session of this token, unless it was ended or is expired, also for lack of use."""
    with autonomous() as connection:
        row = connection.execute(_FIND, {"token_hash": hash_of_random_token(token)}).first()
    if row is None or row.expires_at <= now or last_used_at + timedelta(seconds=row.idle_seconds) <= now:
        return None
    if row.expires_at > now + _LONGEST:
        # It was begun while the clock was ahead, and would last too long.
        return None
    entered = (row.secret_entered_at, row.code_entered_at, row.identified_at)
    return LiveSession(*row[:4], *(instant and noted(instant, now=now) for instant in entered))


def has_ended(*, session_id: int) -> bool:
    """Tell whether a session that was found before has ended."""
    with autonomous() as connection:
        return connection.execute(select(Session.id).where(Session.id == session_id)).first() is None


def renew_secret(*, session_id: int, now: datetime) -> None:
    """Record and commit that the PIN was just entered in the session."""
    _note_entered(session_id, secret_entered_at=now)


def renew_code(*, session_id: int, now: datetime) -> None:
    """Record and commit that a code that was sent to the patron was just entered in the session."""
    _note_entered(session_id, code_entered_at=now)


def renew_both(*, session_id: int, now: datetime) -> None:
    """Record and commit that the patron just used a passkey, which stands for the PIN and a code."""
    _note_entered(session_id, secret_entered_at=now, code_entered_at=now)


def renew_identified(*, session_id: int, now: datetime) -> None:
    """Record and commit that the patron just used the national sign-in, which stands for the PIN and a code."""
    _note_entered(session_id, secret_entered_at=now, code_entered_at=now, identified_at=now)


def use_identified(*, session_id: int, after: datetime) -> bool:
    """Tell whether the national sign-in was used after that instant. It counts once, which is committed."""
    noted = (Session.id == session_id) & (Session.identified_at > after)
    with autonomous() as connection:
        used = connection.execute(update(Session).where(noted).values(identified_at=None).returning(Session.id))
        return used.first() is not None


def _note_entered(session_id: int, **values: datetime) -> None:
    with autonomous() as connection:
        connection.execute(update(Session).where(Session.id == session_id).values(**values))


def lock_session(*, session_id: int) -> bool:
    """Lock a session until this transaction ends. Returns whether it has not ended before."""
    return db.session.scalar(select(Session.id).where(Session.id == session_id).with_for_update()) is not None


def end_session(*, session_id: int) -> None:
    """End one session."""
    db.session.execute(delete(Session).where(Session.id == session_id))


def end_sessions_on_device(*, device_id: int) -> None:
    """End all sessions on a device."""
    db.session.execute(delete(Session).where(Session.device_id == device_id))


def end_sessions_of_patron(*, patron_id: int, but: int | None = None) -> None:
    """End all sessions of a patron but one."""
    db.session.execute(delete(Session).where(Session.patron_id == patron_id, Session.id != (but or 0)))
