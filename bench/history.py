"""What was measured, over time: docs/benchmarks.csv, and the picture that is drawn from it."""

import csv
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Final

from bench.compare import Ratio
from bench.machine import processor

_HOME: Final = Path(__file__).parent.parent
TABLE: Final = _HOME / "docs" / "benchmarks.csv"
PICTURE: Final = _HOME / "docs" / "img" / "benchmarks.svg"
HOW: Final = "wrk, keep-alive"
"""How the load is sent now. Ratios of another way are drawn hollow: they do not compare."""
GOALS: Final = {"scan, PostgreSQL": 0.27, "scan, SQLite": 0.45, "sign-in, PostgreSQL": 0.80, "sign-in, SQLite": 0.80}
_WIDE, _HIGH, _LEFT, _TOP, _APART = 760, 210, 150, 34, 26
_STYLE: Final = """
    text { font: 13px system-ui, sans-serif; fill: #24292f } .faint { fill: #57606a }
    .axis { stroke: #d0d7de } .goal { stroke: #1a7f37; stroke-dasharray: 4 4 } .line { fill: none; stroke: #0969da }
    .now { fill: #0969da } .before { fill: none; stroke: #0969da }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 } .faint { fill: #9198a1 } .axis { stroke: #3d444d } .goal { stroke: #3fb950 }
      .line, .before { stroke: #58a6ff } .now { fill: #58a6ff }
    }
"""


@dataclass(frozen=True, slots=True)
class Point:
    """A line of the table: the median ratio to the bare answer with the lowest and highest round, and p99 in ms.

    `at` is in UTC, to the minute; `load` is the machine's before the start.
    """

    at: str
    commit: str
    machine: str
    load: str
    how: str
    what: str
    ratio: float
    lowest: float
    highest: float
    p99: float | None


def read_points() -> list[Point]:
    """Return the table's lines, oldest first."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        _heading, *lines = csv.reader(file)
    return [_read(*line) for line in lines]


def _read(*line: str) -> Point:
    at, commit, machine, load, how, what, ratio, lowest, highest, p99 = line
    figures = float(ratio), float(lowest), float(highest), float(p99) if p99 else None
    return Point(at, commit, machine, load, how, what, *figures)


def record(points: Iterable[Point]) -> None:
    """Add lines to the table, and draw the picture anew."""
    with TABLE.open("a", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(astuple(point) for point in points)
    PICTURE.write_text(draw(read_points()), encoding="utf-8")


def describe_ratios(found: Mapping[str, Ratio], *, load: str) -> list[Point]:
    """Return the lines of what was just measured at that `load`, of those that have a goal."""
    same = (datetime.now(UTC).strftime("%Y-%m-%d %H:%M"), _commit(), processor(), load, HOW)
    return [Point(*same, what, *(round(each, 3) for each in astuple(found[what]))) for what in GOALS if what in found]


def _commit() -> str:
    # With a `+` where something was changed since.
    asked = ["git", "describe", "--always", "--exclude=*", "--dirty=+"]
    return subprocess.run(asked, cwd=_HOME, capture_output=True, text=True, check=False).stdout.strip()


def draw(points: Sequence[Point]) -> str:
    """Return the picture (SVG): a strip for each goal, its points in their order, and the last ratio in words."""
    strips = [_draw_strip(number, what, points) for number, what in enumerate(GOALS)]
    high = _TOP + len(strips) * _HIGH
    said = "Ratio to a bare answer, by the day it was measured. Dashed: the goal. Hollow: measured in another way."
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDE} {high}" role="img" aria-label="{said}">\n'
        f'<style>{_STYLE}</style>\n<text x="8" y="20" class="faint">{said}</text>\n{"".join(strips)}</svg>\n'
    )


def _draw_strip(number: int, what: str, points: Sequence[Point]) -> str:
    mine = [point for point in points if point.what == what]
    top, bottom = _TOP + number * _HIGH + _APART, _TOP + (number + 1) * _HIGH - 2 * _APART
    most = max(GOALS[what], *(point.highest for point in mine)) * 1.1 if mine else 1.0

    def height(ratio: float) -> str:
        return f"{bottom - ratio / most * (bottom - top):.1f}"

    def place(order: int) -> float:
        return _LEFT + (order + 0.5) * (_WIDE - _LEFT - 20) / max(1, len(mine))

    goal = height(GOALS[what])
    drawn = [
        f'<text x="8" y="{top + 4}">{escape(what)}</text>',
        f'<text x="8" y="{top + 22}" class="faint">goal {GOALS[what]:.2f}</text>',
        f'<path class="axis" d="M{_LEFT} {bottom}H{_WIDE - 20}"/>',
        f'<path class="goal" d="M{_LEFT} {goal}H{_WIDE - 20}"/>',
    ]
    if mine:
        drawn.append(f'<text x="8" y="{top + 40}">{mine[-1].ratio:.2f} on {mine[-1].at[:10]}</text>')
        corners = " ".join(f"{place(order):.1f},{height(point.ratio)}" for order, point in enumerate(mine))
        drawn.append(f'<polyline class="line" points="{corners}"/>')
    for order, point in enumerate(mine):
        x, kind = f"{place(order):.1f}", "now" if point.how == HOW else "before"
        title = f"{point.at} UTC, {point.commit or 'commit unknown'}, {point.how}: {point.ratio:.2f}"
        drawn += [
            f'<path class="line" d="M{x} {height(point.lowest)}V{height(point.highest)}"/>',
            f'<circle class="{kind}" cx="{x}" cy="{height(point.ratio)}" r="5"><title>{escape(title)}</title></circle>',
            f'<text x="{x}" y="{bottom + 18}" text-anchor="middle" class="faint">{point.ratio:.2f}</text>',
            f'<text x="{x}" y="{bottom + 34}" text-anchor="middle" class="faint">{_day(point.at)}</text>',
        ]
    return "\n".join(drawn) + "\n"


def _day(at: str) -> str:
    day = datetime.fromisoformat(at)
    return f"{day.day} {day:%b}"
