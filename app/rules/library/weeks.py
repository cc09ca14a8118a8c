"""A month's weeks and days: which are shown, and what of them, so that no small count follows from them together.

A week that lies across two months is two weeks here, one in each, so that every day is in one week of one month.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Final, NamedTuple

from app.rules.library.totals import LEAST, SMALL, Shown, Table, Way, divide, round_off

_VALUES: Final = SMALL.most - SMALL.least + 1
"""How many counts a hidden one may at least be."""


class Week(NamedTuple):
    """A week, or what lies of it in a month: its first and last day."""

    first: date
    last: date

    def is_over(self, today: date) -> bool:
        """Tell whether it is shown: from the second day after it, when its last scans are counted."""
        return self.last < today - timedelta(days=1)


def weeks_of(year: int, month: int) -> list[Week]:
    """Return a month's weeks in their order; they begin on Mondays, and on the month's first day."""
    found, first = [], date(year, month, 1)
    end = date(year + month // 12, month % 12 + 1, 1)
    while first < end:
        after = min(end, first + timedelta(days=7 - first.weekday()))
        found.append(Week(first, after - timedelta(days=1)))
        first = after
    return found


def running_month(today: date) -> date:
    """Return the first day of the month after the newest that is shown as a whole."""
    return (today - timedelta(days=1)).replace(day=1)


def add_weeks(weeks: Sequence[int]) -> Shown:
    """Return what is shown of a month that goes on: what follows from its weeks, which are shown in full tens."""
    shown = [round_off(week) for week in weeks]
    return Shown(sum(week.least for week in shown), sum(week.most for week in shown))


def divide_days(days: Mapping[date, int], total: Table[str]) -> Table[date]:
    """Return what may be shown of a month's days beside its weeks and its `total`, which is made with those weeks.

    Each week is divided by itself, as if its own sum were known: so its full ten tells nothing more, nor does the
    month. That is not so of a week under five, whose sum would follow; then the month is divided as a whole, if that
    withstands the weeks.
    """
    by_week: dict[date, dict[date, int]] = {}
    for day, count in days.items():
        by_week.setdefault(max(day.replace(day=1), day - timedelta(days=day.weekday())), {})[day] = count
    if any(0 < sum(week.values()) < LEAST for week in by_week.values()):
        parts = divide(days).parts
    else:
        parts = {day: shown for week in by_week.values() for day, shown in divide(week).parts.items()}
    if total.total.is_exact and _withstands(total.total, by_week, parts):
        is_open = all(shown.is_exact for shown in parts.values())
        return Table(total.total, parts, Way.OPEN if is_open else Way.BLURRED)
    return Table(total.total, dict.fromkeys(days, Shown(0, total.total.most)), Way.CLOSED)


def _withstands(total: Shown, by_week: Mapping[date, Mapping[date, int]], parts: Mapping[date, Shown]) -> bool:
    """Tell whether each hidden day may be all that is shown of it, whatever follows from days, weeks and month.

    What follows for one that is in a sum is what the sum leaves when the others are as small or as large as can be.
    """
    weeks = [_both(_sum([parts[day] for day in days]), round_off(sum(days.values()))) for days in by_week.values()]
    for week, days in zip(_within(weeks, total), by_week.values(), strict=True):
        cells = [parts[day] for day in days]
        for cell, left in zip(cells, _within(cells, week), strict=True):
            if cell == SMALL and left != SMALL:
                return False
            if cell.least < LEAST and not cell.is_exact and left.most - left.least + 1 < _VALUES:
                return False
        if 0 < sum(days.values()) < LEAST and week.most - week.least + 1 < _VALUES:
            return False
    return True


def _within(cells: Sequence[Shown], total: Shown) -> list[Shown]:
    """Return what each cell may be when their sum is `total`."""
    whole = _sum(cells)
    return [
        _both(cell, Shown(total.least - whole.most + cell.most, total.most - whole.least + cell.least))
        for cell in cells
    ]


def _sum(cells: Sequence[Shown]) -> Shown:
    return Shown(sum(cell.least for cell in cells), sum(cell.most for cell in cells))


def _both(one: Shown, other: Shown) -> Shown:
    return Shown(max(one.least, other.least), min(one.most, other.most))
