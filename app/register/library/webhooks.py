"""Where a library's system listens, if anywhere: what is new is then told to it, signed, and it need not ask."""

from datetime import datetime

from app.register.keys.vault import vault
from app.register.library.notices import WEBHOOK_KEY_COLUMN
from app.register.patron.libraries import NoSuchLibrary, check_library
from app.register.store.transaction import db
from app.register.tables.library import LibraryQueue


def listen_at(*, library_id: str, url: str, key: bytes, now: datetime) -> None:
    """Tell a library at `url` from now on, signed with `key`, all that it has not acknowledged, and what comes.

    An address and key of before are forgotten. Raises NoSuchLibrary.
    """
    check_library(library_id)
    queue = db.session.get(LibraryQueue, library_id, with_for_update=True)
    if queue is None:
        queue = LibraryQueue(library_id=library_id, last_seq=0, purged_seq=0, attempts=0)
        db.session.add(queue)
    queue.webhook_url = url
    queue.sealed_webhook_key = vault.seal(key, column=WEBHOOK_KEY_COLUMN)
    queue.due_at, queue.attempts, queue.last_fault = now, 0, None
    db.session.flush()


def stop_listening(*, library_id: str) -> None:
    """Tell a library nothing any more; it may still ask. Raises NoSuchLibrary where it listened nowhere."""
    queue = db.session.get(LibraryQueue, library_id, with_for_update=True)
    if queue is None or queue.webhook_url is None:
        raise NoSuchLibrary
    queue.webhook_url = queue.sealed_webhook_key = None
    db.session.flush()
