"""How long to wait before asking again whoever did not answer: longer each time, and not all at the same moment."""

from datetime import timedelta

_FIRST = timedelta(seconds=1)
LONGEST_PAUSE = timedelta(hours=1)
_MOST_DOUBLINGS = 12


def pause_after(*, attempts: int, chance: float, asked: timedelta | None = None) -> timedelta:
    """Return the pause after `attempts` tries in vain, counted from 1: doubled each time, an hour at most.

    `chance` (0 to 1) spreads it over its second half, so that those who failed together do not come back together.
    `asked` is what the other side asked for (Retry-After): it is never waited less than that, within the hour.
    """
    whole = min(LONGEST_PAUSE, _FIRST * 2 ** min(attempts, _MOST_DOUBLINGS))
    pause = whole * (0.5 + chance / 2)
    return min(LONGEST_PAUSE, max(pause, asked or timedelta()))
