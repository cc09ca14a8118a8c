"""When a library closes."""

from datetime import date

import pytest

from app.rules.library.closing import closing_time

HOURS = ("mo-th 10:00-20:00", "fr 10:00-16:00", "mo 21:00-22:00", "never", "xx-yy 10:00-23:00")


@pytest.mark.parametrize(("day", "closes"), [(30, "22:00"), (26, "20:00"), (27, "16:00"), (28, None)])
def test_the_last_hours_of_the_weekday_count(day: int, closes: str | None) -> None:
    assert closing_time(HOURS, day=date(2026, 11, day)) == closes


def test_without_hours_nothing_is_known() -> None:
    assert closing_time((), day=date(2026, 11, 30)) is None
