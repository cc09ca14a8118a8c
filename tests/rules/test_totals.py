"""Numbers that name nobody: what may be shown of totals, and what an attacker can work out of it."""

import random
from collections import deque
from collections.abc import Mapping, Sequence
from itertools import product

import pytest

from app.rules.library.totals import SMALL, Shown, Table, Way, add_up, divide, round_off

_VALUES = range(SMALL.least, SMALL.most + 1)


def _random_month(chance: random.Random, parts: int) -> dict[str, int]:
    """Many small counts, some that are nearly alike, some large: what the rules have to tell apart."""
    sizes = chance.choice(((0, 1, 2, 3, 4), (0, 1, 3, 4, 5, 6, 7), (0, 2, 4, 8, 9, 10, 40), (1, 4, 30, 31, 33, 200)))
    return {f"part {number}": chance.choice(sizes) for number in range(parts)}


class _Flow:
    """Whether whole numbers exist between bounds whose rows, columns and sum lie between bounds: a circulation."""

    def __init__(self) -> None:
        self.edges: dict[tuple[str, str], tuple[int, int]] = {}

    def is_possible(self) -> bool:
        """A circulation with lower bounds exists if and only if a maximum flow saturates them (Hoffman 1960)."""
        room: dict[str, dict[str, int]] = {}
        for (start, end), (least, most) in self.edges.items():
            if least > most:
                return False
            for one, other, amount in ((start, end, most - least), ("+", end, least), (start, "-", least)):
                room.setdefault(one, {})[other] = room.setdefault(one, {}).get(other, 0) + amount
                room.setdefault(other, {}).setdefault(one, 0)
        wanted = sum(least for least, _ in self.edges.values())
        while wanted > 0:
            came_from, following = {"+": ""}, deque(["+"])
            while following and "-" not in came_from:
                here = following.popleft()
                for other, amount in room[here].items():
                    if amount > 0 and other not in came_from:
                        came_from[other] = here
                        following.append(other)
            if "-" not in came_from:
                return False
            way, node = [], "-"
            while came_from[node]:
                way.append((came_from[node], node))
                node = came_from[node]
            amount = min(room[one][other] for one, other in way)
            for one, other in way:
                room[one][other] -= amount
                room[other][one] += amount
            wanted -= amount
        return True


def _possible(months: Sequence[Table], year: Table, *, fixed: Mapping[tuple[int, str], int]) -> bool:
    """Tell whether the figures that are shown allow that the cells in `fixed` have these values."""
    flow = _Flow()
    for number, table in enumerate(months):
        flow.edges["all", f"month {number}"] = table.total
        for name, cell in table.parts.items():
            value = fixed.get((number, name))
            flow.edges[f"month {number}", name] = cell if value is None else (value, value)
    for name, cell in year.parts.items():
        flow.edges[name, "year"] = cell
    flow.edges["year", "all"] = year.total
    return flow.is_possible()


def _attack(months: Sequence[Mapping[str, int]], *, is_over: bool) -> None:
    tables, year = [divide(month) for month in months], add_up(months, is_over=is_over)
    assert _possible(tables, year, fixed={}), "what is shown is not even right"
    for number, table in enumerate(tables):
        if table.total == SMALL:
            for value in _VALUES:
                changed = [*tables[:number], Table(Shown(value, value), table.parts, table.way), *tables[number + 1 :]]
                assert _possible(changed, year, fixed={}), (number, value, months)
        for name, cell in table.parts.items():
            true = months[number][name]
            if cell == SMALL:
                assert all(_possible(tables, year, fixed={(number, name): value}) for value in _VALUES), months
            elif 0 < true < 5:
                assert sum(_possible(tables, year, fixed={(number, name): value}) for value in range(6)) >= 4, months


def test_a_count_under_five_is_shown_as_that_and_nobody_as_nobody() -> None:
    table = divide({"books": 900, "films": 3, "games": 0, "music": 5})
    assert table.parts["films"] == SMALL
    assert table.parts["games"] == Shown(0, 0)
    assert table.parts["music"] == Shown(5, 5)
    assert table.total == Shown(908, 908)


def test_what_the_total_would_give_away_is_taken_up_by_the_largest_part() -> None:
    table = divide({"books": 900, "films": 3, "music": 40})
    assert table.way is Way.BLURRED
    assert table.parts["books"] == Shown(899, 902)


def test_a_month_with_under_five_in_all_has_no_parts() -> None:
    table = divide({"books": 2, "films": 1})
    assert (table.total, table.way) == (SMALL, Way.CLOSED)
    assert set(table.parts.values()) == {Shown(0, 4)}


def test_two_that_are_four_each_are_not_given_away_by_their_sum() -> None:
    assert divide({"books": 4, "films": 4}).way is Way.CLOSED


def test_many_small_days_are_shown_where_their_sum_says_nothing_of_any() -> None:
    days = {str(day): 1 + day % 4 for day in range(28)}
    table = divide(days)
    assert table.way is Way.SUMMED
    assert set(table.parts.values()) == {SMALL}


def test_a_year_is_exact_where_that_tells_nothing_of_a_month() -> None:
    months = [{"books": 900, "music": 1 + number % 4} for number in range(12)]
    year = add_up(months, is_over=True)
    assert year.parts["music"] == Shown(30, 30)
    assert year.parts["books"] == Shown(10_800, 10_800)
    assert year.total == Shown(10_830, 10_830)


def test_a_year_with_one_small_month_is_a_range() -> None:
    months = [{"books": 900, "music": 3 if number == 6 else 10} for number in range(12)]
    assert add_up(months, is_over=True).parts["music"] == Shown(111, 114)


def test_a_year_that_goes_on_shows_only_what_its_months_show() -> None:
    months = [{"books": 900, "music": 1 + number % 4} for number in range(11)]
    before, after = (add_up(months[:count], is_over=False).parts["music"] for count in (10, 11))
    assert (after.least - before.least, after.most - before.most) == SMALL


@pytest.mark.parametrize("seed", range(40))
def test_no_small_count_can_be_worked_out_of_a_year_and_its_months(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(6):
        parts = chance.randint(1, 5)
        months = [_random_month(chance, parts) for _ in range(chance.randint(1, 5))]
        for is_over in (True, False):
            _attack(months, is_over=is_over)


@pytest.mark.long
def test_no_small_count_can_be_worked_out_of_many_years() -> None:
    chance = random.Random(20261129)
    for _ in range(60):
        parts = chance.randint(1, 8)
        _attack([_random_month(chance, parts) for _ in range(12)], is_over=chance.random() < 0.7)


def test_no_small_count_can_be_worked_out_by_somebody_who_knows_the_rules() -> None:
    """All tables of three or four parts up to eleven: those that look alike have different small counts."""
    for parts in (2, 3, 4):
        alike: dict[object, list[tuple[int, ...]]] = {}
        for counts in product(range(12 if parts < 4 else 9), repeat=parts):
            table = divide({str(number): count for number, count in enumerate(counts)})
            alike.setdefault((table.total, tuple(table.parts.values())), []).append(counts)
        largest = 8 if parts == 4 else 11
        for (_, shown), tables in ((key, value) for key, value in alike.items() if isinstance(key, tuple)):
            if max(sum(counts) for counts in tables) > largest:
                # Beyond the largest count that was tried there may be more that look alike.
                continue
            for number, cell in enumerate(shown):
                if cell == SMALL:
                    assert len({counts[number] for counts in tables}) >= 3, tables


def test_how_many_there_are_is_told_in_tens() -> None:
    assert round_off(0) == Shown(0, 9)
    assert round_off(1234) == Shown(1230, 1239)
