"""Browsers that show a patron's notifications, and the notifications on their way there.

A notification is kept encrypted for its browser, so that nobody reads here what it says, and no longer than it takes to
send it (docs/adr/0034).
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select, update

from app.register.keys.vault import SecretNotOpened, hash_of_random_token, vault
from app.register.store.transaction import db, execute_bulk, writing
from app.register.tables.devices import Device
from app.register.tables.reminders import PushMessage, PushSubscription
from app.rules.errors import RuleBroken

SEALED_ADDRESS_COLUMN: Final = "push_subscriptions.sealed_address"
KEPT_FOR: Final = timedelta(hours=24)
"""So long a notification waits for quiet hours and for its push service."""
_LEASE: Final = timedelta(minutes=1)
_LONGEST_PAUSE: Final = timedelta(hours=1)


class NoSuchSubscription(RuleBroken):
    """The patron gets no notifications there (any more)."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A browser's address at its push service, the keys to encrypt for it (RFC 8291): a point of P-256, uncompressed,
    and a secret of 16 bytes; and the code of the language that its notifications are in, empty if none was chosen."""

    endpoint: str
    p256dh: bytes
    auth: bytes
    language: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """A browser of the patron's that shows notifications, since when (UTC)."""

    id: int
    device_id: int
    label: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class DuePush:
    """A notification that is to be sent: its encrypted body, and to which address."""

    id: int
    endpoint: str
    body: bytes


def subscribe(*, patron_id: int, device_id: int, subscription: Subscription, now: datetime) -> None:
    """Show a patron's notifications in a browser; whoever had them there before has them no more."""
    address_hash = hash_of_random_token(subscription.endpoint)
    there = (PushSubscription.address_hash == address_hash) | (PushSubscription.device_id == device_id)
    execute_bulk(delete(PushSubscription).where(there))
    db.session.add(
        PushSubscription(
            patron_id=patron_id,
            device_id=device_id,
            address_hash=address_hash,
            sealed_address=_seal(subscription),
            made_at=now,
        )
    )


def renew_subscription(*, patron_id: int, device_id: int, subscription: Subscription) -> None:
    """Store where a browser is reached now that its push service has given it another address. Without a language it
    keeps the one that it had. Raises NoSuchSubscription where the patron's notifications are off there."""
    row = db.session.scalar(select(PushSubscription).where(PushSubscription.device_id == device_id))
    if row is None or row.patron_id != patron_id:
        raise NoSuchSubscription
    language = subscription.language or _open(row.sealed_address).language
    row.address_hash = hash_of_random_token(subscription.endpoint)
    row.sealed_address = _seal(replace(subscription, language=language))


def speak_to_browsers(*, patron_id: int, language: str) -> None:
    """Have all of a patron's notifications in another language."""
    rows = db.session.scalars(select(PushSubscription).where(PushSubscription.patron_id == patron_id))
    for row in rows:
        row.sealed_address = _seal(replace(_open(row.sealed_address), language=language))


def unsubscribe(*, patron_id: int, subscription_id: int) -> str:
    """Show no more notifications of a patron in a browser; return what it is called. Raises NoSuchSubscription."""
    shown = next((one for one in list_subscriptions(patron_id=patron_id) if one.id == subscription_id), None)
    if shown is None:
        raise NoSuchSubscription
    execute_bulk(delete(PushSubscription).where(PushSubscription.id == subscription_id))
    return shown.label


def unsubscribe_device(*, device_id: int) -> None:
    """Show no more notifications on a device."""
    execute_bulk(delete(PushSubscription).where(PushSubscription.device_id == device_id))


def list_subscriptions(*, patron_id: int) -> Sequence[Shown]:
    """Return where a patron's notifications are shown, newest first."""
    rows = db.session.execute(
        select(PushSubscription.id, PushSubscription.device_id, Device.label, PushSubscription.made_at)
        .join(Device, Device.id == PushSubscription.device_id)
        .where(PushSubscription.patron_id == patron_id)
        .order_by(PushSubscription.id.desc())
    )
    return [Shown(*row) for row in rows]


def read_subscriptions(*, patron_id: int) -> dict[int, Subscription]:
    """Return where a patron's notifications are shown, by id. Raises SecretNotOpened."""
    rows = db.session.execute(
        select(PushSubscription.id, PushSubscription.sealed_address).where(PushSubscription.patron_id == patron_id)
    )
    return {row.id: _open(row.sealed_address) for row in rows}


def _seal(subscription: Subscription) -> bytes:
    keys = {"p256dh": b64encode(subscription.p256dh).decode(), "auth": b64encode(subscription.auth).decode()}
    address = {"endpoint": subscription.endpoint, **keys, "language": subscription.language}
    return vault.seal(json.dumps(address).encode(), column=SEALED_ADDRESS_COLUMN)


def _open(sealed: bytes) -> Subscription:
    known = json.loads(vault.open(sealed, column=SEALED_ADDRESS_COLUMN))
    keys = b64decode(known["p256dh"]), b64decode(known["auth"])
    return Subscription(known["endpoint"], *keys, known.get("language", ""))


def ask_for_push(*, subscription_id: int, body: bytes, due_at: datetime, now: datetime) -> None:
    """Queue a notification that is encrypted for its browser."""
    db.session.add(PushMessage(subscription_id=subscription_id, body=body, asked_at=now, due_at=due_at, attempts=0))


def take_due_push(*, now: datetime) -> DuePush | None:
    """Lease the notification that is due longest, for a minute; None where none is. What is too old is deleted.

    One whose address cannot be opened, since its key is missing, delays no other.
    """
    while (leased := _lease(now=now)) is not None:
        with suppress(SecretNotOpened):
            push_id, sealed, body = leased
            return DuePush(push_id, _open(sealed).endpoint, body)
    return None


@writing()
def _lease(*, now: datetime) -> tuple[int, bytes, bytes] | None:
    execute_bulk(delete(PushMessage).where(PushMessage.asked_at <= now - KEPT_FOR, PushMessage.due_at <= now))
    first = select(PushMessage.id).where(PushMessage.due_at <= now).order_by(PushMessage.due_at, PushMessage.id)
    taken = db.session.execute(
        update(PushMessage)
        .where(PushMessage.id == first.limit(1).with_for_update(skip_locked=True).scalar_subquery())
        .values(due_at=now + _LEASE, attempts=PushMessage.attempts + 1)
        .returning(PushMessage.id, PushMessage.subscription_id, PushMessage.body)
        .execution_options(synchronize_session=False)
    ).first()
    if taken is None:
        return None
    where = select(PushSubscription.sealed_address).where(PushSubscription.id == taken.subscription_id)
    return taken.id, db.session.scalars(where).one(), taken.body


@writing()
def forget_push(*, push_id: int) -> None:
    """Delete a notification: the push service has it, or refuses it."""
    execute_bulk(delete(PushMessage).where(PushMessage.id == push_id))


@writing()
def forget_browser(*, push_id: int) -> None:
    """Delete the browser to which a notification was to go: its push service does not know it any more."""
    gone = select(PushMessage.subscription_id).where(PushMessage.id == push_id).scalar_subquery()
    execute_bulk(delete(PushSubscription).where(PushSubscription.id == gone))


@writing()
def try_push_later(*, push_id: int, asked: timedelta | None, now: datetime) -> None:
    """Send a notification later: after as long as the push service `asked`, or a pause that doubles up to an hour."""
    attempts = db.session.scalar(select(PushMessage.attempts).where(PushMessage.id == push_id)) or 0
    pause = min(_LONGEST_PAUSE, asked or timedelta(minutes=1) * 2 ** min(attempts, 10))
    execute_bulk(update(PushMessage).where(PushMessage.id == push_id).values(due_at=now + pause))
