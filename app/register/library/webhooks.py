"""A library's webhook: notices are sent to it, signed, so that the library's system need not fetch them."""

from datetime import datetime

from app.register.keys.vault import vault
from app.register.library.notices import WEBHOOK_KEY_COLUMN
from app.register.patron.libraries import NoSuchLibrary, check_library
from app.register.store.transaction import db
from app.register.tables.library import LibraryQueue


def listen_at(*, library_id: str, url: str, key: bytes, now: datetime) -> None:
    """Send a library's unconfirmed and later notices to `url` alone, signed with `key`. Raises NoSuchLibrary."""
    check_library(library_id)
    queue = db.session.get(LibraryQueue, library_id, with_for_update=True)
    if queue is None:
        queue = LibraryQueue(library_id=library_id, last_seq=0, purged_seq=0, attempts=0)
        db.session.add(queue)
    queue.webhook_url = url
    queue.sealed_webhook_key = vault.seal(key, column=WEBHOOK_KEY_COLUMN)
    queue.due_at, queue.attempts, queue.last_fault = now, 0, None


def stop_listening(*, library_id: str) -> None:
    """Remove a library's webhook; it may still fetch its notices. Raises NoSuchLibrary where there was none."""
    queue = db.session.get(LibraryQueue, library_id, with_for_update=True)
    if queue is None or queue.webhook_url is None:
        raise NoSuchLibrary
    queue.webhook_url = queue.sealed_webhook_key = None
