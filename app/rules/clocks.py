"""Recorded instants in the future: they were written while the server's clock was ahead, and do not count."""

from datetime import UTC, datetime, timedelta
from typing import Final

LEEWAY: Final = timedelta(seconds=10)
"""How far apart the clocks of the portal's machines may be, with NTP."""

LONG_AGO: Final = datetime.fromtimestamp(0, UTC)


def is_ahead(instant: datetime, *, now: datetime) -> bool:
    """Tell whether an instant that was recorded as the present is later than any right clock."""
    return instant > now + LEEWAY


def noted(instant: datetime, *, now: datetime) -> datetime:
    """Return a recorded instant, or LONG_AGO where it was recorded by a clock that was ahead."""
    return LONG_AGO if is_ahead(instant, now=now) else instant
