"""Ages and age bands (barn, ungdom, voksen)."""

from calendar import isleap, monthrange
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

NORWAY = ZoneInfo("Europe/Oslo")

CHILD_UNTIL = 12
"""The last age of a child. Past it, patron and guardian are advised to switch the family folder off."""

ADULT_FROM = 18


class AgeBand(StrEnum):
    """An age as a desk sees it."""

    CHILD = "barn"
    YOUTH = "ungdom"
    ADULT = "voksen"


def day_in_norway(now: datetime) -> date:
    """Return the calendar day in Norway at an aware instant."""
    return now.astimezone(NORWAY).date()


def age_on(*, birth_date: date, day: date) -> int:
    """Return the age in whole years on `day`. A birthday on 29 February counts on 1 March."""
    before_birthday = (day.month, day.day) < (birth_date.month, birth_date.day)
    return day.year - birth_date.year - before_birthday


def birthday(*, birth_date: date, age: int) -> date:
    """Return the day on which somebody turns this age. A birthday on 29 February counts on 1 March."""
    return month_day(year=birth_date.year + age, like=birth_date, instead=(3, 1))


def born_at_latest(*, age: int, day: date) -> date:
    """Return the last birth date of those who are at least this old on `day`."""
    return month_day(year=day.year - age, like=day, instead=(2, 28))


def month_day(*, year: int, like: date, instead: tuple[int, int]) -> date:
    """Return the same day of another year; `instead` (month, day) where that year has no 29 February."""
    leaps = (like.month, like.day) == (2, 29) and not isleap(year)
    return date(year, *instead) if leaps else like.replace(year=year)


def month_after(day: date) -> date:
    """Return the same day of the next month, or the last of that month where it is shorter."""
    year, month = (day.year + 1, 1) if day.month == 12 else (day.year, day.month + 1)
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def age_band(*, birth_date: date, day: date) -> AgeBand:
    """Return the age band on `day`."""
    age = age_on(birth_date=birth_date, day=day)
    if age <= CHILD_UNTIL:
        return AgeBand.CHILD
    return AgeBand.YOUTH if age < ADULT_FROM else AgeBand.ADULT


def is_advised_off(*, birth_date: date, day: date) -> bool:
    """Tell whether a minor is older than 12, and so advised to switch the family folder off."""
    return CHILD_UNTIL < age_on(birth_date=birth_date, day=day) < ADULT_FROM
