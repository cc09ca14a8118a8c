"""Weeks of a month that goes on, and days of one that is over: what an attacker can work out of all together."""

import random
from collections.abc import Mapping
from datetime import date, timedelta
from itertools import combinations

import pytest

from app.rules.library.totals import SMALL, Shown, Table, Way, divide, round_off
from app.rules.library.weeks import Week, add_weeks, divide_days, running_month, weeks_of

MONTHS = [(2026, 2), (2026, 6), (2026, 8), (2026, 11)]
"""Four whole weeks; begins on a Monday; begins on a Saturday; begins on a Sunday and ends on a Monday."""
_ANY = 10**6


def by_week(days: Mapping[date, int], weeks: list[Week]) -> list[int]:
    return [sum(count for day, count in days.items() if week.first <= day <= week.last) for week in weeks]


def random_days(chance: random.Random, year: int, month: int) -> dict[date, int]:
    """Busy weeks, quiet weeks and weeks with next to nothing, as in a library that is seldom open."""
    days = {}
    for week in weeks_of(year, month):
        sizes = chance.choice(((0,), (0, 0, 0, 1, 2), (0, 1, 3, 4), (0, 2, 5, 6, 9), (0, 4, 9, 30, 31), (200, 3, 90)))
        for number in range(week.first.toordinal(), week.last.toordinal() + 1):
            days[date.fromordinal(number)] = chance.choice(sizes)
    return days


class _Known:
    """What follows, exactly, of every run of days: from bounds of runs of days (shortest paths, Floyd and Warshall).

    Bounds of differences of whole numbers are a system in which every whole number between two tight bounds is
    possible.
    """

    def __init__(self, days: int) -> None:
        self.least_most = [[0 if one == other else _ANY for other in range(days + 1)] for one in range(days + 1)]
        for day in range(days):
            self.bound(day, day + 1, Shown(0, _ANY))

    def bound(self, after: int, until: int, shown: Shown) -> None:
        """Note that so many happened on the days after one and until another, both counted from 0."""
        table = self.least_most
        table[after][until] = min(table[after][until], shown.most)
        table[until][after] = min(table[until][after], -shown.least)

    def work_out(self) -> None:
        table = self.least_most
        for by in range(len(table)):
            through = table[by]
            for row in table:
                if (first := row[by]) < _ANY:
                    row[:] = [min(known, first + more) for known, more in zip(row, through, strict=True)]
        assert all(table[day][day] == 0 for day in range(len(table))), "what is shown is not even right"

    def of(self, after: int, until: int) -> Shown:
        return Shown(-self.least_most[until][after], self.least_most[after][until])


def _attack(days: Mapping[date, int], *, with_days: bool) -> Table[date]:
    first = min(days)
    weeks = weeks_of(first.year, first.month)
    counts = by_week(days, weeks)
    month = divide({"": sum(days.values())}, weeks=counts)
    table = divide_days(days, month)
    known = _Known(len(days))
    known.bound(0, len(days), month.total)
    for week, count in zip(weeks, counts, strict=True):
        known.bound(week.first.day - 1, week.last.day, round_off(count))
    if with_days:
        for day, shown in table.parts.items():
            known.bound(day.day - 1, day.day, shown)
    known.work_out()
    for day, count in days.items():
        if with_days and table.parts[day] == SMALL:
            assert known.of(day.day - 1, day.day) == SMALL, days
        if 0 < count < 5:
            assert _values(known.of(day.day - 1, day.day)) >= 4, (day, days)
    ends = [week.first.day - 1 for week in weeks] + [len(days)]
    for after, until in combinations(ends, 2):
        if 0 < sum(count for day, count in days.items() if after < day.day <= until) < 5:
            assert _values(known.of(after, until)) >= 4, (after, until, days)
    return table


def _values(shown: Shown) -> int:
    return shown.most - shown.least + 1


def test_every_day_is_in_one_week_of_its_month() -> None:
    for year, month in MONTHS:
        days = [
            week.first + timedelta(days=number)
            for week in weeks_of(year, month)
            for number in range((week.last - week.first).days + 1)
        ]
        assert days == sorted(set(days))
        assert {(day.year, day.month) for day in days} == {(year, month)}
        assert (days[-1] + timedelta(days=1)).day == 1
        assert all(week.first.weekday() == 0 or week.first.day == 1 for week in weeks_of(year, month))


def test_a_week_is_shown_from_the_second_day_after_it() -> None:
    week = Week(date(2026, 11, 16), date(2026, 11, 22))
    assert not week.is_over(date(2026, 11, 23))
    assert week.is_over(date(2026, 11, 24))


@pytest.mark.parametrize(("today", "month"), [("2026-06-01", "2026-05-01"), ("2026-06-02", "2026-06-01")])
def test_a_month_goes_on_until_it_is_shown(today: str, month: str) -> None:
    assert running_month(date.fromisoformat(today)) == date.fromisoformat(month)


def test_a_month_that_goes_on_shows_what_its_weeks_show() -> None:
    assert add_weeks([]) == Shown(0, 0)
    assert add_weeks([37, 4]) == Shown(30, 48)


def test_two_looks_at_a_month_that_goes_on_differ_by_full_tens() -> None:
    for count in range(40):
        before, after = add_weeks([37]), add_weeks([37, count])
        assert Shown(after.least - before.least, after.most - before.most) == round_off(count)


def test_a_month_that_would_tell_of_a_quiet_week_is_a_full_ten_without_parts() -> None:
    assert divide({"books": 12, "films": 9}, weeks=[20, 1]).total == Shown(20, 29)
    assert divide({"books": 12, "films": 9}, weeks=[20, 1]).way is Way.CLOSED
    assert divide({"books": 12, "films": 9}, weeks=[16, 5]).total == Shown(21, 21)
    assert divide({"books": 12, "films": 8}, weeks=[20, 0]).total == Shown(20, 20)
    assert divide({"books": 7, "films": 5}, weeks=[12, 0, 0]).total == Shown(12, 12)


def test_days_of_busy_weeks_are_shown_as_they_are() -> None:
    days = {date(2026, 6, day): 20 + day for day in range(1, 31)}
    table = _attack(days, with_days=True)
    assert table.way is Way.OPEN
    assert table.parts[date(2026, 6, 7)] == Shown(27, 27)


def test_a_quiet_day_is_taken_up_by_the_largest_day_of_its_week() -> None:
    days = {date(2026, 6, day): 20 + day for day in range(1, 31)} | {date(2026, 6, 10): 2, date(2026, 6, 14): 90}
    table = _attack(days, with_days=True)
    assert table.parts[date(2026, 6, 10)] == SMALL
    assert [day.day for day, shown in table.parts.items() if not shown.is_exact] == [10, 14]


@pytest.mark.parametrize("seed", range(30))
def test_no_small_count_can_be_worked_out_of_weeks_days_and_month(seed: int) -> None:
    chance = random.Random(seed)
    for year, month in MONTHS:
        for with_days in (True, False):
            _attack(random_days(chance, year, month), with_days=with_days)


@pytest.mark.long
def test_no_small_count_can_be_worked_out_of_many_months() -> None:
    chance, ways = random.Random(20261129), set()
    for _ in range(1500):
        days = random_days(chance, *chance.choice(MONTHS))
        ways.add(_attack(days, with_days=True).way)
        _attack(days, with_days=False)
    assert ways == {Way.OPEN, Way.BLURRED, Way.CLOSED}
