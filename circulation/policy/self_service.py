"""What a library offers without staff: an unstaffed opening, lending tablets and e-books, each by an agreement.

Pure functions, with an aware `now`. Hours are those of the library's time zone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from pydantic import PlainSerializer, StrictInt, StrictStr
from pydantic.dataclasses import dataclass as pydantic_dataclass

from circulation.policy.hours import MINUTES_OF_A_DAY, OpeningHours, lets_in
from circulation.policy.keys import TABLE, one_of, whole, written_as

KINDS: Final = ("door", "tablet", "ebook")
_DAYS: Final = ("mo", "tu", "we", "th", "fr", "sa", "su")
_HOURS: Final = re.compile(r"([a-z]{2})(?:-([a-z]{2}))? (\d\d):(\d\d)-(\d\d):(\d\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Hours:
    """Weekdays (Monday = 0) with the minutes of the day from which and until which the door opens."""

    weekdays: tuple[int, ...]
    opens: int
    closes: int

    def __str__(self) -> str:
        days = [_DAYS[day] for day in self.weekdays]
        span = days[0] if len(days) == 1 else f"{days[0]}-{days[-1]}"
        return f"{span} {_clock(self.opens)}-{_clock(self.closes)}"


def parse_hours(text: str) -> Hours:
    """Read hours such as `mo-fr 06:00-23:00` or `su 12:00-24:00`. ValueError with the reason."""
    found = _HOURS.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is not of the form mo-fr 06:00-23:00")
    first, last = (_weekday(day) for day in (found[1], found[2] or found[1]))
    opens, closes = (_minute(found[place], found[place + 1]) for place in (3, 5))
    if last < first or closes <= opens:
        raise ValueError(f"{text!r} ends before it begins; hours past midnight are two lines")
    return Hours(tuple(range(first, last + 1)), opens, closes)


def _weekday(text: str) -> int:
    if text not in _DAYS:
        raise ValueError(f"{text!r} is none of {', '.join(_DAYS)}")
    return _DAYS.index(text)


def _minute(hour: str, minute: str) -> int:
    minutes = int(hour) * 60 + int(minute)
    if int(minute) > 59 or minutes > MINUTES_OF_A_DAY:
        raise ValueError(f"{hour}:{minute} is no time of day")
    return minutes


def _clock(minutes: int) -> str:
    return "24:00" if minutes == MINUTES_OF_A_DAY else time(*divmod(minutes, 60)).strftime("%H:%M")


_Kind = Annotated[StrictStr, one_of(*KINDS)]


@pydantic_dataclass(frozen=True, slots=True, config=TABLE)
class SelfService:
    """Which agreements are offered, and the door's youngest age, days for which its entries are kept, and hours, which
    hold until the library tells its opening hours."""

    kinds: tuple[_Kind, ...]
    door_min_age: Annotated[StrictInt, whole(most=100)]
    entries_days: Annotated[StrictInt, whole(least=1, most=366)]
    door_hours: tuple[Annotated[Hours, written_as(parse_hours), PlainSerializer(str)], ...] = ()


NOTHING_OFFERED: Final = SelfService(kinds=(), door_min_age=0, entries_days=1)


def is_door_open(*, offer: SelfService, zone: ZoneInfo, now: datetime, hours: OpeningHours | None = None) -> bool:
    """Whether the door opens to anybody at `now` (aware): by `hours` that the library told, else by the offer's own."""
    told = None if hours is None else lets_in(hours=hours, zone=zone, now=now)
    if told is not None:
        return told
    local = now.astimezone(zone)
    minute = local.hour * 60 + local.minute
    return any(local.weekday() in each.weekdays and each.opens <= minute < each.closes for each in offer.door_hours)
