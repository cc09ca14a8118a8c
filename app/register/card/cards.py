"""The digital card: the right of one device to show it, and the code it shows."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, delete, select, update

from app.register.keys.vault import vault
from app.register.messages.outbox import ask_for_message
from app.register.messages.push import unsubscribe_device
from app.register.patron.card_status import set_lost, status_of
from app.register.patron.changes import RENUMBERED, Charge, note_change
from app.register.patron.numbers import check_reserved, draw_number, note_number
from app.register.patron.patrons import lock_patron
from app.register.patron.proven import addresses_for
from app.register.sign_in.devices import NoSuchDevice
from app.register.sign_in.passkeys import forget_passkeys
from app.register.sign_in.sessions import end_sessions_on_device
from app.register.store.transaction import db, execute_bulk, savepoint
from app.register.tables.devices import Credential, Device
from app.register.tables.patrons import FamilyPermission, Patron
from app.rules.card.code import KEY_BYTES, STEP_SECONDS, Kind, build, step_at, totp_at
from app.rules.errors import RuleBroken
from app.rules.messages import CARD_REPLACED

KEY_COLUMN = "credentials.sealed_key"
_SPARE_NUMBERS = 5
_FORMER_LASTS = timedelta(days=1)


class WasReplaced(RuleBroken):
    """The card has another number already, such as after a repeated click."""


class NumberTaken(Exception):
    """Another credential has the number that was drawn."""


@dataclass(frozen=True, slots=True)
class ShownCode:
    """A code and when to show it, in UTC."""

    digits: str
    valid_from: datetime
    valid_until: datetime


def issue_card(
    *, patron_id: int, device_id: int, expires_at: datetime, now: datetime, is_new: bool = False
) -> Credential:
    """Let a device show the card until `expires_at`; a device that may already keeps its number and key.

    `is_new`: the device was just added, and so shows none.
    """
    credential = None if is_new else _live_credential(patron_id=patron_id, device_id=device_id, now=now)
    if credential is not None:
        credential.expires_at = max(credential.expires_at, expires_at)
        return credential
    return add_credential(
        patron_id=patron_id, device_id=device_id, key_of=lambda _number: draw_key(), expires_at=expires_at, now=now
    )


def draw_key() -> bytes:
    """Return a new random key for a card's codes."""
    return secrets.token_bytes(KEY_BYTES)


def add_credential(
    *,
    patron_id: int,
    device_id: int,
    key_of: Callable[[str], bytes],
    expires_at: datetime,
    now: datetime,
    key_on_phone: bool = False,
    kind: Kind = Kind.ROTATING,
) -> Credential:
    """Add a credential of a patron to a device, under a free number, with the key that `key_of` returns for that."""
    # Numbers are random, so that none can be derived from another; a taken one violates the unique constraint.
    for spare in reversed(range(_SPARE_NUMBERS)):
        number = f"{secrets.randbelow(10**12):012d}"
        credential = Credential(
            number=number,
            patron_id=patron_id,
            device_id=device_id,
            kind=kind.value,
            sealed_key=vault.seal(key_of(number), column=KEY_COLUMN),
            key_on_phone=key_on_phone,
            issued_at=now,
            expires_at=expires_at,
            last_step=0,
            drift=0,
            failures=0,
        )
        try:
            with savepoint({"uq_credentials_number": NumberTaken}):
                db.session.add(credential)
        except NumberTaken:
            if not spare:
                raise
        else:
            break
    return credential


def _live_credential(*, patron_id: int | None, device_id: int, now: datetime) -> Credential | None:
    whose = Device.patron_id if patron_id is None else patron_id
    return db.session.scalar(
        select(Credential)
        .join(Device, Device.id == Credential.device_id)
        .where(Credential.patron_id == whose, *_is_live(device_id=device_id, now=now))
    )


def _is_live(*, device_id: int | None, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        Credential.device_id == device_id,
        Credential.key_on_phone.is_(False),
        Credential.revoked_at.is_(None),
        Credential.expires_at > now,
    )


def show_codes(
    *, device_id: int | None, now: datetime, count: int = 1, patron_id: int | None = None
) -> list[ShownCode]:
    """Return the device's code at `now` and the following ones, `count` in all; none if it may not show the card.

    `patron_id` is whose card; None: the owner's of the device.
    """
    credential = device_id and _live_credential(patron_id=patron_id, device_id=device_id, now=now)
    return _codes_of(credential, now=now, count=count) if credential else []


def show_all_codes(*, device_id: int | None, now: datetime, count: int = 1) -> Mapping[int, list[ShownCode]]:
    """Return what `show_codes` does for each card that the device may show, by the id of the patron whose it is."""
    credentials = db.session.scalars(select(Credential).where(*_is_live(device_id=device_id, now=now)))
    return {one.patron_id: _codes_of(one, now=now, count=count) for one in credentials}


def _codes_of(credential: Credential, *, now: datetime, count: int) -> list[ShownCode]:
    key = vault.open(credential.sealed_key, column=KEY_COLUMN)
    return [
        ShownCode(
            digits=build(kind=Kind.ROTATING, credential=credential.number, totp=totp_at(key=key, step=step)),
            valid_from=datetime.fromtimestamp(step * STEP_SECONDS, UTC),
            valid_until=datetime.fromtimestamp((step + 1) * STEP_SECONDS, UTC),
        )
        for step in range(step_at(now), step_at(now) + count)
    ]


def revoke_credentials(*which: ColumnElement[bool], now: datetime) -> None:
    """Revoke the credentials that fit all these conditions, from this second on."""
    execute_bulk(update(Credential).where(*which, Credential.revoked_at.is_(None)).values(revoked_at=now))


def expire_in_a_day(*which: ColumnElement[bool], now: datetime) -> None:
    """Let the credentials that fit all these conditions work for a day more at most: their replacement may be lost."""
    soon = now + _FORMER_LASTS
    execute_bulk(update(Credential).where(*which, Credential.expires_at > soon).values(expires_at=soon))


def revoke_device(*, patron_id: int, device_id: int, now: datetime) -> None:
    """Revoke every card on a device and end its sessions, from this second on. Raises NoSuchDevice.

    On a guardian's phone only the patron's own card is revoked, and the permission to show it.
    """
    device = db.session.scalar(select(Device).where(Device.id == device_id, Device.patron_id == patron_id))
    if device is None:
        _revoke_at_guardian(patron_id=patron_id, device_id=device_id, now=now)
        return
    # Sessions before cards: an agreement on a new key has locked its session.
    end_sessions_on_device(device_id=device_id)
    revoke_credentials(Credential.device_id == device_id, now=now)
    unsubscribe_device(device_id=device_id)
    # The token in a lost phone's browser must not count as a device of the patron.
    device.token_hash = secrets.token_hex(32)


def _revoke_at_guardian(*, patron_id: int, device_id: int, now: datetime) -> None:
    guardian = select(Device.patron_id).join(Credential, Credential.device_id == Device.id)
    guardian_id = db.session.scalar(
        guardian.where(Device.id == device_id, Credential.patron_id == patron_id, Credential.revoked_at.is_(None))
    )
    if guardian_id is None:
        raise NoSuchDevice
    given = (FamilyPermission.patron_id == patron_id) & (FamilyPermission.guardian_id == guardian_id)
    db.session.execute(update(FamilyPermission).where(given).values(may_carry_card=False))
    stop_carrying(patron_id=patron_id, guardian_id=guardian_id, now=now)


def stop_carrying(*, patron_id: int, guardian_id: int | None, now: datetime) -> None:
    """Revoke a patron's card on every device of a guardian, from this second on."""
    devices = select(Device.id).where(Device.patron_id == guardian_id, Device.patron_id != patron_id)
    revoke_credentials(Credential.patron_id == patron_id, Credential.device_id.in_(devices), now=now)


def replace_card(
    *,
    patron_id: int,
    now: datetime,
    replaces: str | None = None,
    library_id: str | None = None,
    card_number: str | None = None,
    charge: Charge | None = None,
) -> str:
    """Give the patron a new card number, and return it; the old one is never issued again.

    Permissions and devices stay; each library is notified of both numbers, so that it keeps the patron's loans.
    `card_number` is one that the library reserved; without it a number is drawn. `replaces` is the number to be
    replaced, which makes it idempotent. A `charge` is sent with the notice, so that the library books it once. Raises
    WasReplaced, NotACardNumber, NumberNotReserved, NumberWasIssued, CardRefused or NoSuchPatron.
    """
    patron = _lock_living(patron_id)
    if replaces not in (None, patron.card_number):
        raise WasReplaced
    if card_number is not None and library_id is not None:
        new = note_number(check_reserved(library_id=library_id, card_number=card_number))
    else:
        new = draw_number()
    old = patron.card_number
    patron.card_number = new
    db.session.flush()
    show_guardians_number(guardian_id=patron_id)
    set_lost(patron, False)
    note_change(patron=patron, kind=RENUMBERED, former_number=old, charge=charge, now=now)
    if any(addresses_for(patron, is_secret=False).values()):
        ask_for_message(patron_id=patron_id, kind=CARD_REPLACED, now=now)
    return new


def show_guardians_number(*, guardian_id: int) -> None:
    """Show a guardian's number, as it is now, to children whose permission the guardian has switched on.

    One that is not switched on keeps the number that was entered: it may be a stranger's, and tells nothing of them.
    """
    number = select(Patron.card_number).where(Patron.id == guardian_id).scalar_subquery()
    on = FamilyPermission.switched_on_at.is_not(None) & (FamilyPermission.guardian_id == guardian_id)
    children = select(FamilyPermission.patron_id).where(on).scalar_subquery()
    # Somebody may have entered the number before it was anybody's.
    guessed = (FamilyPermission.guardian_card_number == number) & FamilyPermission.guardian_id.is_(None)
    execute_bulk(delete(FamilyPermission).where(guessed, FamilyPermission.patron_id.in_(children)))
    execute_bulk(update(FamilyPermission).where(on).values(guardian_card_number=number))


def report_lost(*, patron_id: int, now: datetime) -> None:
    """Block the card: it is refused everywhere, and for signing in, until it is replaced or found."""
    patron = lock_patron(patron_id)
    if not status_of(patron).lost:
        set_lost(patron, True)
        note_change(patron=patron, now=now)
    for device_id in db.session.scalars(select(Device.id).where(Device.patron_id == patron_id)).all():
        revoke_device(patron_id=patron_id, device_id=device_id, now=now)
    # Whoever has the phone may know its screen lock.
    forget_passkeys(patron_id=patron_id)
    # Also on guardians' phones.
    revoke_credentials(Credential.patron_id == patron_id, now=now)


def report_found(*, patron_id: int, now: datetime) -> None:
    """Let a lost card work again, with its number; the patron signs in again. Raises CardRefused or NoSuchPatron."""
    patron = _lock_living(patron_id)
    if status_of(patron).lost:
        set_lost(patron, False)
        note_change(patron=patron, now=now)


def _lock_living(patron_id: int) -> Patron:
    patron = lock_patron(patron_id)
    status_of(patron).check_holder_lives()
    return patron
