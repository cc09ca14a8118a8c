"""Keys that a phone stores, so that it shows the card without a network.

Phone and register agree on each key by ECDH on P-256 and HKDF-SHA-256 (RFC 5869), bound to both public keys and the
credential's number. The key itself is never sent: docs/adr/0012.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import func, select

from app.register.card.cards import add_credential, expire_in_a_day, revoke_credentials
from app.register.card.carrying import list_carried
from app.register.limits.budgets import take_tries
from app.register.messages.push import unsubscribe_device
from app.register.patron.card_status import status_of
from app.register.patron.patrons import lock_patron
from app.register.sign_in.devices import APPLE_WALLET, GOOGLE_WALLET
from app.register.sign_in.sessions import lock_session
from app.register.store.transaction import db, writing
from app.register.tables.devices import Credential, Device
from app.register.tables.patrons import Session
from app.rules.card.code import KEY_BYTES, Kind, build, totp_at
from app.rules.errors import RuleBroken
from app.rules.pins.pin import Budget

LASTS = timedelta(days=90)
RENEWED_AFTER = timedelta(days=30)
PUBLIC_KEY_BYTES = 65
_INFO = b"lanekort card key 1 "
_AGREEMENTS = Budget("card keys", limit=100, seconds=24 * 3600)


class NotAPublicKey(RuleBroken):
    """The key is no uncompressed point of P-256."""


class NoSuchCard(RuleBroken):
    """The device's owner may not carry this card (any more), or it is frozen."""


@dataclass(frozen=True, slots=True)
class AgreedKey:
    """What the phone derives the same key from. `check` is the code of step 0, which is never accepted."""

    head: str
    public_key: bytes
    check: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class PhoneKey:
    """A key that a phone may store. `head` is the 16 digits before each one-time code. `expires_at` is UTC."""

    patron_id: int
    head: str
    renew: bool
    expires_at: datetime


def agree_on_key(
    *,
    owner_id: int,
    device_id: int,
    session_id: int,
    permission_id: int | None,
    public_key: bytes,
    former: str | None,
    now: datetime,
) -> AgreedKey:
    """Give a device a key for its owner's card, or for one that a permission lets the owner carry, for 90 days.

    The device's earlier keys for that card are revoked; the one whose head is `former`, which the phone still uses,
    after a day. `session_id` is the session that asks. Raises NotAPublicKey, NoSuchCard, also where that session has
    just ended, or TooManyAttempts.
    """
    phones = _read_public_key(public_key)
    take_tries(tries=[(_AGREEMENTS, str(device_id))], now=now)
    ours = ec.generate_private_key(ec.SECP256R1())
    our_public_key = ours.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    shared = ours.exchange(ec.ECDH(), phones)

    def key_of(number: str) -> bytes:
        return derive_key(shared, public_keys=public_key + our_public_key, number=number)

    with writing():
        patron_id = _check_own(owner_id) if permission_id is None else _carried_by(owner_id, permission_id)
        # A log-out or loss report that is going on waits, and then revokes this key too; or it came first.
        if not lock_session(session_id=session_id):
            raise NoSuchCard
        _revoke_former(patron_id=patron_id, device_id=device_id, former=former, now=now)
        credential = add_credential(
            patron_id=patron_id, device_id=device_id, key_of=key_of, expires_at=now + LASTS, now=now, key_on_phone=True
        )
        return AgreedKey(
            head=_head(credential.number),
            public_key=our_public_key,
            check=totp_at(key=key_of(credential.number), step=0),
            expires_at=credential.expires_at,
        )


def derive_key(shared: bytes, *, public_keys: bytes, number: str) -> bytes:
    """Return the 20 bytes of a card's key. `public_keys`: the phone's, then ours, each uncompressed."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=public_keys, info=_INFO + number.encode()).derive(shared)


def list_phone_keys(*, device_id: int, now: datetime) -> Sequence[PhoneKey]:
    """Return the keys that this device may store, of its owner's card and of carried ones, newest first."""
    rows = db.session.execute(
        select(Credential.patron_id, Credential.number, Credential.issued_at, Credential.expires_at)
        .where(
            Credential.device_id == device_id,
            Credential.key_on_phone.is_(True),
            Credential.revoked_at.is_(None),
            Credential.expires_at > now,
        )
        .order_by(Credential.id.desc())
    )
    return [
        PhoneKey(row.patron_id, _head(row.number), row.issued_at + RENEWED_AFTER <= now, row.expires_at) for row in rows
    ]


def end_phone_keys(*, device_id: int, now: datetime) -> None:
    """Revoke a device's stored keys and other patrons' cards on it, and its notifications, at signing out."""
    owner = select(Device.patron_id).where(Device.id == device_id).scalar_subquery()
    revoke_credentials(
        Credential.device_id == device_id, Credential.key_on_phone.is_(True) | (Credential.patron_id != owner), now=now
    )
    unsubscribe_device(device_id=device_id)


def end_phone_keys_elsewhere(*, patron_id: int, session_id: int | None, now: datetime) -> None:
    """Do so on every device of a patron, but not on that of the session `session_id`, and not in wallets."""
    here = select(Session.device_id).where(Session.id == session_id).scalar_subquery()
    browsers = Device.label.not_in((GOOGLE_WALLET, APPLE_WALLET))
    others = select(Device.id).where(Device.patron_id == patron_id, browsers, Device.id != func.coalesce(here, 0))
    for device_id in db.session.scalars(others).all():
        end_phone_keys(device_id=device_id, now=now)


def _check_own(owner_id: int) -> int:
    # Freezing waits for this lock, and then revokes this key too; or it came first.
    if status_of(lock_patron(owner_id)).frozen:
        raise NoSuchCard
    return owner_id


def _carried_by(guardian_id: int, permission_id: int) -> int:
    for carried in list_carried(guardian_id=guardian_id, lock=True):
        if carried.permission_id == permission_id:
            return carried.patron_id
    raise NoSuchCard


def _revoke_former(*, patron_id: int, device_id: int, former: str | None, now: datetime) -> None:
    theirs = (Credential.patron_id == patron_id, Credential.device_id == device_id, Credential.key_on_phone.is_(True))
    number = former[3:15] if former else ""
    revoke_credentials(*theirs, Credential.number != number, now=now)
    expire_in_a_day(*theirs, Credential.number == number, now=now)


def _read_public_key(raw: bytes) -> ec.EllipticCurvePublicKey:
    try:
        if len(raw) != PUBLIC_KEY_BYTES:
            raise NotAPublicKey
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)
    except ValueError:
        raise NotAPublicKey from None


def _head(number: str) -> str:
    return build(kind=Kind.ROTATING, credential=number)
