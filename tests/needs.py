"""What each test needs beside Python: `./manage test fast` leaves out a browser, PostgreSQL, programs of one's own,
and proofs by thousands of tries, which are marked `long`.

The other marks come from the fixtures that a test asks for and the engine that it runs on. A test that starts a program
without a mark fails, so none gets into the fast ones unseen.

Where a change is about to land (CI), a test that fails is run a second time, and the summary shows what failed first:
among ten thousand tests with real servers, browsers and time-outs, on a machine that stands still for seconds now and
then, one is late that otherwise never is. What fails twice fails.
"""

import gc
import os
import sys
from collections import Counter
from typing import Any

import pytest

from tests.memory import find_memory

BROWSER, POSTGRESQL, PROGRAMS, LONG = "browser", "postgresql", "programs", "long"
_REASONS = {
    BROWSER: "need a browser",
    POSTGRESQL: "need PostgreSQL",
    PROGRAMS: "start programs",
    LONG: "take long",
}
_FIXTURES = {"playwright": BROWSER, "run_postgres": POSTGRESQL, PROGRAMS: PROGRAMS}
_LEFT_OUT = pytest.StashKey[Counter[str]]()
_running: list[pytest.Item] = []


class ProgramStarted(Exception):
    """A test started a program and did not ask for the fixture `programs`."""


def needs_of(item: pytest.Item) -> list[str]:
    """Return what a test needs, the most costly first."""
    fixtures = getattr(item, "fixturenames", ())
    found = {need for name, need in _FIXTURES.items() if name in fixtures}
    call = getattr(item, "callspec", None)
    if call is not None and POSTGRESQL in call.params.values():
        found.add(POSTGRESQL)
    if item.get_closest_marker(LONG):
        found.add(LONG)
    return [need for need in _REASONS if need in found]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fast", action="store_true", help="only what is quick, and needs no browser, no PostgreSQL and no programs"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_LEFT_OUT] = Counter()
    memory = find_memory()
    if memory is not None:
        # Where pytest makes its temporary folders, also that of the processes it starts.
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(memory))
    for need, reason in _REASONS.items():
        config.addinivalue_line("markers", f"{need}: tests that {reason}")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Run two processes more than there are processors: tests of races, time-outs and browsers wait, and use none
    meanwhile."""
    return len(os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)) + 2


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark each test, leave out what is not asked for, and begin with those that may take longest."""
    for item in items:
        for need in needs_of(item):
            item.add_marker(need)
        if os.environ.get("CI"):
            item.add_marker(pytest.mark.flaky(reruns=1))
    if config.getoption("--fast"):
        left_out = [item for item in items if needs_of(item)]
        config.stash[_LEFT_OUT].update(needs_of(item)[0] for item in left_out)
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not needs_of(item)]
    items.sort(key=_most_seconds, reverse=True)


def _most_seconds(item: pytest.Item) -> float:
    mark = item.get_closest_marker("timeout")
    return float(mark.args[0]) if mark else 0.0


def pytest_collection_finish() -> None:
    """Leave what was imported and collected out of the garbage collection, which took a fifth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    _running[:] = [item]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown() -> None:
    # The last test's takes down with it what others shared.
    _running.clear()


def _watch(event: str, _arguments: Any) -> None:
    if event == "subprocess.Popen" and _running and set(needs_of(_running[0])) <= {LONG}:
        raise ProgramStarted(f"{_running[0].nodeid} needs @pytest.mark.usefixtures({PROGRAMS!r})")


sys.addaudithook(_watch)


def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["left_out"] = dict(session.config.stash[_LEFT_OUT])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    # Each process collects them all. One that died has told nothing.
    node.config.stash[_LEFT_OUT] |= Counter(getattr(node, "workeroutput", {}).get("left_out", {}))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    for report in terminalreporter.stats.get("rerun", []):
        terminalreporter.write_sep("_", f"run a second time: {report.nodeid}")
        terminalreporter.write_line(report.longreprtext)
    left_out = config.stash[_LEFT_OUT]
    if config.getoption("--fast"):
        each = ", ".join(f"{left_out[need]} that {reason}" for need, reason in _REASONS.items())
        terminalreporter.write_line(f"Left out: {left_out.total()} tests ({each}). ./manage test runs them too.")
