"""Sign-ins that the server can end. The browser holds a random token; the register holds its hash."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select

from app.register.tables import Session
from app.register.transaction import db
from app.register.vault import hash_of_random_token


@dataclass(frozen=True, slots=True)
class Lasting:
    """How long a sign-in lasts: without use, and in all. In seconds."""

    idle: int
    absolute: int


BORROWED_DEVICE = Lasting(idle=30 * 60, absolute=12 * 3600)
OWN_DEVICE = Lasting(idle=30 * 86400, absolute=90 * 86400)
DESK = Lasting(idle=60 * 60, absolute=12 * 3600)


def start_session(
    *,
    lasting: Lasting,
    now: datetime,
    patron_id: int | None = None,
    staff_id: int | None = None,
    device_id: int | None = None,
) -> str:
    """Start a session for a patron or for a staff member. Returns the token; it is nowhere else."""
    token = secrets.token_urlsafe(32)
    db.session.add(
        Session(
            token_hash=hash_of_random_token(token),
            patron_id=patron_id,
            staff_id=staff_id,
            device_id=device_id,
            started_at=now,
            expires_at=now + timedelta(seconds=lasting.absolute),
            idle_seconds=lasting.idle,
            secret_entered_at=now,
        )
    )
    return token


def find_session(*, token: str, last_used_at: datetime, now: datetime) -> Session | None:
    """Return the session of this token, unless it was ended, is too old, or was too long unused."""
    session = db.session.scalar(select(Session).where(Session.token_hash == hash_of_random_token(token)))
    if session is None or session.expires_at <= now:
        return None
    return session if last_used_at + timedelta(seconds=session.idle_seconds) > now else None


def end_session(*, session_id: int) -> None:
    """End one session, from this second on."""
    db.session.execute(delete(Session).where(Session.id == session_id))


def end_sessions_on_device(*, device_id: int) -> None:
    """End every session on a device."""
    db.session.execute(delete(Session).where(Session.device_id == device_id))
