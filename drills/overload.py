"""A flood of wrong sign-ins, more than the processors bear: people who show and scan cards hardly notice it."""

from bench.compare import quantile
from bench.flood import Kind, measure_flood
from drills.figures import Figures

_MOST_SECONDS = 0.3
"""The objective for a scan (docs/alarms.md)."""
_REFUSED = {401, 429, 503}
"""Wrong, too many tries, too busy: each with a sentence and a way on."""


def drill(figures: Figures, *, short: bool) -> None:
    """Send card pages and scans for twenty seconds, or six, alone and beside a flood."""
    for flood, kinds in measure_flood(people=2_000 if short else 100_000, seconds=6 if short else 20):
        where = f"{flood} wrong sign-ins a second" if flood else "no flood"
        for kind in kinds:
            _check(figures, kind, where)


def _check(figures: Figures, kind: Kind, where: str) -> None:
    answers = {status: len(seconds) for status, seconds in sorted(kind.seconds.items())}
    wanted = _REFUSED if kind.name == "wrong sign-in" else {200}
    figures.promise(
        f"{kind.name}, {where}, answers by status",
        answers,
        holds=set(answers) <= wanted,
        promised=" or ".join(map(str, sorted(wanted))),
    )
    if wanted != {200}:
        return
    p95 = quantile(sorted(second for seconds in kind.seconds.values() for second in seconds), 0.95)
    promised = f"at most {_MOST_SECONDS:g} s"
    figures.promise(f"{kind.name}, {where}, p95", f"{p95:.2f} s", holds=p95 <= _MOST_SECONDS, promised=promised)
