"""Exponential backoff with jitter: how long to wait before a retry."""

from datetime import timedelta

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
