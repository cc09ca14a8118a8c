"""When a library closes, by the hours in which it has staff."""

import re
from collections.abc import Iterable
from datetime import date
from typing import Final

_DAYS: Final = ("mo", "tu", "we", "th", "fr", "sa", "su")
_HOURS: Final = re.compile(r"([a-z]{2})(?:-([a-z]{2}))? \d\d:\d\d-(\d\d:\d\d)", re.ASCII)


def closing_time(staffed_hours: Iterable[str], *, day: date) -> str | None:
    """Return the library's local time, as `20:00`, at which its last staffed hours of a day end.

    `staffed_hours` are as `mo-fr 10:00-19:00`; what is not of that form says nothing. None where no hours are known.
    """
    ends = []
    for hours in staffed_hours:
        found = _HOURS.fullmatch(hours)
        if found is None or not {found[1], found[2] or found[1]} <= set(_DAYS):
            continue
        if _DAYS.index(found[1]) <= day.weekday() <= _DAYS.index(found[2] or found[1]):
            ends.append(found[3])
    return max(ends, default=None)
