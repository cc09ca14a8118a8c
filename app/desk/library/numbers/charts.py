"""Pictures of figures, drawn here: where each bar and line stands, in units of the picture's own."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt
from typing import Final

from app.desk.library.numbers.figures import Figure, Hours, weekday_names
from app.rules.library.totals import Shown

WIDTH: Final = 520
_ROW: Final = 44
_BAR: Final = 16
_HEIGHT: Final = 200
_LEFT: Final = 52
_TOP: Final = 12
_BELOW: Final = 28
_CELL: Final = 36
_NAMES: Final = 90


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar: what is sure of it, and beyond that what may be. `x`, `y`, `width`, `height` are of both together."""

    label: str
    shown: Shown
    x: float
    y: float
    width: float
    height: float
    sure: float
    named: bool = True


@dataclass(frozen=True, slots=True)
class Tick:
    """A line across the picture at a round number."""

    number: int
    at: float


@dataclass(frozen=True, slots=True)
class Dot:
    """An hour of a weekday: the area tells how many."""

    x: float
    y: float
    radius: float
    shown: Shown


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars and lines. Where it is `upright`, bars stand side by side; else they lie, each under its label."""

    upright: bool
    height: int
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class HoursChart:
    """Dots in a grid, with its names."""

    height: float
    dots: tuple[Dot, ...]
    days: tuple[tuple[str, float], ...]
    hours: tuple[tuple[str, float], ...]


def draw(figure: Figure) -> Chart | None:
    """Return a figure's picture; None where there is nothing to draw."""
    rows = figure.rows
    ticks = _round_numbers(max((shown.most for _label, shown in rows), default=0))
    if len(rows) < 2 or not ticks:
        return None
    return _stand(rows, ticks) if figure.upright else _lie(rows, ticks)


def _stand(rows: list[tuple[str, Shown]], ticks: list[int]) -> Chart:
    step = (WIDTH - _LEFT) / len(rows)
    scale = _HEIGHT / ticks[-1]
    floor = _TOP + _HEIGHT
    bars = tuple(
        Bar(
            label=label,
            shown=shown,
            x=round(_LEFT + step * (number + 0.15), 1),
            y=round(floor - shown.most * scale, 1),
            width=round(step * 0.7, 1),
            height=round(shown.most * scale, 1),
            sure=round(shown.least * scale, 1) if shown.is_exact or shown.least > 1 else 0,
            # Thirty-one labels side by side would touch each other.
            named=len(rows) <= 12 or number % 3 == 0,
        )
        for number, (label, shown) in enumerate(rows)
    )
    lines = tuple(Tick(number, round(floor - number * scale, 1)) for number in ticks)
    return Chart(True, _TOP + _HEIGHT + _BELOW, bars, lines)


def _lie(rows: list[tuple[str, Shown]], ticks: list[int]) -> Chart:
    scale = (WIDTH - 20) / ticks[-1]
    bars = tuple(
        Bar(
            label=label,
            shown=shown,
            x=0,
            y=number * _ROW + 22,
            width=round(shown.most * scale, 1),
            height=_BAR,
            sure=round(shown.least * scale, 1) if shown.is_exact or shown.least > 1 else 0,
        )
        for number, (label, shown) in enumerate(rows)
    )
    return Chart(False, len(rows) * _ROW + _BELOW, bars, tuple(Tick(n, round(n * scale, 1)) for n in ticks))


def draw_hours(week: Hours) -> HoursChart | None:
    """Return the picture of a week; None where there is nothing to draw."""
    if not week.hours or week.is_closed or not any(shown.most for shown in week.shown.values()):
        return None
    largest = max(shown.most for shown in week.shown.values())
    cell = min(_CELL, (WIDTH - _NAMES) / len(week.hours))
    dots = tuple(
        Dot(
            x=round(_NAMES + cell * (week.hours.index(hour) + 0.5), 1),
            y=round(cell * (day + 0.5), 1),
            radius=round(max(2.0, sqrt(shown.most / largest) * cell * 0.48), 1),
            shown=shown,
        )
        for (day, hour), shown in week.shown.items()
        if shown.most
    )
    return HoursChart(
        height=round(cell * 7 + _BELOW, 1),
        dots=dots,
        days=tuple((name, round(cell * (day + 0.65), 1)) for day, name in enumerate(weekday_names())),
        hours=tuple((hour, round(_NAMES + cell * (number + 0.5), 1)) for number, hour in enumerate(week.hours)),
    )


def _round_numbers(largest: int) -> list[int]:
    """Return 0 and some round numbers, the last of which is not less than the largest count."""
    if not largest:
        return []
    steps: Iterable[int] = (factor * 10**power for power in range(10) for factor in (1, 2, 5))
    step = next(step for step in steps if step * 4 >= largest)
    return [step * number for number in range(-(-largest // step) + 1)]
