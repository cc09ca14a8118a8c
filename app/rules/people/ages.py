"""Ages and age bands (barn, ungdom, voksen)."""

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


def age_band(*, birth_date: date, day: date) -> AgeBand:
    """Return the age band on `day`."""
    age = age_on(birth_date=birth_date, day=day)
    if age <= CHILD_UNTIL:
        return AgeBand.CHILD
    return AgeBand.YOUTH if age < ADULT_FROM else AgeBand.ADULT


def is_advised_off(*, birth_date: date, day: date) -> bool:
    """Tell whether a minor is older than 12, and so advised to switch the family folder off."""
    return CHILD_UNTIL < age_on(birth_date=birth_date, day=day) < ADULT_FROM
