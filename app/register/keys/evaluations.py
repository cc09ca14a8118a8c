"""How many slow hashes (Argon2id) one process evaluates at once, and how long the next one would wait.

Each costs some 20 ms of a processor's time and 19 MiB. Without a bound, more sign-ins than the processors can do would
wait for longer and longer, and everything else with them.
"""

import math
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final, TypeVar

from app.rules.errors import RuleBroken

LONGEST_WAIT: Final = 2.0
"""Nobody waits longer than so many seconds for an evaluation."""
LONGEST_BEFORE: Final = 0.5
"""Who waited so many seconds for a thread stood in the line that cards and scans stand in, too: it is too long."""
_FIRST_GUESS: Final = 0.03
_WEIGHT: Final = 0.1
_NICE: Final = 10

T = TypeVar("T")


class TooBusy(RuleBroken):
    """The evaluation would come too late. `retry_after` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after


class Gate:
    """Lets so many threads evaluate at once; the others wait for their turn. `inside` counts both.

    `seconds` is what an evaluation is taken to last until some were measured.
    """

    def __init__(self, *, at_once: int, seconds: float = _FIRST_GUESS) -> None:
        self.at_once = at_once
        self._free = threading.Semaphore(at_once)
        self._lock = threading.Lock()
        self.inside = 0
        self.seconds = seconds
        self._evaluators: tuple[int, ThreadPoolExecutor] | None = None

    def evaluate(self, work: Callable[[], T]) -> T:
        """Do a slow hash in its turn, and in a thread that gives way to whoever shows or scans a card."""
        with self.turn():
            return self._threads().submit(work).result()

    def _threads(self) -> ThreadPoolExecutor:
        # A forked process has no threads but one.
        with self._lock:
            if self._evaluators is None or self._evaluators[0] != os.getpid():
                pool = ThreadPoolExecutor(self.at_once, thread_name_prefix="evaluation", initializer=_give_way)
                self._evaluators = (os.getpid(), pool)
            return self._evaluators[1]

    def check_room(self, *, waited: float = 0.0) -> None:
        """Raise TooBusy where whoever has waited so many seconds already would have to wait for too long.

        It comes before any work is done for a request that will need a turn, and takes nothing.
        """
        with self._lock:
            ahead = max(0, self.inside + 1 - self.at_once)
            expected = waited + ahead * self.seconds / self.at_once
        if waited > LONGEST_BEFORE or expected > LONGEST_WAIT:
            raise TooBusy(retry_after=max(2, math.ceil(expected)))

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for one's turn, evaluate in it, and give it on."""
        with self._lock:
            self.inside += 1
        try:
            with self._free:
                began = time.perf_counter()
                yield
                taken = time.perf_counter() - began
        finally:
            with self._lock:
                self.inside -= 1
        with self._lock:
            self.seconds += _WEIGHT * (taken - self.seconds)


def _share() -> int:
    """Return how many processors are this process's, if each of gunicorn's processes has the same."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    processes = os.environ.get("WEB_CONCURRENCY", "")
    return max(1, processors // int(processes)) if processes.isdigit() and int(processes) else 1


def _give_way() -> None:
    # Linux schedules each thread by itself, and lets it lower its own priority. Elsewhere it stays as it is.
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)


GATE: Final = Gate(at_once=_share())
