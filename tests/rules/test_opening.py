"""When a library is open: weeks, exceptions, nights of daylight saving, and what comes next."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.library.opening import (
    CLOSED_WEEK,
    BadHours,
    Exceptional,
    OpeningHours,
    Span,
    State,
    Week,
    WeekFrom,
    clock,
    coming_exceptions,
    make_span,
    open_at,
    read_day,
    read_week,
    spans_on,
    state_at,
    write_day,
    write_week,
)

OSLO = ZoneInfo("Europe/Oslo")
MONDAY = date(2026, 11, 30)
STAFFED, UNSTAFFED = Span(10 * 60, 19 * 60), Span(6 * 60, 23 * 60, staffed=False)


def hours(*days: tuple[Span, ...], exceptions: tuple[Exceptional, ...] = ()) -> OpeningHours:
    """Hours from Monday on; the days that are not given are closed."""
    week: Week = (*days, *CLOSED_WEEK[len(days) :])
    return OpeningHours(zone=OSLO, weeks=(WeekFrom(since=date(2026, 1, 1), days=week),), exceptions=exceptions)


def at(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=OSLO)


def said(found: OpeningHours, now: datetime) -> tuple[str, datetime | None, str | None]:
    told = open_at(found, now)
    return told.state, told.until and told.until.astimezone(OSLO), told.then


def test_staff_come_and_go_within_the_hours_without() -> None:
    found = hours((STAFFED, UNSTAFFED))
    assert said(found, at(30, 5)) == ("closed", at(30, 6), "unstaffed")
    assert said(found, at(30, 6)) == ("unstaffed", at(30, 10), "staffed")
    assert said(found, at(30, 10)) == ("staffed", at(30, 19), "unstaffed")
    assert said(found, at(30, 19)) == ("unstaffed", at(30, 23), "closed")
    assert said(found, at(30, 23)) == ("closed", at(7, 6, month=12), "unstaffed")


def test_hours_over_midnight_belong_to_the_day_on_which_they_begin() -> None:
    late = make_span(opens=time(20), closes=time(2), staffed=True)
    assert said(hours((late,)), at(30, 23)) == ("staffed", at(1, 2, month=12), "closed")
    assert state_at(hours((late,)), at(1, 1, 59, month=12)) is State.STAFFED
    assert state_at(hours((late,)), at(30, 1)) is State.CLOSED


def test_a_day_and_night_library_never_changes() -> None:
    around = make_span(opens=time(0), closes=time(0), staffed=False)
    assert said(hours(*[(around,)] * 7), at(30, 12)) == ("unstaffed", None, None)
    assert said(OpeningHours(zone=OSLO), at(30, 12)) == ("closed", None, None)


def test_the_next_opening_is_found_across_a_summer() -> None:
    summer = Exceptional(first=date(2026, 6, 29), last=date(2026, 8, 9))
    found = hours(*[(STAFFED,)] * 5, exceptions=(summer,))
    assert said(found, at(28, 12, month=6)) == ("closed", at(10, 10, month=8), "staffed")


def test_exceptions_win_and_a_years_own_dates_win_over_those_of_every_year() -> None:
    christmas = Exceptional(first=date(2020, 12, 24), last=date(2021, 1, 2), yearly=True, note="Christmas")
    short = Exceptional(first=date(2026, 12, 28), last=date(2026, 12, 28), spans=(STAFFED,))
    found = hours(*[(UNSTAFFED,)] * 7, exceptions=(christmas, short))
    assert spans_on(found, date(2026, 12, 23)) == (UNSTAFFED,)
    assert spans_on(found, date(2026, 12, 28)) == (STAFFED,)
    around = [date(2026, 12, 20) + timedelta(days=ahead) for ahead in range(22)]
    assert [day for day in around if not spans_on(found, day)] == [
        *(date(2026, 12, day) for day in (24, 25, 26, 27, 29, 30, 31)),
        date(2027, 1, 1),
        date(2027, 1, 2),
    ]
    coming = coming_exceptions(found, today=date(2026, 12, 25), days=30)
    assert [(each.first.day, each.last.day) for each in coming] == [(25, 27), (28, 28), (29, 2)]
    assert coming[0].note == "Christmas"


def test_a_leap_day_of_every_year_is_there_in_leap_years_alone() -> None:
    leap = Exceptional(first=date(2024, 2, 29), last=date(2024, 2, 29), yearly=True)
    found = hours(*[(STAFFED,)] * 7, exceptions=(leap,))
    around = [date(2027, 2, 1) + timedelta(days=ahead) for ahead in range(424)]
    assert [day for day in around if not spans_on(found, day)] == [date(2028, 2, 29)]


def test_a_week_is_valid_from_its_day() -> None:
    weeks = (
        WeekFrom(since=date(2026, 1, 1), days=((STAFFED,), *CLOSED_WEEK[1:])),
        WeekFrom(since=date(2026, 12, 1), days=CLOSED_WEEK),
    )
    found = OpeningHours(zone=OSLO, weeks=weeks)
    assert [spans_on(found, MONDAY + timedelta(days=days)) for days in (-7, 0, 7)] == [(STAFFED,), (STAFFED,), ()]
    assert spans_on(found, date(2025, 12, 29)) == ()


@pytest.mark.parametrize(
    ("night", "opens", "closes", "minutes"),
    [
        (date(2026, 3, 28), "22:00", "06:00", 7 * 60),
        (date(2026, 10, 24), "22:00", "06:00", 9 * 60),
        (date(2026, 3, 29), "02:15", "04:00", 45),
        (date(2026, 10, 25), "01:00", "02:30", 90),
    ],
)
def test_nights_of_daylight_saving(night: date, opens: str, closes: str, minutes: int) -> None:
    span = make_span(opens=time.fromisoformat(opens), closes=time.fromisoformat(closes), staffed=True)
    found = hours(exceptions=(Exceptional(first=night, last=night, spans=(span,)),))
    start = datetime.combine(night, time(0), OSLO).astimezone(UTC)
    states = [state_at(found, start + timedelta(minutes=minute)) for minute in range(36 * 60)]
    assert states.count(State.STAFFED) == minutes


def test_what_is_written_is_read() -> None:
    text = write_day((UNSTAFFED, STAFFED, make_span(opens=time(20), closes=time(0), staffed=True)))
    assert text == "unstaffed 06:00-23:00, staffed 10:00-19:00, staffed 20:00-24:00"
    assert clock(25 * 60 + 30) == "01:30"
    assert write_week(CLOSED_WEEK) == "\n" * 6


@pytest.mark.parametrize("text", ["10-19", "staffed 10:00-19:60", "staffed 24:00-24:00", "staffed 10:00-25:00", " "])
def test_other_texts_are_no_hours(text: str) -> None:
    with pytest.raises(BadHours):
        read_day(text)
    with pytest.raises(BadHours):
        read_week(text)


_MINUTES = st.times().map(lambda each: each.replace(second=0, microsecond=0))
_SPANS = st.builds(make_span, opens=_MINUTES, closes=_MINUTES, staffed=st.booleans())
_DAYS = st.lists(_SPANS, max_size=3).map(lambda spans: tuple(sorted(spans)))
_WEEKS = st.tuples(*[_DAYS] * 7)
_NEAR = st.dates(date(2026, 3, 25), date(2026, 4, 2)) | st.dates(date(2026, 10, 21), date(2026, 10, 29))


@st.composite
def _exceptions(draw: st.DrawFn) -> Exceptional:
    first = draw(_NEAR)
    last = first + timedelta(days=draw(st.integers(0, 3)))
    return Exceptional(first=first, last=last, yearly=draw(st.booleans()), spans=draw(_DAYS))


_HOURS = st.builds(
    OpeningHours,
    zone=st.just(OSLO),
    weeks=_WEEKS.map(lambda days: (WeekFrom(since=date(2026, 1, 1), days=days),)),
    exceptions=st.lists(_exceptions(), max_size=2).map(tuple),
)
_NOW = st.builds(
    lambda day, minute: datetime.combine(day, time(0), OSLO).astimezone(UTC) + timedelta(minutes=minute),
    _NEAR,
    st.integers(0, 24 * 60),
)


@given(_WEEKS)
def test_every_week_survives_its_text(days: Week) -> None:
    assert read_week(write_week(days)) == days


@given(_HOURS, _NOW)
def test_nothing_changes_before_the_next_change_and_then_it_does(found: OpeningHours, now: datetime) -> None:
    now = now.astimezone(UTC)
    told = open_at(found, now)
    assert told.state is state_at(found, now)
    end = told.until or now + timedelta(days=9)
    moment = now
    while moment < end:
        assert state_at(found, moment) is told.state
        moment += timedelta(minutes=7)
    if told.until is not None:
        assert told.until > now
        assert state_at(found, told.until - timedelta(microseconds=1)) is told.state
        assert state_at(found, told.until) is told.then is not told.state


@given(_HOURS, st.dates(date(2026, 5, 4), date(2026, 5, 24)), _MINUTES)
def test_on_an_ordinary_day_the_clock_on_the_wall_decides(found: OpeningHours, day: date, when: time) -> None:
    minute = when.hour * 60 + when.minute
    inside = [span for span in spans_on(found, day) if span.opens <= minute < span.closes]
    before = [span for span in spans_on(found, day - timedelta(days=1)) if span.closes > minute + 24 * 60]
    now = datetime.combine(day, when, OSLO)
    assert (state_at(found, now) is not State.CLOSED) == bool(inside or before)
    assert (state_at(found, now) is State.STAFFED) == any(span.staffed for span in (*inside, *before))


@given(_HOURS, st.dates(date(2026, 3, 1), date(2026, 10, 1)))
def test_coming_exceptions_agree_with_the_days_themselves(found: OpeningHours, today: date) -> None:
    days = [today + timedelta(days=ahead) for ahead in range(60)]
    coming = coming_exceptions(found, today=today, days=60)
    about = {day: each.spans for each in coming for day in days if each.first <= day <= each.last}
    assert all(spans_on(found, day) == spans for day, spans in about.items())
    rest = found.weeks[0].days
    assert all(spans_on(found, day) == rest[day.weekday()] for day in days if day not in about)
