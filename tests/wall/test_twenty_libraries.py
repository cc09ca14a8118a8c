"""Twenty libraries over a bad network: each ends with a copy of its patrons that is the register's, and no other.

Three requests in ten are lost on their way in, others are doubled, late, out of order, or done without the answer
arriving; so are the libraries' own questions. Ten thousand changes are made meanwhile. Then the network is healed.
"""

import json
import os
import random
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import flask_migrate
import pytest
from sqlalchemy import create_engine, text

from app import create_app
from app.ils.webhook import draw_key, write_key
from app.register.library.webhooks import listen_at
from app.register.limits.unusual import Kind
from app.register.staff.machines import connect_machine
from app.register.store.transaction import db
from app.register.tables.library import ActCount, Library
from tests.conftest import settings_for
from tests.postgres import create_database
from tests.wall.bad_network import Delivery, Network
from tests.wall.library_systems import ListeningSystem, ReadingSystem, Register, System
from tests.wall.processes import HOUSE, listening, start_web, start_worker
from tests.wall.writers import LIBRARIES

CHANGES, WRITERS = int(os.environ.get("LANEKORT_CHANGES", "2000")), 3
PASSWORD = "of a library that was never built"
_LONGEST_SECONDS = 1500
_DETAILS = ("birth_date", "gender", "address", "postcode", "place", "phone", "email", "preferred_contact", "language")


@pytest.fixture(scope="module")
def register(run_postgres: Callable[..., AbstractContextManager[str]]) -> Iterator[str]:
    """An empty register with twenty libraries. No process of it dies here, so no commit need wait for the disk."""
    with run_postgres("synchronous_commit=off", in_memory=True) as server:
        url = create_database(server, "twenty")
        app = create_app(settings_for(url))
        with app.app_context():
            flask_migrate.upgrade()
            for library_id in LIBRARIES:
                db.session.add(Library(id=library_id, name=f"Library {library_id}", kind="folkbib"))
                db.session.flush()
                connect_machine(username=library_id, library_id=library_id, kind="system", password=PASSWORD)
                be_busy(library_id)
            db.session.commit()
            db.session.remove()
            db.engine.dispose()
        yield url


def be_busy(library_id: str) -> None:
    """Let a month's worth of changes an hour be what is usual at a library, so that none of it is slowed."""
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    for week in range(1, 5):
        for after in (0, 1):
            at = hour + timedelta(hours=after) - timedelta(weeks=week)
            db.session.add_all(ActCount(library_id=library_id, kind=kind, hour=at, taken=CHANGES) for kind in Kind)


@dataclass(frozen=True)
class Libraries:
    """The twenty systems by library, and their networks."""

    systems: dict[str, System]
    networks: list[Network]

    def fates(self) -> Counter[Delivery]:
        return sum((Counter(network.fates) for network in self.networks), Counter())


def build(stack: ExitStack, register: str, listener: socket.socket) -> Libraries:
    """Build the libraries: every other one listens, the rest read."""
    portal = f"http://127.0.0.1:{listener.getsockname()[1]}"
    systems: dict[str, System] = {}
    networks = []
    for seed, library_id in enumerate(LIBRARIES):
        network = Network(seed)
        api = Register(portal, username=library_id, password=PASSWORD, network=network)
        system = ReadingSystem(api) if seed % 2 else ListeningSystem(api, network)
        systems[library_id] = system
        networks.append(network)
        stack.callback(api.close)
        stack.callback(network.close)
        if isinstance(system, ListeningSystem):
            system.key = write_key(listen(register, library_id, system.url))
        system.start()
        stack.callback(system.stop)
    return Libraries(systems, networks)


def listen(register: str, library_id: str, url: str) -> bytes:
    key = draw_key()
    app = create_app(settings_for(register))
    with app.app_context():
        listen_at(library_id=library_id, url=url, key=key, now=datetime.now(UTC))
        db.session.commit()
        db.session.remove()
        db.engine.dispose()
    return key


def write_changes(register: str) -> Counter[str]:
    """Let the writers make all changes, at the same time."""
    shares = [CHANGES // WRITERS + (number < CHANGES % WRITERS) for number in range(WRITERS)]
    command = [sys.executable, "-m", "tests.wall.writers", register]
    writers = [
        subprocess.Popen([*command, str(seed), str(count)], cwd=HOUSE, stdout=subprocess.PIPE, text=True)
        for seed, count in enumerate(shares)
    ]
    made: Counter[str] = Counter()
    for writer in writers:
        printed, _ = writer.communicate(timeout=2 * _LONGEST_SECONDS)
        assert writer.returncode == 0
        # Before it may stand what the register logs.
        made += Counter(json.loads(printed.splitlines()[-1]))
    return made


class RegisterTables:
    """What the register's tables hold, read without the portal's own code."""

    def __init__(self, register: str) -> None:
        self._engine = create_engine(register, isolation_level="AUTOCOMMIT")

    def close(self) -> None:
        self._engine.dispose()

    def rows(self, statement: str) -> list[dict[str, Any]]:
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(text(statement)).mappings()]

    def count(self, statement: str) -> int:
        (row,) = self.rows(statement)
        (value,) = row.values()
        return int(value)

    def waiting(self) -> int:
        return self.count("SELECT count(*) FROM library_notices WHERE confirmed_at IS NULL")

    def patrons(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Return for each library what it ought to hold, by card number."""
        found: dict[str, dict[str, dict[str, Any]]] = {library_id: {} for library_id in LIBRARIES}
        for row in self.rows("SELECT * FROM patrons JOIN affiliations ON patron_id = id"):
            state = "frozen" if row["frozen_at"] and row["card_state"] != "lost" else row["card_state"]
            ought = {"name": row["name"], "home_library_id": row["home_library_id"], "card_state": state}
            if not row["frozen_at"]:
                ought |= {name: row[name] for name in _DETAILS} | {"birth_date": row["birth_date"].isoformat()}
            found[row["library_id"]][row["card_number"]] = ought
        return found


def held(system: System) -> dict[str, dict[str, Any]]:
    """Return what a library's copy says, without what is not of the patron: versions and names of libraries."""
    kept = ("name", "home_library_id", "card_state", *_DETAILS)
    return {number: {name: told[name] for name in kept if name in told} for number, told in system.holds().items()}


def differing(libraries: Libraries, truth: RegisterTables) -> dict[str, list[str]]:
    """Return which cards differ, for each library that is not equal to the register."""
    ought = truth.patrons()
    found = {}
    for library_id, system in libraries.systems.items():
        copy, right = held(system), ought[library_id]
        if copy != right:
            numbers = sorted(copy.keys() | right.keys())
            found[library_id] = [number for number in numbers if copy.get(number) != right.get(number)]
    return found


@pytest.mark.timeout(3600)
def test_twenty_libraries_end_with_the_registers_truth_whatever_the_network_does(register: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        listener = stack.enter_context(listening())
        truth = RegisterTables(register)
        stack.callback(truth.close)
        web = start_web(register, tmp_path, listener)
        stack.callback(web.kill)
        libraries = build(stack, register, listener)
        worker = start_worker(register, tmp_path)
        stack.callback(worker.kill)

        began = time.monotonic()
        made = write_changes(register)
        assert made.total() == CHANGES
        fates, waited = libraries.fates(), truth.waiting()
        words = [f"{CHANGES} changes in {time.monotonic() - began:.0f} s: {dict(made)}"]
        words.append(f"{fates.total()} requests meanwhile: { {fate.value: count for fate, count in fates.items()} }")

        for network in libraries.networks:
            network.heal()
        healed = time.monotonic()
        while truth.waiting() or differing(libraries, truth):
            assert time.monotonic() - healed < _LONGEST_SECONDS, (truth.waiting(), differing(libraries, truth))
            assert worker.is_alive()
            time.sleep(0.5)
        seconds = time.monotonic() - healed
        notices = truth.count("SELECT count(*) FROM library_notices")
        words.append(f"{notices} notices, {waited} of them waiting when it was healed; all equal {seconds:.1f} s later")
        sys.stdout.write("\n".join(["", *words, ""]))

        before = {library_id: system.holds() for library_id, system in libraries.systems.items()}
        come_late_again(libraries)
        assert {library_id: system.holds() for library_id, system in libraries.systems.items()} == before
        check_nothing_is_lost_doubled_or_alive_again(libraries, truth)
        assert min(fates[fate] for fate in Delivery) > 0, "and the network was as bad as it was to be"
        assert worker.is_alive()
        assert web.is_alive()


def come_late_again(libraries: Libraries) -> None:
    """Deliver everything that ever came to those who listen once more, in no order."""
    for seed, system in enumerate(libraries.systems.values()):
        if isinstance(system, ListeningSystem):
            again = list(system.received)
            random.Random(seed).shuffle(again)
            assert again, "nothing ever came"
            for headers, body in again:
                assert system.take(headers, body) in (200, 401), "401: it is too old by now"


def check_nothing_is_lost_doubled_or_alive_again(libraries: Libraries, truth: RegisterTables) -> None:
    told: dict[str, set[int]] = {library_id: set() for library_id in LIBRARIES}
    for row in truth.rows("SELECT library_id, id FROM library_notices"):
        told[row["library_id"]].add(row["id"])
    lost = {library_id: told[library_id] - set(system.applied) for library_id, system in libraries.systems.items()}
    assert not any(lost.values())
    made_up = {library_id: set(system.applied) - told[library_id] for library_id, system in libraries.systems.items()}
    assert not any(made_up.values())
    assert {times for system in libraries.systems.values() for times in system.applied.values()} == {1}
    twice = "SELECT 1 FROM library_notices GROUP BY library_id, patron_id, patron_version HAVING count(*) > 1"
    assert truth.count(f"SELECT count(*) FROM ({twice}) AS twice") == 0, "one change is one notice to a library"
    assert [number for system in libraries.systems.values() for number in system.resurrected] == []
    assert truth.count("SELECT count(*) FROM erasures") > 0
    assert sum(system.had_already for system in libraries.systems.values()) > 0
    assert sum(system.came_late for system in libraries.systems.values()) > 0
