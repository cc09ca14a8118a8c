"""A patron's sign-ins: where they are signed in now, and ending it elsewhere, device and card with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select

from app.register.card.cards import revoke_device
from app.register.sign_in.sessions import end_session
from app.register.store.transaction import db
from app.register.tables.devices import Device
from app.register.tables.patrons import Session
from app.rules.errors import RuleBroken


class NoSuchSignIn(RuleBroken):
    """The patron is not signed in there (any more)."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """Where a patron is signed in; `label` is the device's, such as `Chrome, Android`. Instants are UTC."""

    id: int
    label: str | None
    started_at: datetime
    expires_at: datetime


def count_sign_ins(*, patron_id: int, now: datetime) -> int:
    """Return how many sign-ins of a patron have not ended."""
    return db.session.execute(
        select(func.count()).select_from(Session).where(Session.patron_id == patron_id, Session.expires_at > now)
    ).scalar_one()


def list_sign_ins(*, patron_id: int, now: datetime, limit: int, offset: int = 0) -> Sequence[SignIn]:
    """Return at most `limit` of a patron's sign-ins that have not ended, newest first, after `offset` newer ones."""
    rows = db.session.execute(
        select(Session.id, Device.label, Session.started_at, Session.expires_at)
        .join(Device, Device.id == Session.device_id, isouter=True)
        .where(Session.patron_id == patron_id, Session.expires_at > now)
        .order_by(Session.started_at.desc(), Session.id.desc())
        .limit(limit)
        .offset(offset)
    )
    return [SignIn(*row) for row in rows]


def end_sign_in(*, patron_id: int, session_id: int, here: int | None, now: datetime) -> str:
    """Sign the patron out there, and take the card off that device, unless it is `here`. Returns what the device is
    called, empty where that is not known. Raises NoSuchSignIn."""
    session = db.session.scalar(select(Session).where(Session.id == session_id, Session.patron_id == patron_id))
    if session is None:
        raise NoSuchSignIn
    label = db.session.scalar(select(Device.label).where(Device.id == session.device_id)) or ""
    if session.device_id is None or session.device_id == here:
        end_session(session_id=session_id)
    else:
        revoke_device(patron_id=patron_id, device_id=session.device_id, now=now)
    return label


def end_other_sign_ins(*, patron_id: int, session_id: int, here: int | None, now: datetime) -> None:
    """Sign the patron out everywhere but in the session `session_id`, and take the card off every other device."""
    others = select(Device.id).where(Device.patron_id == patron_id, Device.id != (here or 0))
    for device_id in db.session.scalars(others).all():
        revoke_device(patron_id=patron_id, device_id=device_id, now=now)
    db.session.execute(delete(Session).where(Session.patron_id == patron_id, Session.id != session_id))
