"""The phones and browsers on which a patron has signed in."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, case, func, select

from app.register.keys.vault import hash_of_random_token
from app.register.store.transaction import autonomous, db
from app.register.tables.devices import Credential, Device
from app.register.tables.patrons import FamilyPermission
from app.rules.errors import RuleBroken

GOOGLE_WALLET: Final = "Google Wallet"
APPLE_WALLET: Final = "Apple Wallet"
"""Labels of passes in a wallet. No browser gets such a label."""


class NoSuchDevice(RuleBroken):
    """The patron has no such device (any more)."""


@dataclass(frozen=True, slots=True)
class ShownDevice:
    """A device that shows a patron's card. `carried_by`: card number of the guardian whose it is. Instants are UTC."""

    id: int
    label: str
    first_seen_at: datetime
    shows_card_until: datetime
    carried_by: str | None = None

    @property
    def is_wallet(self) -> bool:
        """Whether it is a pass in a wallet, where nobody signs in."""
        return self.label in (GOOGLE_WALLET, APPLE_WALLET)


def recognise_device(*, patron_id: int, token: str | None) -> Device | None:
    """Return the patron's device with this token, if any."""
    if not token:
        return None
    return db.session.scalar(
        select(Device).where(Device.patron_id == patron_id, Device.token_hash == hash_of_random_token(token))
    )


def is_confirmed(*, patron_id: int, token: str | None) -> bool:
    """Tell whether this token is of a device that the patron has confirmed, and that is still theirs."""
    return _is_confirmed((Device.patron_id == patron_id) & (Device.token_hash == hash_of_random_token(token or "")))


def is_confirmed_device(*, device_id: int) -> bool:
    """Tell whether the patron has confirmed this device of theirs."""
    return _is_confirmed(Device.id == device_id)


def _is_confirmed(which: ColumnElement[bool]) -> bool:
    with autonomous() as connection:
        return connection.execute(select(Device.confirmed_at).where(which)).scalar() is not None


def admit_device(*, patron_id: int, token: str, label: str, now: datetime, confirmed: bool = True) -> Device:
    """Return the patron's device with this token, added if it is new.

    `confirmed`: it needs no code, or the code that was sent to the patron was just entered on it.
    """
    known = recognise_device(patron_id=patron_id, token=token)
    return admit_recognised(known, patron_id=patron_id, token=token, label=label, now=now, confirmed=confirmed)


def admit_recognised(
    device: Device | None, *, patron_id: int, token: str, label: str, now: datetime, confirmed: bool
) -> Device:
    """Do as `admit_device` with what `recognise_device` has said of the token."""
    if device is None:
        token_hash = hash_of_random_token(token)
        device = Device(patron_id=patron_id, token_hash=token_hash, label=label, first_seen_at=now)
        db.session.add(device)
    if confirmed and device.confirmed_at is None:
        device.confirmed_at = now
    db.session.flush()
    return device


def add_wallet(*, patron_id: int, wallet: str, now: datetime) -> Device:
    """Add a pass in a wallet, GOOGLE_WALLET or APPLE_WALLET, to the patron's devices. Nobody signs in with it."""
    device = Device(patron_id=patron_id, token_hash=secrets.token_hex(32), label=wallet, first_seen_at=now)
    db.session.add(device)
    db.session.flush()
    return device


def list_devices(*, patron_id: int, now: datetime) -> Sequence[ShownDevice]:
    """Return the devices that can show this patron's card at `now`, newest first, guardians' phones included."""
    permitted = (FamilyPermission.guardian_id == Device.patron_id) & (FamilyPermission.patron_id == patron_id)
    since = func.min(case((Device.patron_id == patron_id, Device.first_seen_at), else_=Credential.issued_at))
    rows = db.session.execute(
        select(Device.id, Device.label, since, func.max(Credential.expires_at), FamilyPermission.guardian_card_number)
        .join(Credential, Credential.device_id == Device.id)
        .join(FamilyPermission, permitted, isouter=True)
        .where(Credential.patron_id == patron_id, Credential.revoked_at.is_(None), Credential.expires_at > now)
        .group_by(Device.id, Device.label, FamilyPermission.guardian_card_number)
        .order_by(since.desc(), Device.id.desc())
    )
    return [ShownDevice(*row) for row in rows]
