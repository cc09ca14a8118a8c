"""Telling a library that runs our own circulation when it is open."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from app.ils.circulation.system import CirculationSystem
from app.rules.library.opening import Exceptional, WeekFrom, write_day

_TELLER = "register"
_Version = Annotated[int, Field(strict=True, ge=1)]


@dataclass(frozen=True, slots=True)
class _Told:
    version: _Version


def tell_hours(
    system: CirculationSystem, *, version: int, weeks: Sequence[WeekFrom], exceptions: Sequence[Exceptional]
) -> int:
    """Tell all of the opening hours, which replace an older version, and return the version that the library has now.

    Raises Unavailable and Refused.
    """
    body = {
        "version": version,
        "weeks": [{"since": week.since.isoformat(), "days": list(map(write_day, week.days))} for week in weeks],
        "exceptions": [
            {
                "first": one.first.isoformat(),
                "last": one.last.isoformat(),
                "yearly": one.yearly,
                "hours": write_day(one.spans),
            }
            for one in exceptions
        ],
    }
    signed = {**body, "role": "staff", "staff": _TELLER}
    return system.ask(_Told, "POST", "hours/tell", "", signed).version
