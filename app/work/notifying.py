"""Delivering notices to libraries' systems, in parallel, so that one that does not answer delays no other."""

import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import BoundedSemaphore
from typing import Self

import structlog
from flask import Flask

from app.ils.circulation.system import CirculationSystem
from app.ils.port import Refused, Unavailable
from app.ils.webhook import send_notice
from app.register.library import notices as queues
from app.register.messages.reminders import for_libraries, read_choices
from app.register.patron.changes import CHANGED, ERASED, JOINED, LEFT, RENUMBERED
from app.register.store.transaction import reading
from app.rules.circuit import pause_after
from app.web.clock import now
from app.web.gate import library_systems
from app.work.calling import webhook_client

_THREADS = 8
_BATCH = 100
# Within a queue's lease of 60: the last notice may take twice the 13 seconds that a library's systems have together.
_LONGEST_SECONDS = 30

_log = structlog.get_logger()
_dice = secrets.SystemRandom()


class Notifier:
    """Delivers to up to eight libraries in parallel, each in its own thread."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._pool = ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="notifying")
        self._free = BoundedSemaphore(_THREADS)
        self._going_on = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._going_on = False
        self._pool.shutdown()

    def begin(self) -> None:
        """Give each free thread a queue that is due. It does not wait for them."""
        while self._free.acquire(blocking=False):
            lease = queues.lease_queue(now=now())
            if lease is None:
                self._free.release()
                return
            self._pool.submit(self._deliver, lease)

    def _deliver(self, lease: queues.QueueLease | None) -> None:
        try:
            while lease is not None and self._going_on:
                with self._app.app_context():
                    deliver_queue(lease, go_on=lambda: self._going_on)
                    lease = queues.lease_queue(now=now())
        except Exception as error:
            # The queue is due again when its lease is over. The error's text may hold somebody's data.
            _log.error("notifying failed", library_id=lease and lease.library_id, kind=type(error).__name__)
        finally:
            self._free.release()


def notify_one_library() -> bool:
    """Deliver one queue that is due. Returns whether there was any."""
    lease = queues.lease_queue(now=now())
    if lease is not None:
        deliver_queue(lease)
    return lease is not None


def deliver_queue(lease: queues.QueueLease, *, go_on: Callable[[], bool] = lambda: True) -> None:
    """Deliver the notices that are due in a queue, for half a minute at most, and end the lease."""
    lending = library_systems().lending(lease.library_id)
    if lending is None and lease.webhook_url is None:
        queues.idle_queue(library_id=lease.library_id)
        return
    ends = time.monotonic() + _LONGEST_SECONDS
    aside: set[int] = set()
    answered = False
    while notices := queues.list_due_notices(library_id=lease.library_id, now=now(), limit=_BATCH):
        # What was refused a moment ago may be due again already: it waits for the queue's next lease.
        if all(notice.patron_id in aside for notice in notices):
            break
        for notice in notices:
            if time.monotonic() > ends or not go_on():
                queues.release_queue(library_id=lease.library_id, answered=answered, now=now())
                return
            if notice.patron_id in aside:
                continue
            try:
                kept = _deliver_with_retry(notice, lease, lending, answers=answered or not lease.attempts)
            except Unavailable as fault:
                _pause(lease, fault, answered=answered)
                return
            except Refused as refusal:
                aside.add(notice.patron_id)
                _set_aside(notice, refusal.code)
            else:
                queues.mark_delivered(notice_id=notice.id, kept=kept, now=now())
            answered = True
    queues.release_queue(library_id=lease.library_id, answered=answered, now=now())


def _deliver_with_retry(
    notice: queues.Notice, lease: queues.QueueLease, lending: CirculationSystem | None, *, answers: bool
) -> list[str]:
    """Deliver a notice, with one immediate retry if a system that `answers` gave no answer this time.

    With a pause after each lost message a queue over a bad network would grow faster than it is delivered.
    """
    try:
        return deliver_notice(notice, lease, lending)
    except Unavailable as fault:
        if not answers or fault.reason != "no_answer":
            raise
    return deliver_notice(notice, lease, lending)


def deliver_notice(notice: queues.Notice, lease: queues.QueueLease, lending: CirculationSystem | None) -> list[str]:
    """Deliver a notice, and return the kinds of what the library keeps. Raises Unavailable or Refused."""
    kept: list[str] = []
    if lending is not None:
        kept += _notify_lending(notice, lending)
    if lease.webhook_url is not None and lease.webhook_key is not None:
        kept += send_notice(
            client=webhook_client(is_public=lease.webhook_is_public),
            url=lease.webhook_url,
            key=lease.webhook_key,
            notice_id=notice.id,
            body=notice_json(notice),
            now=now(),
        )
    return kept


def notice_json(notice: queues.Notice) -> dict[str, object]:
    """Return a notice as libraries' systems get it, by webhook or when they fetch it."""
    body: dict[str, object] = {
        "id": notice.id,
        "seq": notice.seq,
        "kind": notice.kind,
        "card_number": notice.card_number,
        "version": notice.version,
        "at": notice.asked_at.isoformat(),
    }
    return body | ({"former_number": notice.former_number} if notice.former_number else {})


def _notify_lending(notice: queues.Notice, lending: CirculationSystem) -> list[str]:
    """Notify our circulation. It stores the card number and what its holder wants to be reminded of, and no more."""
    if notice.kind == RENUMBERED and notice.former_number and notice.card_number:
        lending.rename_card(old_card_number=notice.former_number, new_card_number=notice.card_number)
        _charge(notice, lending, former_number=notice.former_number, card_number=notice.card_number)
    if notice.kind in (JOINED, CHANGED) and notice.card_number:
        with reading():
            choices = for_libraries(read_choices(patron_id=notice.patron_id))
        if choices is not None:
            lending.choose_reminders(card_number=notice.card_number, choices=choices)
    if notice.kind in (LEFT, ERASED) and notice.card_number:
        return [kept.kind for kept in lending.end_patron(card_number=notice.card_number, dry_run=False).kept]
    return []


def _charge(notice: queues.Notice, lending: CirculationSystem, *, former_number: str, card_number: str) -> None:
    """Charge for a new card. The key makes it idempotent: each number is replaced once."""
    if notice.charged_by is None:
        return
    key = f"replaces-{former_number}"
    try:
        lending.issue_replacement_card(card_number=card_number, idempotency_key=key, staff=notice.charged_by)
    except Refused as refusal:
        # It was charged by an earlier delivery, and has followed the patron to a still newer number since.
        if refusal.code != "key_reused":
            raise


def _pause(lease: queues.QueueLease, fault: Unavailable, *, answered: bool) -> None:
    attempts = 1 if answered else lease.attempts + 1
    asked = timedelta(seconds=fault.retry_after) if fault.retry_after else None
    pause = pause_after(attempts=attempts, chance=_dice.random(), asked=asked)
    _log.warning("library not notified", library_id=lease.library_id, reason=fault.reason)
    queues.pause_queue(
        library_id=lease.library_id, attempts=attempts, fault=fault.reason, pause=pause, answered=answered, now=now()
    )


def _set_aside(notice: queues.Notice, code: str) -> None:
    _log.warning("notice refused", notice_id=notice.id, library_id=notice.library_id, code=code)
    pause = pause_after(attempts=notice.attempts + 1, chance=_dice.random())
    queues.set_aside(notice=notice, fault=code, pause=pause, now=now())
