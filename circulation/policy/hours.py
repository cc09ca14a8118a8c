"""When the library is open, as it told the public: weeks that are valid from a day, and exceptions. Pure functions.

A span that ends after midnight belongs to the day on which it begins. Where nothing was told about a day, the policy
file says what holds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

_SPAN: Final = re.compile(r"(staffed|unstaffed) (\d\d):(\d\d)-(\d\d):(\d\d)", re.ASCII)
MINUTES_OF_A_DAY: Final = 24 * 60
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    """From a minute of the day until another, which is later; above 1440 it is one of the next day."""

    opens: int
    closes: int
    staffed: bool


Day = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Week:
    """Seven days from Monday on, valid from a day until that of the next week. A day without spans is closed."""

    since: date
    days: tuple[Day, ...]


@dataclass(frozen=True, slots=True)
class Exceptional:
    """Other hours from `first` to `last`, both included; with `yearly` on those days of every year."""

    first: date
    last: date
    yearly: bool
    spans: Day

    def includes(self, day: date) -> bool:
        """Whether it is about that day."""
        if not self.yearly:
            return self.first <= day <= self.last
        first, last, on = ((each.month, each.day) for each in (self.first, self.last, day))
        return first <= on <= last if first <= last else on >= first or on <= last


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """What was told, weeks in the order of their days. A year's own dates win over those of every year."""

    weeks: tuple[Week, ...]
    exceptions: tuple[Exceptional, ...]

    def week_on(self, day: date) -> Week | None:
        """The week that is valid on a day; None before the first."""
        return next((week for week in reversed(self.weeks) if week.since <= day), None)

    def exception_on(self, day: date) -> Exceptional | None:
        """The exception that holds on a day."""
        found = (each for each in self.exceptions if each.includes(day))
        return min(found, key=lambda each: (each.yearly, -each.first.toordinal()), default=None)

    def spans_on(self, day: date) -> Day | None:
        """When it is open on a day; None where nothing was told about it."""
        found = self.exception_on(day)
        if found is not None:
            return found.spans
        week = self.week_on(day)
        return None if week is None else week.days[day.weekday()]

    def is_open(self, day: date) -> bool | None:
        """Whether anybody can return something on a day; None where nothing was told about it."""
        spans, week = self.spans_on(day), self.week_on(day)
        return None if spans is None else is_for_all(spans, week)


def is_for_all(spans: Day, week: Week | None) -> bool:
    """Whether anybody can return something in these hours: there is staff, or in that week never any."""
    if any(span.staffed for span in spans):
        return True
    return bool(spans) and week is not None and not any(span.staffed for day in week.days for span in day)


def read_day(text: str) -> Day:
    """Read `staffed 10:00-19:00, unstaffed 06:00-23:00`; empty is closed. ValueError with the reason."""
    return tuple(_read_span(part) for part in text.split(", ")) if text else ()


def _read_span(text: str) -> Span:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not of the form staffed 10:00-19:00")
    opens, closes = (int(found[place]) * 60 + int(found[place + 1]) for place in (2, 4))
    if max(int(found[3]), int(found[5])) > 59 or opens >= MINUTES_OF_A_DAY or closes > MINUTES_OF_A_DAY:
        raise ValueError(f"{text!r} has a time that no day has")
    return Span(opens, closes if closes > opens else closes + MINUTES_OF_A_DAY, found[1] == "staffed")


def lets_in(*, hours: OpeningHours, zone: ZoneInfo, now: datetime) -> bool | None:
    """Whether it is open at `now` (aware), with staff or without; None where nothing was told about that day."""
    today = now.astimezone(zone).date()
    told = hours.spans_on(today)
    spans = [(day, span) for day in (today - _DAY, today) for span in hours.spans_on(day) or ()]
    inside = any(_instant(day, span.opens, zone) <= now < _instant(day, span.closes, zone) for day, span in spans)
    return True if inside else None if told is None else False


def _instant(day: date, minute: int, zone: ZoneInfo) -> datetime:
    days, minute = divmod(minute, MINUTES_OF_A_DAY)
    return datetime.combine(day + _DAY * days, time(*divmod(minute, 60)), zone).astimezone(UTC)
