"""Reminders, as patrons choose them and browsers show them."""

from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.messages.push import PushPost
from app.register.messages.calendar_addresses import make_address
from app.register.messages.push import Subscription, ask_for_push, list_subscriptions, subscribe
from app.register.messages.reminders import choose_reminders
from app.register.sign_in.devices import admit_device
from app.register.store.transaction import db, writing
from app.register.tables.devices import Device
from app.register.tables.patrons import Patron
from app.rules.people.reminders import Choices
from tests.doors.visits import submit
from tests.push_service import PushService

PAGE = "/my/reminders"
BY_PUSH = {"due": "push", "overdue": "push", "ready": "push", "permission": "push", "days_before": "3"}
BY_EMAIL = {"due": "email", "overdue": "email", "ready": "email", "permission": "email", "days_before": "3"}
NIGHT = {"quiet": "y", "quiet_from": "21", "quiet_to": "8"}
NO_HOURS = {"quiet_from": "21", "quiet_to": "8"}


def _text(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")


@dataclass
class Browser:
    """A browser's end of Web Push: keys of its own, and an address at a push service."""

    endpoint: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    auth: bytes = b"sixteen bytes of"

    def fields(self) -> dict[str, str]:
        """Return what its page sends in (PushSubscription.toJSON)."""
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return {"endpoint": self.endpoint, "p256dh": _text(point), "auth": _text(self.auth)}

    def read(self, body: bytes) -> bytes:
        """Decrypt a notification, by a library that the portal does not use."""
        read: bytes = http_ece.decrypt(body, private_key=self.key, auth_secret=self.auth, version="aes128gcm")
        return read


def choose(client: FlaskClient, **chosen: str) -> TestResponse:
    return submit(client, PAGE, **(BY_EMAIL | NO_HOURS | chosen))


def switch_on(client: FlaskClient, browser: Browser) -> TestResponse:
    return submit(client, f"{PAGE}/notifications", page=PAGE, **browser.fields())


def post_to(service: PushService, folder: Path, *, key: bytes = b"\x01" * 32) -> PushPost:
    """Return a sender that trusts this push service, which is on this machine."""
    return PushPost(key, contact="mailto:it@example.org", admits=lambda _address: True, tls=service.trusted_by(folder))


def get_notifications(card_number: str, *, now: datetime) -> None:
    """Have somebody get every reminder as a notification."""
    browser = Browser("https://push.example.org/a")
    point = browser.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    with writing():
        patron_id = db.session.scalars(select(Patron.id).where(Patron.card_number == card_number)).one()
        device = admit_device(patron_id=patron_id, token="a" * 43, label="Chrome, Android", now=now)
        kept = Subscription(browser.endpoint, point, browser.auth)
        subscribe(patron_id=patron_id, device_id=device.id, subscription=kept, now=now)
        choices = Choices(due="push", ready="push", overdue="push", permission="push", days_before=3)
        choose_reminders(patron_id=patron_id, choices=choices, now=now)


def remind_in_every_way(*, patron_id: int, now: datetime) -> None:
    """Put a row into each table about reminders, in the open transaction."""
    choices = Choices(due="push", ready="sms", overdue="email", permission="none", days_before=3)
    choose_reminders(patron_id=patron_id, choices=choices, now=now)
    device_id = db.session.scalars(select(Device.id).where(Device.patron_id == patron_id).limit(1)).one()
    browser = Subscription("https://push.example.org/a", b"p" * 65, b"a" * 16)
    subscribe(patron_id=patron_id, device_id=device_id, subscription=browser, now=now)
    (shown,) = list_subscriptions(patron_id=patron_id)
    ask_for_push(subscription_id=shown.id, body=b"for one browser", due_at=now, now=now)
    make_address(patron_id=patron_id, now=now)
