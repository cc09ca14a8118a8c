"""How many slow hashes (Argon2id) one process evaluates at the same time, and how long the next one would wait.

Each costs some 20 ms of processor time and 19 MiB. Without a bound, a flood of sign-ins would make every other request
wait too.
"""

import math
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from prometheus_client import Counter

from app.rules.errors import RuleBroken

LONGEST_WAIT: Final = 2.0
"""The most seconds that a request waits for an evaluation."""
LONGEST_BEFORE: Final = 0.5
"""The most seconds that a request may have waited for a thread: card pages and scans wait in the same queue."""
_FIRST_GUESS: Final = 0.03
_WEIGHT: Final = 0.1
_NICE: Final = 10

T = TypeVar("T")

_refused = Counter("lanekort_evaluations_refused", "Requests refused because too many slow hashes waited")


class TooBusy(RuleBroken):
    """The evaluation would come too late. `retry_after` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after


class Gate:
    """Evaluates slow hashes in `at_once` threads; the others wait. `inside` counts both.

    `seconds` is the mean duration of an evaluation; the value given is used until some were measured.
    """

    def __init__(self, *, at_once: int, seconds: float = _FIRST_GUESS) -> None:
        self.at_once = at_once
        self._lock = threading.Lock()
        self.inside = 0
        self.seconds = seconds
        self._evaluators: tuple[int, ThreadPoolExecutor] | None = None

    def evaluate(self, work: Callable[[], T]) -> T:
        """Do a slow hash in a thread of low priority, so that showing and scanning cards comes first."""
        with self._lock:
            self.inside += 1
        try:
            return self._threads().submit(self._measure, work).result()
        finally:
            with self._lock:
                self.inside -= 1

    def _measure(self, work: Callable[[], T]) -> T:
        began = time.perf_counter()
        done = work()
        taken = time.perf_counter() - began
        with self._lock:
            self.seconds += _WEIGHT * (taken - self.seconds)
        return done

    def _threads(self) -> ThreadPoolExecutor:
        # A forked process inherits no threads.
        with self._lock:
            if self._evaluators is None or self._evaluators[0] != os.getpid():
                pool = ThreadPoolExecutor(self.at_once, thread_name_prefix="evaluation", initializer=_lower_priority)
                self._evaluators = (os.getpid(), pool)
            return self._evaluators[1]

    def check_room(self, *, waited: float = 0.0) -> None:
        """Raise TooBusy where a request that has waited `waited` seconds would have to wait too long in all.

        It comes before any work for a request that will need an evaluation, and reserves nothing.
        """
        with self._lock:
            ahead = max(0, self.inside + 1 - self.at_once)
            expected = waited + ahead * self.seconds / self.at_once
        if waited > LONGEST_BEFORE or expected > LONGEST_WAIT:
            _refused.inc()
            raise TooBusy(retry_after=max(2, math.ceil(expected)))


def _share() -> int:
    """Return this process's share of the processors: each of gunicorn's processes has the same."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    processes = os.environ.get("WEB_CONCURRENCY", "")
    return max(1, processors // int(processes)) if processes.isdigit() and int(processes) else 1


def _lower_priority() -> None:
    # On Linux alone a thread has a priority of its own.
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)


GATE: Final = Gate(at_once=_share())
