"""Sending messages: each channel has its own threads, and separate ones for codes and links.

A channel that hangs delays no other, and thousands of notices delay no code.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Self

import structlog
from flask import Flask

from app.register.messages.message_queue import list_due, take_due_message
from app.register.messages.outbox import QUEUES
from app.register.online.registration_codes import is_code_due, take_due_code
from app.register.patron.proven import EMAIL
from app.register.staff.links import is_link_due, take_due_link
from app.rules.messages import Urgency
from app.web.clock import now
from app.work.pushing import ways_served
from app.work.sending import deliver, deliver_code, deliver_link

# A mail that takes 0.66 seconds leaves a thread that often: a dozen codes a second by each channel.
_CODES_AT_ONCE = 8
BULK_A_MINUTE = 100
_POLL_SECONDS = 0.5

_log = structlog.get_logger()


class SenderPool:
    """The threads for the messages of one queue that have one of these urgencies.

    With `registrations` they also send, first of all, the codes to people who are registering, and the links to those
    who work at libraries.
    """

    def __init__(
        self,
        queue: str,
        *urgencies: Urgency,
        at_once: int,
        registrations: bool = False,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self.at_once = at_once
        self.free = threading.BoundedSemaphore(at_once)
        self._queue = queue
        self._urgencies = urgencies
        self._registrations = registrations
        self._ticks = ticks
        self._next_bulk_at = float("-inf")

    def is_due(self, places: frozenset[tuple[str, Urgency]]) -> bool:
        """Return whether there is something to send; `places` are the queues and urgencies that have something due."""
        if self._registrations and (is_code_due(now=now()) or is_link_due(now=now())):
            return True
        return any((self._queue, urgency) in places for urgency in self._allowed())

    def take(self) -> Callable[[], None] | None:
        """Take the most urgent message and return the call that sends it; None where nothing is due."""
        code = take_due_code(now=now()) if self._registrations else None
        if code is not None:
            return partial(deliver_code, code)
        link = take_due_link(now=now()) if self._registrations else None
        if link is not None:
            return partial(deliver_link, link)
        due = take_due_message(channels=ways_served(), queues=[self._queue], urgencies=self._allowed(), now=now())
        if due is None:
            return None
        if due.urgency == Urgency.BULK:
            self._next_bulk_at = self._ticks() + 60 / BULK_A_MINUTE
        return partial(deliver, due)

    def _allowed(self) -> list[Urgency]:
        may_send_bulk = self._ticks() >= self._next_bulk_at
        return [urgency for urgency in self._urgencies if urgency != Urgency.BULK or may_send_bulk]


def _make_pools() -> list[SenderPool]:
    urgent = [
        SenderPool(queue, Urgency.CODE, Urgency.LINK, at_once=_CODES_AT_ONCE, registrations=queue == EMAIL)
        for queue in QUEUES
    ]
    return urgent + [SenderPool(queue, Urgency.NOTICE, Urgency.BULK, at_once=1) for queue in QUEUES]


class Senders:
    """Sends what is due while `may_send` returns true. On leaving, it waits until what was begun is sent."""

    def __init__(self, app: Flask, *, may_send: Callable[[], bool] = lambda: True) -> None:
        self._app = app
        self._may_send = may_send
        self._is_sending = True
        self._sender_pools = _make_pools()
        threads = sum(sender_pool.at_once for sender_pool in self._sender_pools)
        self._executor = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="sending")
        self._stopping = threading.Event()
        self._polling = threading.Thread(target=self._poll, name="sending", daemon=True)

    def __enter__(self) -> Self:
        self._polling.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stopping.set()
        self._is_sending = False
        self._polling.join()
        self._executor.shutdown()

    def _poll(self) -> None:
        """Give each free thread something that is due in its pool. It waits for no channel."""
        while not self._stopping.is_set():
            try:
                self._is_sending = self._may_send()
                if self._is_sending:
                    with self._app.app_context():
                        self._hand_out()
            except Exception as error:
                # The kind alone: its text may hold somebody's data. The database may be back in a moment.
                _log.error("sending failed", kind=type(error).__name__)
            self._stopping.wait(_POLL_SECONDS)

    def _hand_out(self) -> None:
        places = list_due(now=now())
        for sender_pool in self._sender_pools:
            while sender_pool.is_due(places) and sender_pool.free.acquire(blocking=False):
                try:
                    act = sender_pool.take()
                    if act is not None:
                        self._executor.submit(self._run, sender_pool, act)
                except BaseException:
                    sender_pool.free.release()
                    raise
                if act is None:
                    sender_pool.free.release()
                    break

    def _run(self, sender_pool: SenderPool, act: Callable[[], None] | None) -> None:
        try:
            while act is not None:
                with self._app.app_context():
                    act()
                    act = sender_pool.take() if self._is_sending else None
        except Exception as error:
            # What was taken is due again when its lease is over.
            _log.error("sending failed", kind=type(error).__name__)
        finally:
            sender_pool.free.release()
