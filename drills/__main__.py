"""`./manage drill NAME [--short] [--set OPTION=VALUE]`, or `./manage drill short`: all of them in their short form."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from time import monotonic

from drills.figures import Figures

_DRILLS: tuple[str, ...] = (
    "deploy",
    "failover",
    "install",
    "restore",
    "rewrite",
    "upgrade",
    "metrics",
    "slow-library",
    "overload",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line names. Returns 1 where a promise was broken, else 0."""
    parser = argparse.ArgumentParser(prog="./manage drill", description="Try what operators rely on.")
    parser.add_argument("name", choices=[*_DRILLS, "short", "all"], help="which drill; short: all in their short form")
    parser.add_argument("--short", action="store_true", help="smaller numbers, for each change")
    parser.add_argument(
        "--set",
        dest="options",
        metavar="OPTION=VALUE",
        action="append",
        default=[],
        help="a drill's own: its docstring",
    )
    asked = parser.parse_args(arguments)
    options = dict(option.partition("=")[::2] for option in asked.options)
    broken = []
    for name in _DRILLS if asked.name in ("short", "all") else (asked.name,):
        broken += _run(name, short=asked.short or asked.name == "short", options=options)
    print(f"Broken: {', '.join(broken)}." if broken else "Every promise holds.")
    return 1 if broken else 0


def _run(name: str, *, short: bool, options: dict[str, str]) -> list[str]:
    figures, begun = Figures(name), monotonic()
    import_module(f"drills.{name.replace('-', '_')}").drill(figures, short=short, **options)
    figures.note("took", f"{monotonic() - begun:.0f} s")
    return [f"{name}, {promise}" for promise in figures.broken]


if __name__ == "__main__":
    sys.exit(main())
