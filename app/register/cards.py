"""The digital card: the right of one device to show it, and the code it shows."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from app.register.changes import RENUMBERED, note_change
from app.register.devices import NoSuchDevice
from app.register.numbers import check_reserved, draw_number, note_number
from app.register.outbox import CARD_REPLACED, ask_for_message
from app.register.patrons import lock_patron
from app.register.sessions import end_sessions_on_device
from app.register.tables import Credential, Device, Patron
from app.register.transaction import db
from app.register.vault import vault
from app.rules.card_code import KEY_BYTES, STEP_SECONDS, Kind, build, step_at, totp_at
from app.rules.errors import RuleBroken

KEY_COLUMN = "credentials.sealed_key"
_SPARE_NUMBERS = 5


class WasReplaced(RuleBroken):
    """The card has another number already: it was replaced a moment ago."""

    code = "was-replaced"


@dataclass(frozen=True, slots=True)
class ShownCode:
    """A code and the time it is the right one to show, in UTC."""

    digits: str
    valid_from: datetime
    valid_until: datetime


class ReportedDead(RuleBroken):
    """The card's holder is reported dead. The library that said so may take it back."""

    code = "reported-dead"


def issue_card(*, patron_id: int, device_id: int, expires_at: datetime, now: datetime) -> Credential:
    """Let a device show the card until `expires_at`. A device that already may keeps its number and key."""
    credential = _live_credential(device_id=device_id, now=now)
    if credential is not None:
        credential.expires_at = max(credential.expires_at, expires_at)
        return credential
    credential = Credential(
        patron_id=patron_id,
        device_id=device_id,
        kind=Kind.ROTATING.value,
        sealed_key=vault.seal(secrets.token_bytes(KEY_BYTES), column=KEY_COLUMN),
        issued_at=now,
        expires_at=expires_at,
        last_step=0,
        drift=0,
        failures=0,
    )
    _give_free_number(credential)
    return credential


def _give_free_number(credential: Credential) -> None:
    # Numbers are random, so that none tells of another; the unique constraint finds the rare one that is taken.
    for spare in reversed(range(_SPARE_NUMBERS)):
        credential.number = f"{secrets.randbelow(10**12):012d}"
        try:
            with db.session.begin_nested():
                db.session.add(credential)
            return
        except IntegrityError:
            if not spare:
                raise


def _live_credential(*, device_id: int, now: datetime) -> Credential | None:
    return db.session.scalar(
        select(Credential).where(
            Credential.device_id == device_id,
            Credential.revoked_at.is_(None),
            Credential.expires_at > now,
        )
    )


def show_codes(*, device_id: int | None, now: datetime, count: int = 1) -> list[ShownCode]:
    """Return the device's code at `now` and those that follow, `count` in all; none if it may not show the card."""
    credential = _live_credential(device_id=device_id, now=now) if device_id is not None else None
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


def revoke_device(*, patron_id: int, device_id: int, now: datetime) -> None:
    """Take the card off a device and end its sessions, from this second on. Raises NoSuchDevice."""
    device = db.session.scalar(select(Device).where(Device.id == device_id, Device.patron_id == patron_id))
    if device is None:
        raise NoSuchDevice
    db.session.execute(
        update(Credential)
        .where(Credential.device_id == device_id, Credential.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    end_sessions_on_device(device_id=device_id)
    # The browser still holds the token of a lost phone; it must not count as a device that the card knows.
    device.token_hash = secrets.token_hex(32)


def replace_card(
    *,
    patron_id: int,
    now: datetime,
    replaces: str | None = None,
    library_id: str | None = None,
    card_number: str | None = None,
) -> str:
    """Give the patron a new card number, which is returned; the old one is never issued again.

    Permissions and devices follow the patron; each library is told old and new number, so that its loans do too.
    `card_number` is on a card out of the library's own series; without it a number is drawn. With `replaces`, the
    number that is to be replaced, a repeated click gives no second one. Raises WasReplaced, NotACardNumber,
    NumberNotReserved, NumberWasIssued, ReportedDead or NoSuchPatron.
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
    if patron.card_state == "lost":
        patron.card_state = "active"
    note_change(patron=patron, kind=RENUMBERED, former_number=old, now=now)
    if patron.email or patron.phone or patron.address:
        ask_for_message(patron_id=patron_id, kind=CARD_REPLACED, now=now)
    return new


def report_lost(*, patron_id: int, now: datetime) -> None:
    """Block the card: nothing accepts it, and nobody signs in with it, until the library gives a new one."""
    patron = lock_patron(patron_id)
    if patron.card_state == "active":
        patron.card_state = "lost"
        note_change(patron=patron, now=now)
    for device_id in db.session.scalars(select(Device.id).where(Device.patron_id == patron_id)).all():
        revoke_device(patron_id=patron_id, device_id=device_id, now=now)


def report_found(*, patron_id: int, now: datetime) -> None:
    """Let a lost card work again, under its number. The patron signs in anew. Nothing changes for any other card.

    Raises ReportedDead or NoSuchPatron.
    """
    patron = _lock_living(patron_id)
    if patron.card_state == "lost":
        patron.card_state = "active"
        note_change(patron=patron, now=now)


def _lock_living(patron_id: int) -> Patron:
    patron = lock_patron(patron_id)
    if patron.erase_reason == "death":
        raise ReportedDead
    return patron
