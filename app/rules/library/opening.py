"""When a library is open: weeks that are valid from a day, exceptions, and hours with staff or without.

Pure functions with an aware `now`. Minutes are those of the library's local day. A span that begins before midnight and
ends after it belongs to the day on which it begins. Times that a night of daylight saving skips come an hour later;
those that it repeats are the first of the two.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from app.rules.errors import RuleBroken

MINUTES_OF_A_DAY: Final = 24 * 60
ALWAYS: Final = date(1970, 1, 1)
"""A week that is valid from this day was never set here: it describes what holds until another one is set."""
LOOK_AHEAD_DAYS: Final = 150

_SPAN: Final = re.compile(r"(staffed|unstaffed) (\d\d):(\d\d)-(\d\d):(\d\d)", re.ASCII)
_DAY: Final = timedelta(days=1)


class BadHours(RuleBroken):
    """A text is not of the form that `write_day` gives."""


class State(StrEnum):
    """What somebody finds at the door."""

    STAFFED = "staffed"
    UNSTAFFED = "unstaffed"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """From a minute of the day until another, which is later; above 1440 it is one of the next day.

    Spans with and without staff may overlap: then there is staff.
    """

    opens: int
    closes: int
    staffed: bool = True

    def __str__(self) -> str:
        kind = State.STAFFED if self.staffed else State.UNSTAFFED
        return f"{kind} {clock(self.opens)}-{clock(self.closes)}"


Day = tuple[Span, ...]
Week = tuple[Day, ...]
"""Seven days from Monday on. One without spans is closed."""
CLOSED_WEEK: Final[Week] = ((), (), (), (), (), (), ())


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekFrom:
    """A week that is valid from a day until that of the next."""

    since: date
    days: Week


@dataclass(frozen=True, slots=True, kw_only=True)
class Exceptional:
    """Other hours than the week's from `first` to `last`, both included. With `yearly` those days of every year.

    No spans: closed. One for a year's own dates wins over one of every year.
    """

    first: date
    last: date
    yearly: bool = False
    spans: Day = ()
    note: str = ""

    def includes(self, day: date) -> bool:
        """Tell whether it is about that day."""
        if not self.yearly:
            return self.first <= day <= self.last
        first, last, on = ((each.month, each.day) for each in (self.first, self.last, day))
        return first <= on <= last if first <= last else on >= first or on <= last


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """A library's hours, or a branch's, in its time zone. `weeks` in the order of their days."""

    zone: ZoneInfo
    weeks: Sequence[WeekFrom] = field(default=())
    exceptions: Sequence[Exceptional] = field(default=())


@dataclass(frozen=True, slots=True)
class Opening:
    """A span on a day, as instants (UTC)."""

    opens: datetime
    closes: datetime
    staffed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """What it is now and until when (UTC), and what it is then; both None where nothing changes for months."""

    state: State
    until: datetime | None
    then: State | None


def make_span(*, opens: time, closes: time, staffed: bool) -> Span:
    """Return a span; one that does not end later than it begins ends on the next day."""
    first, last = opens.hour * 60 + opens.minute, closes.hour * 60 + closes.minute
    return Span(first, last if last > first else last + MINUTES_OF_A_DAY, staffed)


def clock(minute: int) -> str:
    """Return a minute of the day as `19:00`; midnight at its end as `24:00`."""
    within = minute if minute <= MINUTES_OF_A_DAY else minute - MINUTES_OF_A_DAY
    return f"{within // 60:02}:{within % 60:02}"


def write_day(spans: Day) -> str:
    """Return a day's spans as `staffed 10:00-19:00, unstaffed 06:00-23:00`; empty where it is closed."""
    return ", ".join(str(span) for span in sorted(spans))


def read_day(text: str) -> Day:
    """Parse what `write_day` gave. Raises BadHours."""
    return tuple(sorted(_read_span(part) for part in text.split(", "))) if text else ()


def _read_span(text: str) -> Span:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise BadHours
    opens, closes = (int(found[at]) * 60 + int(found[at + 1]) for at in (2, 4))
    if int(found[3]) > 59 or int(found[5]) > 59 or opens >= MINUTES_OF_A_DAY or closes > MINUTES_OF_A_DAY:
        raise BadHours
    return Span(opens, closes if closes > opens else closes + MINUTES_OF_A_DAY, found[1] == State.STAFFED)


def write_week(days: Week) -> str:
    """Return a week as seven lines of `write_day`."""
    return "\n".join(write_day(spans) for spans in days)


def read_week(text: str) -> Week:
    """Parse what `write_week` gave. Raises BadHours."""
    days = tuple(read_day(line) for line in text.split("\n"))
    if len(days) != len(CLOSED_WEEK):
        raise BadHours
    return days


def week_on(hours: OpeningHours, day: date) -> WeekFrom | None:
    """Return the week that is valid on a day; None before the first."""
    return max((week for week in hours.weeks if week.since <= day), key=lambda week: week.since, default=None)


def exception_on(hours: OpeningHours, day: date) -> Exceptional | None:
    """Return the exception that holds on a day."""
    found = [each for each in hours.exceptions if each.includes(day)]
    return min(found, key=lambda each: (each.yearly, -each.first.toordinal()), default=None)


def spans_on(hours: OpeningHours, day: date) -> Day:
    """Return when the library is open on a day; exceptions win."""
    exception = exception_on(hours, day)
    if exception is not None:
        return exception.spans
    week = week_on(hours, day)
    return week.days[day.weekday()] if week else ()


def state_at(hours: OpeningHours, at: datetime) -> State:
    """Tell what somebody finds at the door at an instant (aware)."""
    day = at.astimezone(hours.zone).date()
    inside = [each.staffed for each in _openings(hours, day) if each.opens <= at < each.closes]
    return State.STAFFED if any(inside) else State.UNSTAFFED if inside else State.CLOSED


def open_at(hours: OpeningHours, now: datetime) -> Now:
    """Tell whether the library is open at `now` (aware), with or without staff, and when that changes."""
    state, today = state_at(hours, now), now.astimezone(hours.zone).date()
    for day in _days(today, today + _DAY * LOOK_AHEAD_DAYS):
        edges = {edge for each in _openings(hours, day) for edge in (each.opens, each.closes)}
        for edge in sorted(edges):
            is_that_day = edge.astimezone(hours.zone).date() == day
            if edge > now and is_that_day and (then := state_at(hours, edge)) is not state:
                return Now(state=state, until=edge, then=then)
    return Now(state=state, until=None, then=None)


def coming_exceptions(hours: OpeningHours, *, today: date, days: int) -> list[Exceptional]:
    """Return the exceptions that hold on some of the next days, with the dates of that year, by their first day.

    What began before today is cut off; where one of a year's own dates wins over one of every year, that is split.
    """
    found: list[Exceptional] = []
    for day in _days(today, today + _DAY * (days - 1)):
        one = exception_on(hours, day)
        if one is None:
            continue
        former = found[-1] if found else None
        if former and former.last == day - _DAY and (former.spans, former.note) == (one.spans, one.note):
            found[-1] = Exceptional(first=former.first, last=day, spans=one.spans, note=one.note)
        else:
            found.append(Exceptional(first=day, last=day, spans=one.spans, note=one.note))
    return found


def openings_on(hours: OpeningHours, day: date) -> list[Opening]:
    """Return the openings that begin on a day, without those that a night of daylight saving skips."""
    found = (
        Opening(_instant(day, span.opens, hours.zone), _instant(day, span.closes, hours.zone), span.staffed)
        for span in spans_on(hours, day)
    )
    return [each for each in found if each.opens < each.closes]


def _openings(hours: OpeningHours, day: date) -> list[Opening]:
    """Return the openings that begin on a day or the day before."""
    return [*openings_on(hours, day - _DAY), *openings_on(hours, day)]


def _instant(day: date, minute: int, zone: ZoneInfo) -> datetime:
    days, minute = divmod(minute, MINUTES_OF_A_DAY)
    return datetime.combine(day + _DAY * days, time(*divmod(minute, 60)), zone).astimezone(UTC)


def _days(first: date, last: date) -> Iterator[date]:
    return (first + _DAY * number for number in range((last - first).days + 1))
