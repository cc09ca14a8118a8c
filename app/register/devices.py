"""The phones and browsers on which a patron has signed in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from app.register.tables import Credential, Device
from app.register.transaction import db
from app.register.vault import hash_of_random_token
from app.rules.errors import RuleBroken


class NoSuchDevice(RuleBroken):
    """The patron has no such device (any more)."""

    code = "no-such-device"


@dataclass(frozen=True, slots=True)
class ShownDevice:
    """A device as its owner sees it. Instants are UTC."""

    id: int
    label: str
    first_seen_at: datetime
    shows_card_until: datetime


def recognise_device(*, patron_id: int, token: str | None) -> Device | None:
    """Return the patron's device that holds this token, if any."""
    if not token:
        return None
    return db.session.scalar(
        select(Device).where(Device.patron_id == patron_id, Device.token_hash == hash_of_random_token(token))
    )


def admit_device(*, patron_id: int, token: str, label: str, now: datetime) -> Device:
    """Return the patron's device with this token, made known if it is new.

    A device that asks for no confirmation is confirmed as it comes; where a code is asked for, this is the seam.
    """
    device = recognise_device(patron_id=patron_id, token=token)
    if device is None:
        device = Device(
            patron_id=patron_id,
            token_hash=hash_of_random_token(token),
            label=label,
            first_seen_at=now,
            confirmed_at=now,
        )
        db.session.add(device)
        db.session.flush()
    return device


def list_devices(*, patron_id: int, now: datetime) -> Sequence[ShownDevice]:
    """Return the devices that can show this patron's card at `now`, newest first."""
    rows = db.session.execute(
        select(Device.id, Device.label, Device.first_seen_at, Credential.expires_at)
        .join(Credential, Credential.device_id == Device.id)
        .where(Device.patron_id == patron_id, Credential.revoked_at.is_(None), Credential.expires_at > now)
        .order_by(Device.first_seen_at.desc(), Device.id.desc())
    )
    return [ShownDevice(*row) for row in rows]
