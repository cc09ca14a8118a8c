"""`./manage drill NAME [--short] [--set OPTION=VALUE]`, or `./manage drill short`: all of them in their short form."""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from tempfile import TemporaryFile
from time import monotonic

from drills.figures import BROKEN, Figures

# The longest first: in their short form two of them run side by side, for they wait for programs most of the time.
_BESIDE: tuple[str, ...] = ("restore", "metrics", "deploy", "upgrade", "failover", "rewrite", "install")
# Here it is promised how soon an answer comes, so nothing else runs meanwhile.
_ALONE: tuple[str, ...] = ("slow-library", "overload")
_DRILLS = (*_BESIDE, *_ALONE)
_KEPT = "Every promise holds."


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
    if asked.name == "short":
        broken = _run_all_short()
    else:
        names = _DRILLS if asked.name == "all" else (asked.name,)
        broken = [line for name in names for line in _run(name, short=asked.short, options=options)]
    print("\n".join(["Broken:", *broken]) if broken else _KEPT)
    return 1 if broken else 0


def _run_all_short() -> list[str]:
    """Run them all in their short form. Returns what broke.

    Where a change is about to land (CI), what broke is run a second time, alone: a machine that stands still for a
    second breaks a promise of 0.3 seconds. What broke first is shown, and a drill that breaks twice is broken.
    """
    with ThreadPoolExecutor(2) as pairs:
        broken = dict(zip(_BESIDE, pairs.map(_run_apart, _BESIDE), strict=True))
    broken |= {name: _run_apart(name) for name in _ALONE}
    if os.environ.get("CI"):
        for name in [name for name, lines in broken.items() if lines]:
            print("\n".join([f"{name} is run a second time. Broken:", *broken[name]]), flush=True)
            broken[name] = _run_apart(name)
    return [line for lines in broken.values() for line in lines]


def _run_apart(name: str) -> list[str]:
    """Run a drill's short form in a process of its own, and print what it said when it has ended. Returns what broke.

    Where it did not end by itself, that is the last thing it said: the error.
    """
    command = [sys.executable, "-m", "drills", name, "--short"]
    # A file, for a pipe stays open as long as programs run that a drill could not end.
    with TemporaryFile("w+") as file:
        done = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, check=False)
        file.seek(0)
        said = file.read()
    sys.stdout.write(said.removesuffix(f"{_KEPT}\n"))
    sys.stdout.flush()
    if not done.returncode:
        return []
    # The drill names them at its own end too.
    lines = said.splitlines() or [f"exit {done.returncode}"]
    return list(dict.fromkeys(line for line in lines if line.endswith(BROKEN))) or [f"{name}: {lines[-1]}"]


def _run(name: str, *, short: bool, options: dict[str, str]) -> list[str]:
    figures, begun = Figures(name), monotonic()
    import_module(f"drills.{name.replace('-', '_')}").drill(figures, short=short, **options)
    figures.note("took", f"{monotonic() - begun:.0f} s")
    return figures.broken


if __name__ == "__main__":
    sys.exit(main())
