"""The phones and browsers on which a patron has signed in."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import case, func, select

from app.register.keys.vault import hash_of_random_token
from app.register.store.transaction import autonomous, db
from app.register.tables.devices import Credential, Device
from app.register.tables.patrons import FamilyPermission
from app.rules.errors import RuleBroken

GOOGLE_WALLET: Final = "Google Wallet"
APPLE_WALLET: Final = "Apple Wallet"
"""Labels of passes in a wallet. No browser has such a one: theirs are made from what it says of itself."""


class NoSuchDevice(RuleBroken):
    """The patron has no such device (any more)."""


@dataclass(frozen=True, slots=True)
class ShownDevice:
    """A device that shows a patron's card, as the patron sees it. Instants are UTC.

    A guardian's phone that carries the card has the guardian's card number in `carried_by`.
    """

    id: int
    label: str
    first_seen_at: datetime
    shows_card_until: datetime
    carried_by: str | None = None

    @property
    def is_wallet(self) -> bool:
        """Whether it is a pass in a wallet: nobody signs in there."""
        return self.label in (GOOGLE_WALLET, APPLE_WALLET)


def recognise_device(*, patron_id: int, token: str | None) -> Device | None:
    """Return the patron's device that holds this token, if any."""
    if not token:
        return None
    return db.session.scalar(
        select(Device).where(Device.patron_id == patron_id, Device.token_hash == hash_of_random_token(token))
    )


def is_confirmed(*, patron_id: int, token: str | None) -> bool:
    """Tell whether this token is of a device that the patron has confirmed, and not lost since."""
    found = select(Device.confirmed_at).where(
        Device.patron_id == patron_id, Device.token_hash == hash_of_random_token(token or "")
    )
    with autonomous() as connection:
        return connection.execute(found).scalar() is not None


def is_confirmed_device(*, device_id: int) -> bool:
    """Tell whether the patron has confirmed this device of theirs."""
    with autonomous() as connection:
        return connection.execute(select(Device.confirmed_at).where(Device.id == device_id)).scalar() is not None


def admit_device(*, patron_id: int, token: str, label: str, now: datetime, confirmed: bool = True) -> Device:
    """Return the patron's device with this token, made known if it is new.

    `confirmed`: no code is asked for here, or the one that was sent to the patron was entered on the device just now.
    """
    device = recognise_device(patron_id=patron_id, token=token)
    if device is None:
        device = Device(
            patron_id=patron_id,
            token_hash=hash_of_random_token(token),
            label=label,
            first_seen_at=now,
        )
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
    permission = (
        select(FamilyPermission.guardian_id, FamilyPermission.guardian_card_number)
        .where(FamilyPermission.patron_id == patron_id)
        .subquery()
    )
    since = func.min(case((Device.patron_id == patron_id, Device.first_seen_at), else_=Credential.issued_at))
    rows = db.session.execute(
        select(
            Device.id,
            Device.label,
            since,
            func.max(Credential.expires_at),
            permission.c.guardian_card_number,
        )
        .join(Credential, Credential.device_id == Device.id)
        .join(permission, permission.c.guardian_id == Device.patron_id, isouter=True)
        .where(Credential.patron_id == patron_id, Credential.revoked_at.is_(None), Credential.expires_at > now)
        .group_by(Device.id, Device.label, permission.c.guardian_card_number)
        .order_by(since.desc(), Device.id.desc())
    )
    return [ShownDevice(*row) for row in rows]
