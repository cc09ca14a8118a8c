"""What one library may cost this process: a few calls at a time, and none for a while after it did not answer."""

import threading
from collections.abc import Callable
from time import monotonic
from typing import Final

from prometheus_client import Counter, Histogram

from app.ils.port import Reason, Unavailable
from app.rules.circuit import Circuit, State

CALLS_AT_ONCE: Final = 6
ANSWERED: Final = "answered"
NOT_ASKED: Final = "not_asked"
"""How a call ended that the guard refused; the others end with an answer, or with the reason of Unavailable."""
_SECONDS: Final = (0.3, 0.8, 3.0)

_calls = Counter("lanekort_library_calls", "Calls to a library's system, by how they ended", ("library", "outcome"))
_seconds = Histogram("lanekort_library_seconds", "How long they took", ("library",), buckets=_SECONDS)


class Guard:
    """Limits calls to one library's system; safe to share between threads. `clock` is in seconds and monotonic.

    Calls are counted where the `library_id` is known.
    """

    def __init__(self, *, calls_at_once: int = CALLS_AT_ONCE, clock: Callable[[], float] = monotonic) -> None:
        self._free = calls_at_once
        self._clock = clock
        self._circuit = Circuit()
        self._lock = threading.Lock()
        self.library_id = ""

    @property
    def state(self) -> State:
        """What the circuit does with the next call."""
        return self._circuit.state(now=self._clock())

    def begin_call(self) -> None:
        """Begin a call, which `end_call` must follow. Unavailable: too many calls, or the circuit is open."""
        with self._lock:
            if self._free == 0:
                raise self._do_not_ask("busy")
            circuit = self._circuit.begin_call(now=self._clock())
            if circuit is None:
                raise self._do_not_ask("too_slow")
            self._circuit = circuit
            self._free -= 1

    def end_call(self) -> None:
        """The call has ended, with or without an answer."""
        with self._lock:
            self._free += 1

    def note(self, *, timed_out: bool) -> None:
        """Note whether a call timed out."""
        with self._lock:
            now = self._clock()
            self._circuit = self._circuit.note_timeout(now=now) if timed_out else self._circuit.note_answer()

    def count(self, outcome: str, *, seconds: float) -> None:
        """Count a call that ended: ANSWERED, or the reason of Unavailable."""
        if self.library_id:
            _calls.labels(self.library_id, outcome).inc()
            _seconds.labels(self.library_id).observe(seconds)

    def _do_not_ask(self, reason: Reason) -> Unavailable:
        if self.library_id:
            _calls.labels(self.library_id, NOT_ASKED).inc()
        return Unavailable(reason)
