"""What one library may cost this process: so many calls at a time, and none for a while after it did not answer.

Each process has its own guards. They know nothing but that calls were made, answered or not.
"""

import threading
from collections.abc import Callable
from time import monotonic
from typing import Final

from app.ils.port import Unavailable
from app.rules.circuit import Circuit, State

CALLS_AT_ONCE: Final = 6


class Guard:
    """Stands before one library's system; safe to share between threads. `clock` is in seconds and never goes back."""

    def __init__(self, *, calls_at_once: int = CALLS_AT_ONCE, clock: Callable[[], float] = monotonic) -> None:
        self._free = calls_at_once
        self._clock = clock
        self._circuit = Circuit()
        self._lock = threading.Lock()

    @property
    def state(self) -> State:
        """What the circuit does with the next call."""
        return self._circuit.state(now=self._clock())

    def begin_call(self) -> None:
        """Let a call begin, which `end_call` must follow. Unavailable at once where there are too many, or none may."""
        with self._lock:
            if self._free == 0:
                raise Unavailable("busy")
            circuit = self._circuit.begin_call(now=self._clock())
            if circuit is None:
                raise Unavailable("too_slow")
            self._circuit = circuit
            self._free -= 1

    def end_call(self) -> None:
        """The call has ended, however it went, and whether or not somebody still waited for it."""
        with self._lock:
            self._free += 1

    def note(self, *, timed_out: bool) -> None:
        """Note how a call went for whoever waited for it."""
        with self._lock:
            now = self._clock()
            self._circuit = self._circuit.note_timeout(now=now) if timed_out else self._circuit.note_answer()
