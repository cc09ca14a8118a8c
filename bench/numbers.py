"""What counting for libraries' numbers costs: half an hour's scans, and a refusal, in a small and in a large register.

In both as many scans are new and as many codes refused, so what is read of all that was there before shows as a ratio.
"""

import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, perf_counter

from apiflask import APIFlask
from sqlalchemy import bindparam, text

from app.register.card.scans import scan
from app.register.desk.showings import count_showings
from app.register.log.access_log import Terminal
from app.register.staff.machines import SignedInMachine, terminal_of
from app.register.store.transaction import db, writing
from app.register.tables.columns import UtcInstant
from app.register.totals.counting import count_at_once
from app.rules.card.code import Kind as CodeKind
from app.rules.card.code import build
from app.rules.card.scan import Reason, Refused
from app.rules.library.figures import Kind
from bench.people import LIBRARY_ID, fill_register, make_portal
from tests.postgres import create_database, running_postgres

FEW = 5_000
LARGE = 1_000_000
_LINES = 10
"""Lines of the access log for each patron of the large register; those of the small one have one."""
_NEW_SCANS = 2_000
"""In half an hour: a busy evening of a country with a million patrons."""
_TERMINAL: Terminal = terminal_of(SignedInMachine(username="bench-kiosk", library_id=LIBRARY_ID, kind="kiosk"))
_STRANGER = build(kind=CodeKind.ROTATING, credential="000000000001", totp="000000")
_SCANNED = text("""
    INSERT INTO presented_steps
        (credential_id, step, patron_id, library_id, terminal, session, presented_at, expires_at)
    SELECT id, last_step + :round, patron_id, :library_id, 'kiosk:bench-kiosk',
           'round ' || :round || ' ' || id, :at, :at
    FROM credentials WHERE id <= :most
""").bindparams(bindparam("at", type_=UtcInstant()))
_MORE_LINES = text("""
    INSERT INTO access_log (at, patron_id, library_id, role, actor, purpose, fields)
    SELECT at, patron_id, library_id, role, actor, purpose, fields FROM access_log
    WHERE id <= (SELECT count(*) FROM patrons)
""")


def bench_numbers(*, people: int = LARGE, rounds: int) -> None:
    """Fill two registers on each engine, and print what counting costs in each, in turns."""
    few = min(FEW, max(40, people // 100))
    print(f"{'':36}{few:>12,} patrons, p50 (longest) ms{people:>12,} patrons        ratio (lowest, highest)")
    with TemporaryDirectory(prefix="lanekort-numbers-") as folder, running_postgres() as server:
        for engine in ("SQLite", "PostgreSQL"):
            began, portals = monotonic(), {}
            for size, lines in ((few, 1), (people, _LINES)):
                made = f"sqlite:///{Path(folder) / str(size)}.sqlite"
                url = made if engine == "SQLite" else create_database(server, f"numbers{size}")
                portals[size] = _fill(url, people=size, lines=lines)
            took = monotonic() - began
            for name, act in _ACTS.items():
                _print_line(f"{engine}, {name}", _measure(portals, act, rounds=rounds), few=few, many=people)
            print(f"{engine}: filled in {took:.0f} s", flush=True)
            for portal in portals.values():
                with portal.app_context():
                    db.session.remove()
                    db.engine.dispose()


def _fill(url: str, *, people: int, lines: int) -> APIFlask:
    fill_register(url, people=people)
    portal = make_portal(url)
    with portal.app_context():
        for _ in range(lines - 1):
            with writing():
                db.session.execute(_MORE_LINES)
        # All that was there before is counted now, as it would have been long ago.
        count_showings(now=datetime.now(UTC))
        db.session.remove()
    return portal


Act = Iterator[float]
"""Gives the seconds of one after another."""


def _counts(new_scans: int) -> Act:
    started = datetime.now(UTC)
    for number in count(1):
        now = started + timedelta(minutes=30 * number)
        with writing():
            new = {"round": number, "library_id": LIBRARY_ID, "at": now - timedelta(minutes=20), "most": new_scans}
            db.session.execute(_SCANNED, new)
        with _timed() as seconds:
            counted = count_showings(now=now)
        if not counted:
            raise ValueError("no scan was counted")
        yield seconds[0]


def _refusals(_new_scans: int) -> Act:
    while True:
        with _timed() as seconds:
            outcome = scan(payload=_STRANGER, terminal=_TERMINAL, now=datetime.now(UTC))
        if not isinstance(outcome, Refused):
            raise TypeError("a stranger was accepted")
        yield seconds[0]


def _refusals_counted(_new_scans: int) -> Act:
    while True:
        with _timed() as seconds:
            count_at_once(Kind.REFUSAL, library_id=LIBRARY_ID, now=datetime.now(UTC), part=Reason.UNKNOWN.value)
        yield seconds[0]


_ACTS: dict[str, Callable[[int], Act]] = {
    "half an hour's scans": _counts,
    "a refused scan": _refusals,
    "of it, counting": _refusals_counted,
}


@contextmanager
def _timed() -> Iterator[list[float]]:
    seconds: list[float] = []
    began = perf_counter()
    yield seconds
    seconds.append(perf_counter() - began)


def _measure(portals: dict[int, APIFlask], act: Callable[[int], Act], *, rounds: int) -> dict[int, list[float]]:
    new_scans = min(_NEW_SCANS, *portals)
    acts = {size: act(new_scans) for size in portals}
    done: dict[int, list[float]] = {size: [] for size in portals}
    # The first is to warm up.
    for number in range(rounds + 1):
        for size, portal in portals.items():
            with portal.app_context():
                seconds = next(acts[size])
                db.session.remove()
            if number:
                done[size].append(seconds)
    return done


def _print_line(name: str, done: dict[int, list[float]], *, few: int, many: int) -> None:
    figures = [f"{1000 * statistics.median(done[size]):.2f} ({1000 * max(done[size]):.1f})" for size in (few, many)]
    ratios = [large / small for small, large in zip(done[few], done[many], strict=True)]
    spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}, {max(ratios):.2f})"
    print(f"{name:36}{figures[0]:>38}{figures[1]:>22}  {spread}", flush=True)
