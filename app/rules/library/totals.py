"""What may be shown of totals: no count under five, and none that can be worked out from what else is shown.

Shown are months and years, and the weeks of a month in full tens, all when they are over; of a month and a year that go
on, what follows from these. Why, and what withstands which attack: docs/adr/0039-numbers-that-name-nobody.md.
"""

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Generic, NamedTuple, TypeVar

Part = TypeVar("Part", bound=Hashable)

LEAST: Final = 5
"""The smallest count that is shown, but for 0, which tells of nobody."""


class Shown(NamedTuple):
    """What is shown of a count: that it is one of `least` to `most`. The two are equal where it is shown itself."""

    least: int
    most: int

    @property
    def is_exact(self) -> bool:
        """Tell whether the count itself is shown."""
        return self.least == self.most


SMALL: Final = Shown(1, LEAST - 1)
"""Shown as "under 5"."""


class Way(StrEnum):
    """How a table was made safe.

    OPEN: there was nothing to hide. BLURRED: the largest part is shown as a range, which takes up what the others hide.
    SUMMED: the sum of the small parts, which can be worked out, tells nothing of any. CLOSED: no part is shown.
    """

    OPEN = "open"
    BLURRED = "blurred"
    SUMMED = "summed"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Table(Generic[Part]):
    """A total, and the parts that it is divided into, as they may be shown. Where it is CLOSED, parts are not."""

    total: Shown
    parts: Mapping[Part, Shown]
    way: Way


def divide(parts: Mapping[Part, int], *, weeks: Sequence[int] = ()) -> Table[Part]:
    """Return what may be shown of a month's total and its parts, where its `weeks` were shown in full tens before.

    A part that is shown as under five may still be each of 1, 2, 3 and 4, whatever can be worked out of the figures
    beside it. The month's total is a full ten, and has no parts, where it would tell too much of a week under five.
    """
    total = _show(sum(parts.values()))
    shown = {part: _show(count) for part, count in parts.items()}
    small = [part for part in parts if shown[part] == SMALL]
    if total == SMALL:
        return Table(total, dict.fromkeys(parts, Shown(0, SMALL.most)), Way.CLOSED)
    if _tells_of_weeks(total.least, weeks):
        total = round_off(total.least)
        return Table(total, dict.fromkeys(parts, Shown(0, total.most)), Way.CLOSED)
    if not small:
        return Table(total, shown, Way.OPEN)
    if blurred := _blur(parts, small=len(small), largest=1):
        return Table(total, shown | blurred, Way.BLURRED)
    if _is_free([SMALL] * len(small), sum(parts[part] for part in small)):
        return Table(total, shown, Way.SUMMED)
    if blurred := _blur(parts, small=len(small), largest=2) or _blur(parts, small=len(small), largest=3):
        return Table(total, shown | blurred, Way.BLURRED)
    return Table(total, dict.fromkeys(parts, Shown(0, total.most)), Way.CLOSED)


def add_up(
    months: Sequence[Mapping[str, int]], *, is_over: bool, weeks: Sequence[Sequence[int]] | None = None
) -> Table[str]:
    """Return what may be shown of a year beside its months, each of which is shown by `divide`, with its weeks.

    `is_over`: all of the year's months are given. Before, nothing is shown that does not follow from the months.
    """
    names = list(dict.fromkeys(name for parts in months for name in parts))
    months = [{name: parts.get(name, 0) for name in names} for parts in months]
    tables = [divide(parts, weeks=own) for parts, own in zip(months, weeks or [()] * len(months), strict=True)]
    total = _sum([table.total for table in tables], sum(sum(parts.values()) for parts in months), is_over=is_over)
    shown: dict[str, Shown] = {}
    for name in names:
        cells = [table.parts[name] for table in tables]
        # Only where another part takes up what this one hides, its months are bound by nothing but their sum.
        is_bound = any(
            not cell.is_exact and (cell != SMALL or table.way is not Way.BLURRED)
            for cell, table in zip(cells, tables, strict=True)
        )
        count = sum(parts[name] for parts in months)
        shown[name] = _sum(cells, count, is_over=is_over and not is_bound)
    return Table(total, _fill_gap(total, shown), _way_of(shown.values()))


def round_off(count: int) -> Shown:
    """Return what is shown of how many there are at a moment, which is compared with the month before: full tens."""
    return Shown(count // 10 * 10, count // 10 * 10 + 9)


def _tells_of_weeks(total: int, weeks: Sequence[int]) -> bool:
    """Tell whether a month's total shows of a week under five, which is shown as under ten, that it is under four."""
    rest = total - sum(round_off(week).least for week in weeks)
    return 0 < rest < LEAST - 1 and any(0 < week < LEAST for week in weeks)


def _show(count: int) -> Shown:
    return SMALL if 0 < count < LEAST else Shown(count, count)


def _blur(parts: Mapping[Part, int], *, small: int, largest: int) -> dict[Part, Shown]:
    """Return the largest parts as ranges wide enough for whatever the small ones are; empty where they are too small.

    They are larger than the next part, which is shown, and together with the small ones they are a known sum.
    """
    in_order = sorted(parts, key=lambda part: parts[part], reverse=True)
    least = max([parts[part] for part in in_order[largest : largest + 1]] + [LEAST - 1]) + 1
    together = sum(parts[part] for part in in_order[:largest]) + sum(n for n in parts.values() if n < LEAST)
    if together - SMALL.most * small < largest * least:
        return {}
    others = (largest - 1) * least
    lowest = together - SMALL.most * small if largest == 1 else least
    return dict.fromkeys(in_order[:largest], Shown(lowest, together - SMALL.least * small - others))


def _is_free(cells: Sequence[Shown], total: int) -> bool:
    """Tell whether each cell may still be all that is shown of it, though the sum of all is known."""
    least, most = sum(cell.least for cell in cells), sum(cell.most for cell in cells)
    return all(total - most + cell.most <= cell.least and total - least + cell.least >= cell.most for cell in cells)


def _sum(cells: Sequence[Shown], count: int, *, is_over: bool) -> Shown:
    """Return the sum itself where it tells nothing of a month, or else what follows from the months."""
    hidden = [cell for cell in cells if not cell.is_exact]
    known = sum(cell.least for cell in cells if cell.is_exact)
    if is_over and _is_free(hidden, count - known):
        return Shown(count, count)
    return Shown(sum(cell.least for cell in cells), sum(cell.most for cell in cells))


def _fill_gap(total: Shown, shown: Mapping[str, Shown]) -> Mapping[str, Shown]:
    """A single part that is not exact follows from the others and the total."""
    gaps = [name for name, each in shown.items() if not each.is_exact]
    if not total.is_exact or len(gaps) != 1:
        return shown
    rest = total.least - sum(each.least for each in shown.values() if each.is_exact)
    return {**shown, gaps[0]: Shown(rest, rest)}


def _way_of(shown: Collection[Shown]) -> Way:
    return Way.OPEN if all(each.is_exact for each in shown) else Way.BLURRED
