"""One library's system answers after ten seconds: nobody at another library, and no card and no scan, waits for it."""

from bench.compare import quantile
from bench.neighbours import LIBRARY_SECONDS, measure_neighbours
from drills.figures import Figures

_MOST_SECONDS = 0.3
"""The objective for a scan (docs/alarms.md). The card page is held to the same here."""


def drill(figures: Figures, *, short: bool) -> None:
    """Open card pages and scan, while others look at loans in that library. Every answer must be 200."""
    for engine in ("SQLite",) if short else ("SQLite", "PostgreSQL"):
        done = measure_neighbours(engine, rounds=1 if short else 3, seconds=8 if short else 30)
        for kind in ("card page", "scan"):
            for turn, words in (("quick", "two quick libraries"), ("slow", f"one answers after {LIBRARY_SECONDS:g} s")):
                taken = sorted(second for each in done[turn] for second in each[kind])
                p95 = quantile(taken, 0.95)
                figures.promise(
                    f"{kind}, {engine}, {words}, p95 of {len(taken)}",
                    f"{1000 * p95:.0f} ms",
                    holds=p95 <= _MOST_SECONDS,
                    promised=f"at most {1000 * _MOST_SECONDS:.0f} ms",
                )
