"""What an instant is worth that lies in the future: it was written while the server's clock was ahead.

Once the clock is right again, such an instant must not hold anybody up until it comes.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

LEEWAY: Final = timedelta(seconds=10)
"""How far the clocks of a portal's machines may be apart, kept by NTP."""

LONG_AGO: Final = datetime.fromtimestamp(0, UTC)


def is_ahead(instant: datetime, *, now: datetime) -> bool:
    """Tell whether an instant that was noted as the present one cannot be: it is later than any of our clocks."""
    return instant > now + LEEWAY


def noted(instant: datetime, *, now: datetime) -> datetime:
    """Return when something was done, and a time long ago where that was noted by a clock that was ahead."""
    return LONG_AGO if is_ahead(instant, now=now) else instant
