"""When to call a system again that did not answer: a circuit breaker (Nygard, Release It!, 2007) and pauses.

The circuit opens after three time-outs in a row. Twenty seconds later it is half-open: one call is allowed as a probe.
Any answer closes the circuit, and another time-out opens it for twenty more seconds.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Final

TIMEOUTS_IN_A_ROW: Final = 3
OPEN_SECONDS: Final = 20.0
PROBE_SECONDS: Final = 20.0
"""After this a probe without a result is given up, and another call may be one."""


class State(StrEnum):
    """What a circuit does with the next call."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True, slots=True)
class Circuit:
    """One circuit; each step returns the next circuit. `now` is in seconds of a monotonic clock."""

    timeouts: int = 0
    opened_at: float | None = None
    probing_since: float | None = None

    def state(self, *, now: float) -> State:
        """Return whether the next call is allowed, refused, or allowed as a probe."""
        if self.opened_at is None:
            return State.CLOSED
        if now - self.opened_at < OPEN_SECONDS:
            return State.OPEN
        if self.probing_since is not None and now - self.probing_since < PROBE_SECONDS:
            return State.OPEN
        return State.HALF_OPEN

    def begin_call(self, *, now: float) -> "Circuit | None":
        """Begin a call; None where it is refused."""
        match self.state(now=now):
            case State.OPEN:
                return None
            case State.HALF_OPEN:
                return replace(self, probing_since=now)
            case State.CLOSED:
                return self

    def note_answer(self) -> "Circuit":
        """A call was answered in time, whatever the answer was."""
        return Circuit()

    def note_timeout(self, *, now: float) -> "Circuit":
        """A call was not answered in time."""
        if self.opened_at is not None:
            # Calls that began before it opened do not count; the probe does.
            return self if self.probing_since is None else replace(self, opened_at=now, probing_since=None)
        timeouts = self.timeouts + 1
        return Circuit(timeouts, now if timeouts >= TIMEOUTS_IN_A_ROW else None)


_FIRST = timedelta(seconds=1)
LONGEST_PAUSE = timedelta(hours=1)
_MOST_DOUBLINGS = 12


def pause_after(*, attempts: int, chance: float, asked: timedelta | None = None) -> timedelta:
    """Return the pause after so many failed `attempts`, counted from 1: doubled each time, an hour at most.

    `chance` (0 to 1) spreads the second half of it, so that calls that failed together do not come back together.
    `asked` (Retry-After) is the least pause, within the hour.
    """
    whole = min(LONGEST_PAUSE, _FIRST * 2 ** min(attempts, _MOST_DOUBLINGS))
    pause = whole * (0.5 + chance / 2)
    return min(LONGEST_PAUSE, max(pause, asked or timedelta()))
