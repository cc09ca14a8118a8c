"""Ages, birthdays and bands."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.people.ages import (
    AgeBand,
    age_band,
    age_on,
    birthday,
    born_at_latest,
    day_in_norway,
    is_advised_off,
    month_after,
)

LEAP_DAY = date(2012, 2, 29)


@pytest.mark.parametrize(
    ("day", "age"),
    [
        (date(2012, 2, 29), 0),
        (date(2013, 2, 28), 0),
        (date(2013, 3, 1), 1),
        (date(2016, 2, 28), 3),
        (date(2016, 2, 29), 4),
        (date(2030, 2, 28), 17),
        (date(2030, 3, 1), 18),
    ],
)
def test_who_is_born_on_29_february_turns_a_year_older_on_1_march_of_other_years(day, age):
    assert age_on(birth_date=LEAP_DAY, day=day) == age


@given(birth_date=st.dates(date(1900, 1, 1), date(2026, 1, 1)), years=st.integers(0, 120))
def test_a_birthday_comes_overnight(birth_date, years):
    is_leap_day = (birth_date.month, birth_date.day) == (2, 29)
    birthday = date(birth_date.year + years, 3, 1) if is_leap_day else birth_date.replace(year=birth_date.year + years)
    assert age_on(birth_date=birth_date, day=birthday) == years
    if not is_leap_day:
        assert age_on(birth_date=birth_date, day=birthday - timedelta(days=1)) == years - 1


@given(born=st.dates(date(1900, 1, 1), date(2026, 1, 1)), age=st.integers(0, 25), around=st.integers(-2, 2))
def test_a_birth_date_an_age_and_a_birthday_say_the_same(born, age, around):
    day = birthday(birth_date=born, age=age) + timedelta(days=around)
    is_old_enough = around >= 0
    assert (age_on(birth_date=born, day=day) >= age) is is_old_enough
    assert (born <= born_at_latest(age=age, day=day)) is is_old_enough


@pytest.mark.parametrize(
    ("day", "after"),
    [
        (date(2026, 3, 15), date(2026, 4, 15)),
        (date(2026, 1, 31), date(2026, 2, 28)),
        (date(2028, 1, 30), date(2028, 2, 29)),
        (date(2026, 12, 31), date(2027, 1, 31)),
    ],
)
def test_a_month_after_is_the_same_day_or_the_last_of_a_shorter_month(day, after):
    assert month_after(day) == after


@given(birth_date=st.dates(date(1900, 1, 1), date(2026, 1, 1)), lived=st.integers(0, 40_000))
def test_nobody_grows_younger(birth_date, lived):
    day = birth_date + timedelta(days=lived)
    today, tomorrow = (age_on(birth_date=birth_date, day=day + timedelta(days=n)) for n in (0, 1))
    assert tomorrow - today in (0, 1)


@pytest.mark.parametrize(
    ("day", "band"),
    [
        (date(2022, 6, 14), AgeBand.CHILD),
        (date(2023, 6, 14), AgeBand.CHILD),
        (date(2023, 6, 15), AgeBand.YOUTH),
        (date(2028, 6, 14), AgeBand.YOUTH),
        (date(2028, 6, 15), AgeBand.ADULT),
    ],
)
def test_a_child_is_12_at_most_and_an_adult_18_at_least(day, band):
    assert age_band(birth_date=date(2010, 6, 15), day=day) is band


@pytest.mark.parametrize(
    ("day", "advised"),
    [(date(2023, 6, 14), False), (date(2023, 6, 15), True), (date(2028, 6, 14), True), (date(2028, 6, 15), False)],
)
def test_switching_the_family_folder_off_is_advised_from_13_until_18(day, advised):
    assert is_advised_off(birth_date=date(2010, 6, 15), day=day) is advised


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        (datetime(2026, 1, 31, 22, 59, tzinfo=UTC), date(2026, 1, 31)),
        (datetime(2026, 1, 31, 23, 0, tzinfo=UTC), date(2026, 2, 1)),
        (datetime(2026, 7, 31, 21, 59, tzinfo=UTC), date(2026, 7, 31)),
        (datetime(2026, 7, 31, 22, 0, tzinfo=UTC), date(2026, 8, 1)),
    ],
)
def test_a_day_begins_at_midnight_in_norway_in_winter_and_in_summer(instant, day):
    assert day_in_norway(instant) == day
