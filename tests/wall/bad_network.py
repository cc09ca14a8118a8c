"""A network between a library and the register that loses, doubles, delays and reorders, until it is healed."""

import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from queue import Empty, SimpleQueue

_LONGEST_DELAY = 4.0


class Delivery(Enum):
    """What becomes of a request."""

    ARRIVES = "arrives"
    LOST = "closed unread"
    LATE = "lost for the sender, and arrives later, after younger ones"
    UNANSWERED = "done, and the answer is lost"
    TWICE = "arrives, and once more later"


# Of ten requests three do not arrive when they are sent.
_SHARES = {Delivery.LOST: 0.22, Delivery.LATE: 0.08, Delivery.UNANSWERED: 0.08, Delivery.TWICE: 0.08}


class Network:
    """Throws the dice for each request. What is late is done by a thread of its own, in no order."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        self._lock = threading.Lock()
        self._late: SimpleQueue[tuple[float, Callable[[], object]]] = SimpleQueue()
        self._is_bad = True
        self._is_open = True
        self.fates = dict.fromkeys(Delivery, 0)
        self._thread = threading.Thread(target=self._deliver, daemon=True)
        self._thread.start()

    def draw(self) -> Delivery:
        """Return what becomes of the next request."""
        with self._lock:
            fallen = self._dice.random() if self._is_bad else 1.0
            fate = Delivery.ARRIVES
            for each, share in _SHARES.items():
                if fallen < share:
                    fate = each
                    break
                fallen -= share
            self.fates[fate] += 1
            return fate

    def delay(self, deliver: Callable[[], object]) -> None:
        """Let a request arrive some seconds later."""
        with self._lock:
            after = self._dice.random() * _LONGEST_DELAY
        self._late.put((time.monotonic() + after, deliver))

    def heal(self) -> None:
        """Lose nothing more. What is on its way arrives yet."""
        with self._lock:
            self._is_bad = False

    def close(self) -> None:
        """Deliver what is on its way, and end."""
        self._is_open = False
        self._thread.join()

    def _deliver(self) -> None:
        waiting: list[tuple[float, Callable[[], object]]] = []
        while self._is_open or waiting or not self._late.empty():
            with suppress(Empty):
                waiting.append(self._late.get(timeout=0.1))
            due = [each for each in waiting if each[0] <= time.monotonic() or not self._is_open]
            waiting = [each for each in waiting if each not in due]
            for _, deliver in due:
                deliver()
