"""Web and worker are killed in the middle of their work (SIGKILL), again and again: what was answered is kept, whole.

Libraries' systems enrol, activate, correct and erase meanwhile, over HTTP. What had no answer is sent again, as
docs/libraries.md says. Afterwards every acknowledged act is there, and no act is there in part.
"""

import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, text, update

from app import create_app
from app.ils.webhook import draw_key
from app.register.library.webhooks import listen_at
from app.register.staff.machines import connect_machine
from app.register.store.transaction import db
from app.register.tables.columns import Base
from app.register.tables.library import Library, LibraryQueue
from tests.conftest import settings_for
from tests.wall.hurried_clients import CLIENTS, LIBRARIES, PASSWORD, Client, Person
from tests.wall.outside import LibrarySystem, serving
from tests.wall.processes import Running, listening, start_web, start_worker

pytestmark = pytest.mark.usefixtures("programs")

# On each engine; gunicorn begins a worker of its own anew by itself.
VICTIMS = (*("a web worker", "worker", "a web worker") * 4, "web")
# SQLite lets one write at a time, so that fewer moments differ there.
ROUNDS = {"postgresql": 2, "sqlite": 1}
_LONGEST_SECONDS = 120
# Told of patrons, and kept after them: the word that they are gone, and that a key was used.
_OUTLIVES = {"library_notices", "machine_answers"}


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@dataclass
class Installation:
    """The portal's processes, which are killed and started again."""

    database_url: str
    folder: Path
    listener: socket.socket
    system: LibrarySystem
    web: Running = field(init=False)
    worker: Running = field(init=False)
    _told: int = field(init=False)

    def __post_init__(self) -> None:
        self._start_web()
        self._start_worker()

    def _start_web(self) -> None:
        self.web = start_web(self.database_url, self.folder, self.listener)

    def _start_worker(self) -> None:
        self._told = len(self.system.told)
        self.worker = start_worker(self.database_url, self.folder)

    def kill(self, victim: str, dice: random.Random) -> None:
        """Kill something in the middle of its work, and begin it anew."""
        if victim == "web":
            self.web.kill()
            self._start_web()
        elif victim == "worker":
            wait_for(lambda: len(self.system.told) > self._told, "the worker to be at work")
            self.worker.kill()
            end_leases(self.database_url)
            self._start_worker()
        else:
            self.web.kill_child(dice)

    def end(self) -> None:
        self.web.kill()
        self.worker.kill()


@pytest.fixture
def listening_library(database_url: str) -> Iterator[LibrarySystem]:
    """The libraries of the test, one system of which is told everything about the patrons of all."""
    with serving(LibrarySystem()) as system:
        app = create_app(settings_for(database_url))
        with app.app_context():
            for library_id in LIBRARIES:
                db.session.add(Library(id=library_id, name=f"Library {library_id}", kind="folkbib"))
                db.session.flush()
                connect_machine(username=library_id, library_id=library_id, kind="system", password=PASSWORD)
                url = f"http://127.0.0.1:{system.server_address[1]}/"
                listen_at(library_id=library_id, url=url, key=draw_key(), now=datetime.now(UTC))
            db.session.commit()
            db.session.remove()
            db.engine.dispose()
        yield system


@pytest.mark.timeout(3600)
def test_work_that_was_acknowledged_outlives_whatever_is_killed_and_none_is_done_by_halves(
    database_url: str, engine: str, listening_library: LibrarySystem, tmp_path: Path
) -> None:
    victims = VICTIMS * ROUNDS[engine]
    dice = random.Random(len(victims))
    going_on = threading.Event()
    going_on.set()
    with ExitStack() as stack:
        listener = stack.enter_context(listening())
        house = Installation(database_url, tmp_path, listener, listening_library)
        stack.callback(house.end)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        clients = [Client(url, number, going_on.is_set) for number in range(CLIENTS)]
        threads = [threading.Thread(target=client.run) for client in clients]
        stack.callback(going_on.clear)
        for thread in threads:
            thread.start()
        for victim in victims:
            wait_for_acts(clients)
            time.sleep(dice.random() / 10)
            house.kill(victim, dice)
        going_on.clear()
        for thread in threads:
            thread.join(_LONGEST_SECONDS)
        assert not went_wrong(clients)
        made: Counter[str] = sum((client.done for client in clients), Counter())

        database = create_engine(database_url, isolation_level="AUTOCOMMIT")
        stack.callback(database.dispose)
        connection = stack.enter_context(database.connect())
        end_leases(database_url)
        waiting = "library_notices WHERE due_at IS NOT NULL AND library_id LIKE 'lib%'"
        wait_for(lambda: not count(connection, waiting), "libraries to be told")
        check_what_was_acknowledged(connection, [person for client in clients for person in client.people])
        check_nothing_is_done_by_halves(connection)
        check_what_the_libraries_were_told(connection, listening_library)
        assert min(made["POST 201"], made["PATCH 200"], made["DELETE 200"], made["broke"]) > 0, made


def end_leases(database_url: str) -> None:
    """Let every line be told again. One that a worker died with rests for a minute, and nobody waits here for that."""
    # Each by itself, so that it never holds one while it waits for another that a request has.
    database = create_engine(database_url, isolation_level="AUTOCOMMIT")
    with database.connect() as connection:
        for library_id in LIBRARIES:
            queue = update(LibraryQueue).where(LibraryQueue.library_id == library_id)
            connection.execute(queue.values(due_at=datetime.now(UTC)))
    database.dispose()


def wait_for(is_so: Callable[[], bool], what: str) -> None:
    ends = time.monotonic() + _LONGEST_SECONDS
    while not is_so():
        assert time.monotonic() < ends, f"waited in vain for {what}"
        time.sleep(0.01)


def wait_for_acts(clients: list[Client]) -> None:
    """Wait until somebody is there to act on, and some acts more are done."""
    before = sum(client.done.total() for client in clients)
    wait_for(lambda: all(client.people for client in clients) or went_wrong(clients), "everybody to be at work")
    wait_for(lambda: sum(client.done.total() for client in clients) > before + 8 or went_wrong(clients), "some acts")
    assert not went_wrong(clients)


def went_wrong(clients: list[Client]) -> list[str]:
    return [fault for client in clients for fault in client.wrong]


def rows(connection: Connection, statement: str) -> list[Any]:
    return list(connection.execute(text(statement)))


def count(connection: Connection, what: str) -> int:
    return int(connection.execute(text(f"SELECT count(*) FROM {what}")).scalar_one())


def check_what_was_acknowledged(connection: Connection, people: list[Person]) -> None:
    assert len({person.card_number for person in people}) == len(people), "no number is given out twice"
    patrons = {row.card_number: row for row in rows(connection, "SELECT id, card_number, name, phone FROM patrons")}
    joined: dict[int, set[str]] = {row.id: set() for row in patrons.values()}
    for row in rows(connection, "SELECT patron_id, library_id FROM affiliations"):
        joined[row.patron_id].add(row.library_id)
    for person in people:
        row = patrons.get(person.card_number)
        if person.is_erased:
            assert row is None
        else:
            assert row is not None, "an enrolment that was acknowledged is lost"
            assert row.name == person.name
            assert row.phone in person.phones, "a correction that was acknowledged is lost"
            assert joined[row.id] == person.libraries, "an activation that was acknowledged is lost"
    invented = [row.name for row in patrons.values() if row.name.startswith("Invented")]
    # A client that stopped in the middle of an enrolment asked until it was answered.
    assert len(invented) == len(set(invented)), "two patrons for one national id"
    assert set(invented) == {person.name for person in people if not person.is_erased}


def check_nothing_is_done_by_halves(connection: Connection) -> None:
    for table in Base.metadata.sorted_tables:
        if "patron_id" in table.columns and table.name not in _OUTLIVES:
            orphans = f"{table.name} WHERE patron_id IS NOT NULL AND patron_id NOT IN (SELECT id FROM patrons)"
            assert count(connection, orphans) == 0, table.name
    patrons = {row.id: row for row in rows(connection, "SELECT id, home_library_id, version, card_number FROM patrons")}
    joined: dict[int, set[str]] = {patron_id: set() for patron_id in patrons}
    for row in rows(connection, "SELECT patron_id, library_id FROM affiliations"):
        joined[row.patron_id].add(row.library_id)
    assert all(patrons[patron_id].home_library_id in libraries for patron_id, libraries in joined.items())
    with_id = {row.patron_id for row in rows(connection, "SELECT patron_id FROM national_id_tokens")}
    assert with_id == set(patrons), "everybody here was enrolled with a national id"

    # Of each patron every version is told, each change to each library that they had then, and the last word is last.
    told: dict[int, dict[int, dict[str, str]]] = {}
    for row in rows(connection, "SELECT patron_id, patron_version, library_id, kind FROM library_notices"):
        libraries = told.setdefault(row.patron_id, {}).setdefault(row.patron_version, {})
        assert row.library_id not in libraries
        libraries[row.library_id] = row.kind
    for patron_id, versions in told.items():
        assert sorted(versions) == list(range(1, max(versions) + 1))
        members: set[str] = set()
        for version in sorted(versions):
            kinds = set(versions[version].values())
            assert len(kinds) == 1, "one change is of one kind"
            if kinds == {"joined"}:
                members |= versions[version].keys()
            else:
                assert versions[version].keys() == members
        is_erased = kinds == {"erased"}
        assert is_erased == (patron_id not in patrons)
        if not is_erased:
            assert max(versions) == patrons[patron_id].version
            assert members == joined[patron_id]
    assert set(patrons) <= set(told)

    for row in rows(connection, "SELECT library_id, last_seq FROM library_queues"):
        ours = rows(connection, f"SELECT seq FROM library_notices WHERE library_id = '{row.library_id}' ORDER BY seq")
        assert [each.seq for each in ours] == list(range(1, row.last_seq + 1)), "a line has no gap"
    erased = "SELECT DISTINCT erasure_id FROM library_notices WHERE kind = 'erased'"
    assert {row.erasure_id for row in rows(connection, erased)} == {
        row.id for row in rows(connection, "SELECT id FROM erasures")
    }
    erasures = count(connection, "erasures")
    assert count(connection, "issued_numbers WHERE gone_at IS NULL") == len(patrons), "no number without its patron"
    assert count(connection, "issued_numbers WHERE gone_at IS NOT NULL") == erasures
    welcomed = rows(connection, "SELECT patron_id FROM messages WHERE kind = 'welcome'")
    enrolled = rows(connection, "SELECT id FROM patrons WHERE name LIKE 'Invented%'")
    assert sorted(row.patron_id for row in welcomed) == sorted(row.id for row in enrolled)
    kept = "machine_answers WHERE sealed_answer IS NULL AND patron_id IN (SELECT id FROM patrons)"
    assert count(connection, kept) == 0, "a key that is used has its answer"


def check_what_the_libraries_were_told(connection: Connection, system: LibrarySystem) -> None:
    told = {int(str(notice["id"])) for notice in system.told}
    ours = [row for row in rows(connection, "SELECT * FROM library_notices") if row.library_id in LIBRARIES]
    assert {row.id for row in ours} == told, "whatever is noted as told was told, and nothing else"
    assert all(row.confirmed_at is not None for row in ours)
    assert len(system.told) >= len(told)
