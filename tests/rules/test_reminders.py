"""Quiet hours, on Norway's clock."""

from datetime import UTC, datetime

import pytest

from app.rules.people.ages import NORWAY
from app.rules.people.reminders import Choices, quiet_until


def hours(begin: int | None, end: int | None) -> Choices:
    ways = dict.fromkeys(("due", "ready", "overdue", "permission"), "email")
    return Choices(**ways, days_before=3, quiet_from=begin, quiet_to=end)


@pytest.mark.parametrize(
    ("begin", "end", "now", "until"),
    [
        (21, 8, "2026-11-29T20:59", None),
        (21, 8, "2026-11-29T21:00", "2026-11-30T08:00"),
        (21, 8, "2026-11-30T03:00", "2026-11-30T08:00"),
        (21, 8, "2026-11-30T07:59", "2026-11-30T08:00"),
        (21, 8, "2026-11-30T08:00", None),
        (9, 15, "2026-11-30T12:30", "2026-11-30T15:00"),
        (9, 15, "2026-11-30T15:00", None),
        (0, 7, "2026-11-30T00:00", "2026-11-30T07:00"),
        (22, 0, "2026-11-30T23:30", "2026-12-01T00:00"),
        (8, 8, "2026-11-30T08:00", None),
        (None, None, "2026-11-30T03:00", None),
        # The clock goes forward and back within these nights.
        (21, 8, "2026-03-28T23:00", "2026-03-29T08:00"),
        (21, 8, "2026-10-24T23:00", "2026-10-25T08:00"),
    ],
)
def test_quiet_hours_end_on_norways_clock(begin, end, now, until):
    instant = datetime.fromisoformat(now).replace(tzinfo=NORWAY).astimezone(UTC)
    found = quiet_until(hours(begin, end), now=instant)
    assert found == (until and datetime.fromisoformat(until).replace(tzinfo=NORWAY))


def test_an_hour_that_comes_twice_is_quiet_both_times():
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    again = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert quiet_until(hours(2, 3), now=first) is not None
    assert quiet_until(hours(2, 3), now=again) is not None


def test_who_has_chosen_nothing_has_no_quiet_hours():
    assert quiet_until(None, now=datetime(2026, 11, 30, 3, tzinfo=UTC)) is None
