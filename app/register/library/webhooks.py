"""A library's webhook: notices are sent to it, signed, so that the library's system need not fetch them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from app.register.keys.vault import vault
from app.register.library.notices import WEBHOOK_KEY_COLUMN
from app.register.patron.libraries import NoSuchLibrary, check_library
from app.register.store.transaction import autonomous, db
from app.register.tables.library import LibraryQueue


def listen_at(*, library_id: str, url: str, key: bytes, now: datetime, is_public: bool = False) -> None:
    """Send a library's unconfirmed and later notices to `url` alone, signed with `key`.

    `is_public`: the library set it itself, and it may lead to public addresses alone. Raises NoSuchLibrary.
    """
    check_library(library_id)
    queue = db.session.get(LibraryQueue, library_id, with_for_update=True)
    if queue is None:
        queue = LibraryQueue(library_id=library_id, last_seq=0, purged_seq=0, attempts=0)
        db.session.add(queue)
    queue.webhook_url, queue.webhook_is_public = url, is_public
    queue.sealed_webhook_key = vault.seal(key, column=WEBHOOK_KEY_COLUMN)
    queue.due_at, queue.attempts, queue.last_fault = now, 0, None
    # What arrived elsewhere says nothing of this address.
    queue.last_delivered_at = None


def stop_listening(*, library_id: str) -> None:
    """Remove a library's webhook; it may still fetch its notices. Raises NoSuchLibrary where there was none."""
    queue = db.session.get(LibraryQueue, library_id, with_for_update=True)
    if queue is None or queue.webhook_url is None:
        raise NoSuchLibrary
    queue.webhook_url = queue.sealed_webhook_key = None


@dataclass(frozen=True, slots=True)
class WebhookKey:
    """What a webhook is called with. `is_public`: at public addresses alone."""

    url: str
    key: bytes
    is_public: bool


def get_webhook_key(*, library_id: str) -> WebhookKey:
    """Return what a library's webhook is called with. Raises NoSuchLibrary where there is none."""
    columns = (LibraryQueue.webhook_url, LibraryQueue.sealed_webhook_key, LibraryQueue.webhook_is_public)
    with autonomous() as connection:
        row = connection.execute(select(*columns).where(LibraryQueue.library_id == library_id)).first()
    if row is None or row[0] is None or row[1] is None:
        raise NoSuchLibrary
    return WebhookKey(row[0], vault.open(row[1], column=WEBHOOK_KEY_COLUMN), row[2])


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where a library's system is notified, the last delivery that arrived (UTC), and why the one after it did not."""

    library_id: str
    url: str
    last_delivered_at: datetime | None
    last_fault: str | None


def list_webhooks(*, library_id: str | None = None) -> list[Webhook]:
    """Return all webhooks by library, or that of one library."""
    columns = (
        LibraryQueue.library_id,
        LibraryQueue.webhook_url,
        LibraryQueue.last_delivered_at,
        LibraryQueue.last_fault,
    )
    query = select(*columns).where(LibraryQueue.webhook_url.is_not(None)).order_by(LibraryQueue.library_id)
    with autonomous() as connection:
        rows = connection.execute(
            query.where(LibraryQueue.library_id == library_id) if library_id is not None else query
        )
        return [Webhook(each[0], str(each[1]), each[2], each[3]) for each in rows.all()]
