"""The present, and a limit in time for a whole exchange with a library, which time-outs of single reads do not give."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from time import monotonic
from typing import Final

from app.ils.guard import ANSWERED, Guard
from app.ils.port import T, Unavailable

CONNECT_SECONDS: Final = 1.0
BUDGET_SECONDS: Final = 3.0
_TOO_SLOW: Final = "too_slow"


def utc_now() -> datetime:
    """Return the present, aware."""
    return datetime.now(UTC)


class Budget:
    """So many seconds from now."""

    def __init__(self, seconds: float) -> None:
        self._ends = monotonic() + seconds

    def left(self) -> float:
        """Return the seconds left. Unavailable when there are none."""
        if (left := self._ends - monotonic()) <= 0:
            raise Unavailable(_TOO_SLOW)
        return left

    def share(self, part: float) -> "Budget":
        """Return a budget of so much of what is left."""
        return Budget(self.left() * part)


def attempt(ask: Callable[[], T], otherwise: T) -> T:
    """Return what is asked for, or `otherwise` where it is unavailable: for what an account can be shown without."""
    try:
        return ask()
    except Unavailable:
        return otherwise


def start(call: Callable[[], T]) -> Future[T]:
    """Begin a call in a daemon thread of its own; nobody has to wait for it."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, name="library", daemon=True).start()
    return future


def call_within(seconds: float, call: Callable[[Budget], T], *, guard: Guard | None = None) -> T:
    """Return what `call` returns, or raise what it raises. Unavailable if it has done neither in time.

    What is slow occupies only the thread. The guard may refuse the call, and counts it for as long as its thread lives.
    """
    guard = guard or Guard()
    guard.begin_call()
    budget = Budget(seconds)

    def run() -> T:
        try:
            return call(budget)
        finally:
            guard.end_call()

    began, outcome = monotonic(), ANSWERED
    try:
        return start(run).result(timeout=seconds)
    except TimeoutError:
        outcome = _TOO_SLOW
        raise Unavailable(_TOO_SLOW) from None
    except Unavailable as error:
        outcome = error.reason
        raise
    finally:
        guard.note(timed_out=outcome == _TOO_SLOW)
        guard.count(outcome, seconds=monotonic() - began)
