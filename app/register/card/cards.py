"""The digital card: the right of one device to show it, and the code it shows."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, select, update

from app.register.keys.vault import vault
from app.register.messages.outbox import ask_for_message
from app.register.patron.card_status import set_lost, status_of
from app.register.patron.changes import RENUMBERED, Charge, note_change
from app.register.patron.numbers import check_reserved, draw_number, note_number
from app.register.patron.patrons import lock_patron
from app.register.patron.proven import addresses_for
from app.register.sign_in.devices import NoSuchDevice
from app.register.sign_in.sessions import end_sessions_on_device
from app.register.store.transaction import db, savepoint
from app.register.tables.devices import Credential, Device
from app.register.tables.patrons import FamilyPermission, Patron
from app.rules.card.code import KEY_BYTES, STEP_SECONDS, Kind, build, step_at, totp_at
from app.rules.errors import RuleBroken
from app.rules.messages import CARD_REPLACED

KEY_COLUMN = "credentials.sealed_key"
_SPARE_NUMBERS = 5
_FORMER_LASTS = timedelta(days=1)


class WasReplaced(RuleBroken):
    """The card has another number already: it was replaced a moment ago."""


class NumberTaken(Exception):
    """Another credential has the number that was drawn."""


@dataclass(frozen=True, slots=True)
class ShownCode:
    """A code and the time it is the right one to show, in UTC."""

    digits: str
    valid_from: datetime
    valid_until: datetime


def issue_card(*, patron_id: int, device_id: int, expires_at: datetime, now: datetime) -> Credential:
    """Let a device show the card until `expires_at`. A device that already may keeps its number and key."""
    credential = _live_credential(patron_id=patron_id, device_id=device_id, now=now)
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
    """Add a credential for a patron's card on a device, under a free number, with the key that `key_of` gives it."""
    # Numbers are random, so that none tells of another; the unique constraint finds the rare one that is taken.
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
        .where(
            Credential.device_id == device_id,
            Credential.patron_id == whose,
            Credential.key_on_phone.is_(False),
            Credential.revoked_at.is_(None),
            Credential.expires_at > now,
        )
    )


def show_codes(
    *, device_id: int | None, now: datetime, count: int = 1, patron_id: int | None = None
) -> list[ShownCode]:
    """Return the device's code at `now` and those that follow, `count` in all; none if it may not show the card.

    The card is that of the device's owner, or of the patron who is named.
    """
    if device_id is None:
        return []
    credential = _live_credential(patron_id=patron_id, device_id=device_id, now=now)
    if credential is None:
        return []
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
    statement = update(Credential).where(*which, Credential.revoked_at.is_(None)).values(revoked_at=now)
    db.session.execute(statement, execution_options={"synchronize_session": False})


def expire_in_a_day(*which: ColumnElement[bool], now: datetime) -> None:
    """Have the credentials that fit all these conditions last a day more at the most.

    What replaces them may be lost on its way: until it is sure to have arrived, the former one still works.
    """
    soon = now + _FORMER_LASTS
    statement = update(Credential).where(*which, Credential.expires_at > soon).values(expires_at=soon)
    db.session.execute(statement, execution_options={"synchronize_session": False})


def revoke_device(*, patron_id: int, device_id: int, now: datetime) -> None:
    """Take every card off a device and end its sessions, from this second on. Raises NoSuchDevice.

    Off a guardian's phone only the patron's own card is taken, and that guardian may no longer carry it.
    """
    device = db.session.scalar(select(Device).where(Device.id == device_id, Device.patron_id == patron_id))
    if device is None:
        _take_off_guardian(patron_id=patron_id, device_id=device_id, now=now)
        return
    # First the sessions, then the cards: whoever is just agreeing on a key holds the session meanwhile.
    end_sessions_on_device(device_id=device_id)
    revoke_credentials(Credential.device_id == device_id, now=now)
    # The browser still holds the token of a lost phone; it must not count as a device that the card knows.
    device.token_hash = secrets.token_hex(32)


def _take_off_guardian(*, patron_id: int, device_id: int, now: datetime) -> None:
    carried = select(Device.patron_id).join(Credential, Credential.device_id == Device.id)
    guardian_id = db.session.scalar(
        carried.where(Device.id == device_id, Credential.patron_id == patron_id, Credential.revoked_at.is_(None))
    )
    if guardian_id is None:
        raise NoSuchDevice
    db.session.execute(
        update(FamilyPermission)
        .where(FamilyPermission.patron_id == patron_id, FamilyPermission.guardian_id == guardian_id)
        .values(may_carry_card=False)
    )
    devices = select(Device.id).where(Device.patron_id == guardian_id)
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
    """Give the patron a new card number, which is returned; the old one is never issued again.

    Permissions and devices follow the patron; each library is told old and new number, so that its loans do too.
    `card_number` is on a card out of the library's own series; without it a number is drawn. With `replaces`, the
    number that is to be replaced, a repeated click gives no second one. The fee of a `charge` is booked by who tells
    the library of the number, and so once, and under that number. Raises WasReplaced, NotACardNumber,
    NumberNotReserved, NumberWasIssued, CardRefused or NoSuchPatron.
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
    set_lost(patron, False)
    note_change(patron=patron, kind=RENUMBERED, former_number=old, charge=charge, now=now)
    if any(addresses_for(patron, is_secret=False).values()):
        ask_for_message(patron_id=patron_id, kind=CARD_REPLACED, now=now)
    return new


def report_lost(*, patron_id: int, now: datetime) -> None:
    """Block the card: nothing accepts it, and nobody signs in with it, until the library gives a new one."""
    patron = lock_patron(patron_id)
    if not status_of(patron).lost:
        set_lost(patron, True)
        note_change(patron=patron, now=now)
    for device_id in db.session.scalars(select(Device.id).where(Device.patron_id == patron_id)).all():
        revoke_device(patron_id=patron_id, device_id=device_id, now=now)
    # A guardian's phone that carries the card has to ask for it anew.
    revoke_credentials(Credential.patron_id == patron_id, now=now)


def report_found(*, patron_id: int, now: datetime) -> None:
    """Let a lost card work again, under its number. The patron signs in anew. Nothing changes for any other card.

    Raises CardRefused or NoSuchPatron.
    """
    patron = _lock_living(patron_id)
    if status_of(patron).lost:
        set_lost(patron, False)
        note_change(patron=patron, now=now)


def _lock_living(patron_id: int) -> Patron:
    patron = lock_patron(patron_id)
    status_of(patron).check_holder_lives()
    return patron
