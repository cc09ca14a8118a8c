"""Ages. Every limit is a library's setting; the values here are the defaults (DOMAIN: barn, ungdom, voksen)."""

from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

NORWAY = ZoneInfo("Europe/Oslo")

CHILD_UNTIL = 12
"""The last year of life counted as barn: after the 12th year the family folder is advised switched off."""

ADULT_FROM = 18


class AgeBand(StrEnum):
    """What a desk needs to know of somebody's age, and no more."""

    CHILD = "barn"
    YOUTH = "ungdom"
    ADULT = "voksen"


def day_in_norway(now: datetime) -> date:
    """Return the calendar day in Norway at an aware instant: a birthday begins at midnight there."""
    return now.astimezone(NORWAY).date()


def age_on(*, birth_date: date, day: date) -> int:
    """Return whole years lived on `day`. Who is born on 29 February turns a year older on 1 March."""
    before_birthday = (day.month, day.day) < (birth_date.month, birth_date.day)
    return day.year - birth_date.year - before_birthday


def age_band(*, birth_date: date, day: date) -> AgeBand:
    """Return the band in which somebody born on `birth_date` is on `day`."""
    age = age_on(birth_date=birth_date, day=day)
    if age <= CHILD_UNTIL:
        return AgeBand.CHILD
    return AgeBand.YOUTH if age < ADULT_FROM else AgeBand.ADULT


def is_advised_off(*, birth_date: date, day: date) -> bool:
    """Tell whether a young person is past the 12th year, so that the family folder is advised switched off (seed)."""
    return CHILD_UNTIL < age_on(birth_date=birth_date, day=day) < ADULT_FROM
