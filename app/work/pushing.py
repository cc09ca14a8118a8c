"""Notifications to patrons' browsers: made for each of them, and handed to their push services."""

import json
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import BoundedSemaphore
from typing import Final, Self

import structlog
from flask import Flask, current_app

from app.messages.push import PushPost, encrypt
from app.register.messages.push import (
    DuePush,
    ask_for_push,
    forget_browser,
    forget_push,
    read_subscriptions,
    take_due_push,
    try_push_later,
)
from app.register.messages.reminders import read_choices
from app.rules.errors import RuleBroken
from app.rules.people.reminders import PUSH, quiet_until
from app.web.clock import now
from app.web.gate import channels_served

_THREADS: Final = 4
TRIAL: Final = "trial"
"""The kind of a notification that shows whether they come; the others are those of reminders."""

_log = structlog.get_logger()


class NoPush(RuleBroken):
    """The patron does not want to be reminded of this by notification, or has switched it on nowhere."""


def push_post() -> PushPost | None:
    """Return what hands notifications over, if the settings have a key for it."""
    return current_app.extensions["push"]


def ways_served() -> Collection[str]:
    """Return the ways by which this installation sends messages to patrons, notifications among them."""
    return [*channels_served(), *([PUSH] if push_post() else [])]


def remind_by_push(*, patron_id: int, kind: str, instant: datetime) -> tuple[int, datetime]:
    """Remind a patron, after the quiet hours, as `push_to_patron` does. Raises NoPush."""
    choices = read_choices(patron_id=patron_id)
    if choices is None or choices.way_of(kind) != PUSH:
        raise NoPush
    due_at = quiet_until(choices, now=instant) or instant
    browsers = push_to_patron(patron_id=patron_id, kind=kind, due_at=due_at, instant=instant)
    if not browsers:
        raise NoPush
    return browsers, due_at


def push_to_patron(*, patron_id: int, kind: str, due_at: datetime, instant: datetime) -> int:
    """Queue a notification of a kind for each browser of a patron, and return for how many.

    It says its kind and language alone; the words are the browser's own (card/service_worker.js).
    """
    if push_post() is None:
        return 0
    subscriptions = read_subscriptions(patron_id=patron_id)
    for subscription_id, browser in subscriptions.items():
        body = json.dumps({"kind": kind, "lang": browser.language}).encode()
        sealed = encrypt(body, p256dh=browser.p256dh, auth=browser.auth)
        ask_for_push(subscription_id=subscription_id, body=sealed, due_at=due_at, now=instant)
    return len(subscriptions)


def send_one_push() -> bool:
    """Hand over one notification that is due. Returns whether there was any."""
    post = push_post()
    due = take_due_push(now=now()) if post is not None else None
    if post is None or due is None:
        return False
    _hand_over(post, due)
    return True


def _hand_over(post: PushPost, due: DuePush) -> None:
    outcome = post.send(due.body, endpoint=due.endpoint, now=now())
    if outcome.kind == "later":
        try_push_later(push_id=due.id, asked=outcome.pause, now=now())
    elif outcome.kind == "gone":
        forget_browser(push_id=due.id)
    else:
        forget_push(push_id=due.id)
    if outcome.kind in ("later", "refused"):
        _log.warning("notification not sent", outcome=outcome.kind)


class Pusher:
    """Hands notifications over in threads of its own, so that a slow push service delays nothing else."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._pool = ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="pushing")
        self._free = BoundedSemaphore(_THREADS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.shutdown()

    def begin(self) -> None:
        """Give each free thread a notification that is due. It does not wait for them."""
        post = push_post()
        while post is not None and self._free.acquire(blocking=False):
            due = take_due_push(now=now())
            if due is None:
                self._free.release()
                return
            self._pool.submit(self._run, post, due)

    def _run(self, post: PushPost, due: DuePush) -> None:
        try:
            with self._app.app_context():
                _hand_over(post, due)
        except Exception as error:
            # It is due again when its lease is over. The error's text may hold the address.
            _log.error("pushing failed", kind=type(error).__name__)
        finally:
            self._free.release()
