"""A library's opening hours as patrons read them, on its page, on their own pages, and where staff change them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from flask_babel import gettext as _

from app.rules.library.opening import (
    Day,
    Exceptional,
    Now,
    OpeningHours,
    State,
    clock,
    coming_exceptions,
    exception_on,
    open_at,
    spans_on,
    week_on,
)
from app.web.pages.library_words import day_of_year, day_with_weekday, weekday_words

SHOWN_DAYS = 7
AHEAD_DAYS = 90
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SCHEMA_DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")


@dataclass(frozen=True, slots=True)
class DayLine:
    """A day and its hours with staff and without, each as `10:00–19:00`; `note` says why it is exceptional."""

    label: str
    date: str
    is_today: bool
    staffed: Sequence[str]
    unstaffed: Sequence[str]
    note: str


@dataclass(frozen=True, slots=True)
class OpeningTold:
    """What a library's hours say at a moment. `schema` are those with staff as schema.org's openingHours."""

    state: State
    sentence: str
    days: Sequence[DayLine]
    coming: Sequence[DayLine]
    schema: Sequence[str]

    @property
    def has_unstaffed(self) -> bool:
        """Whether somebody may come in without staff on one of these days."""
        return any(line.unstaffed for line in (*self.days, *self.coming))


def tell_opening(hours: OpeningHours, *, now: datetime) -> OpeningTold | None:
    """Return what is open now, on the next seven days, and which exceptions come later; None where nothing is known."""
    if not hours.weeks:
        return None
    local = now.astimezone(hours.zone)
    today = local.date()
    told = open_at(hours, now)
    days = [_line(hours, today + timedelta(days=ahead), is_today=not ahead) for ahead in range(SHOWN_DAYS)]
    coming = coming_exceptions(hours, today=today, days=AHEAD_DAYS)
    later = [
        DayLine(_dates(one.first, one.last), "", False, *_spans(one.spans), one.note)
        for one in coming
        if one.last >= today + timedelta(days=SHOWN_DAYS)
    ]
    return OpeningTold(told.state, _sentence(told, local), days, later, _schema(hours, today))


def open_sentence(hours: OpeningHours, *, now: datetime) -> str:
    """Return whether a library is open now, and when that changes; empty where nothing is known."""
    return _sentence(open_at(hours, now), now.astimezone(hours.zone)) if hours.weeks else ""


def tell_week(days: Sequence[Day]) -> list[DayLine]:
    """Return a week from Monday on, whenever it is valid."""
    return [
        DayLine(weekday_words(name), "", False, *_spans(spans), "") for name, spans in zip(WEEKDAYS, days, strict=True)
    ]


def tell_exception(first: date, last: date, spans: Day, note: str) -> DayLine:
    """Return an exception of certain dates."""
    return DayLine(_dates(first, last), "", False, *_spans(spans), note)


def yearly_words(about: Exceptional) -> DayLine:
    """Return an exception of every year."""
    first, last = (day_of_year((day.month, day.day)) for day in (about.first, about.last))
    label = first if first == last else _("%(first)s to %(last)s", first=first, last=last)
    return DayLine(label, _("every year"), False, *_spans(about.spans), about.note)


def due_weekdays(days: Sequence[Day]) -> list[str]:
    """Return the weekdays on which nothing falls due: those without staff, or if there never is any, closed ones."""
    has_staff = any(span.staffed for spans in days for span in spans)
    return [
        weekday_words(name)
        for name, spans in zip(WEEKDAYS, days, strict=True)
        if not any(span.staffed or not has_staff for span in spans)
    ]


def _line(hours: OpeningHours, day: date, *, is_today: bool) -> DayLine:
    exception = exception_on(hours, day)
    label, on_date = weekday_words(WEEKDAYS[day.weekday()]), day_of_year((day.month, day.day))
    return DayLine(label, on_date, is_today, *_spans(spans_on(hours, day)), exception.note if exception else "")


def _spans(spans: Day) -> tuple[Sequence[str], Sequence[str]]:
    with_staff, without = (
        [f"{clock(span.opens)}–{clock(span.closes)}" for span in spans if span.staffed is staffed]
        for staffed in (True, False)
    )
    return with_staff, without


def _dates(first: date, last: date) -> str:
    if first == last:
        return day_with_weekday(first)
    return _("%(first)s to %(last)s", first=day_with_weekday(first), last=day_with_weekday(last))


def _sentence(told: Now, local: datetime) -> str:
    if told.until is None:
        return {
            State.STAFFED: _("Open around the clock, with staff."),
            State.UNSTAFFED: _("Open around the clock, without staff."),
            State.CLOSED: _("Closed until further notice."),
        }[told.state]
    until = told.until.astimezone(local.tzinfo)
    if told.state is State.STAFFED:
        sentence = _("Open now until %(time)s (staffed).", time=_when(until, local))
        then = _("After that it is open without staff.")
        return f"{sentence} {then}" if told.then is State.UNSTAFFED else sentence
    if told.state is State.UNSTAFFED:
        if told.then is State.STAFFED:
            return _("Open now without staff. Staff are there from %(time)s.", time=_when(until, local))
        return _("Open now until %(time)s (without staff).", time=_when(until, local))
    if told.then is State.STAFFED:
        return _("Closed now. Opens %(time)s (staffed).", time=_when(until, local))
    return _("Closed now. Opens %(time)s (without staff).", time=_when(until, local))


def _when(at: datetime, local: datetime) -> str:
    """Return a local time as the reader says it on this local day."""
    ahead = (at.date() - local.date()).days
    if ahead == 1 and at.time() == time(0):
        return "24:00"
    hour = f"{at:%H:%M}"
    if ahead == 0:
        return hour
    if ahead == 1:
        return _("tomorrow at %(time)s", time=hour)
    if ahead < len(WEEKDAYS):
        return _("%(weekday)s at %(time)s", weekday=weekday_words(WEEKDAYS[at.weekday()]), time=hour)
    return _("%(weekday)s at %(time)s", weekday=day_with_weekday(at.date()), time=hour)


def _schema(hours: OpeningHours, today: date) -> list[str]:
    week = week_on(hours, today)
    return [
        f"{name} {clock(span.opens)}-{clock(span.closes)}"
        for name, spans in zip(_SCHEMA_DAYS, week.days if week else (), strict=bool(week))
        for span in spans
        if span.staffed
    ]
