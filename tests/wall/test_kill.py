"""Web and worker are killed in the middle of their work (SIGKILL), again and again: what was answered is kept, whole.

Libraries' systems enrol, activate, correct and erase meanwhile, over HTTP. What had no answer is sent again, as
docs/libraries.md says. Afterwards every acknowledged act is there, and no act is there in part.
"""

import random
import socket
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, create_engine, text, update

from app import create_app
from app.ils.webhook import draw_key
from app.register.machines import connect_machine
from app.register.tables import Base, Library, LibraryQueue
from app.register.transaction import db
from app.register.webhooks import listen_at
from tests.conftest import settings_for
from tests.wall.outside import LibrarySystem, serving
from tests.wall.processes import Running, listening, start_web, start_worker

# On each engine; gunicorn begins a worker of its own anew by itself.
VICTIMS = (*("a web worker", "worker", "a web worker") * 4, "web") * 2
LIBRARIES = tuple(f"lib{number:02d}" for number in range(12))
PASSWORD = "of a library that was never built"
_CLIENTS = 4
_PATIENCE_SECONDS = 20.0
_LONGEST_SECONDS = 120
# Told of patrons, and kept after them: the word that they are gone, and that a key was used.
_OUTLIVES = {"library_notices", "machine_answers"}


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@dataclass
class Person:
    """Somebody whom a client enrolled. `phones` are those that they may have: the last that was acknowledged, and
    whatever was sent after it without an answer. `erased` is None while it is not known."""

    name: str
    card_number: str
    libraries: set[str]
    phones: set[str]
    is_erased: bool | None = False


@dataclass
class Client:
    """A library's technician in a hurry, with the logins of several libraries: acts, and remembers every answer."""

    url: str
    number: int
    going_on: Callable[[], bool]
    people: list[Person] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=_PATIENCE_SECONDS))

    def run(self) -> None:
        dice = random.Random(self.number)
        acts: dict[Callable[[random.Random], None], int] = {
            self.enrol: 4,
            self.correct: 4,
            self.activate: 2,
            self.erase: 1,
        }
        try:
            with self.http:
                while self.going_on():
                    (act,) = dice.choices(list(acts), list(acts.values()))
                    act(dice)
        except Exception as error:
            self.wrong.append(f"{type(error).__name__}: {error}")

    def enrol(self, dice: random.Random) -> None:
        mark = len(self.people)
        name = f"Invented {self.number} {mark}"
        home, phone = dice.choice(LIBRARIES), f"+479{self.number}{mark:06d}"
        sent = {
            "name": name,
            "birth_date": "1990-05-05",
            "phone": phone,
            "national_id": national_id(self.number * 20_000 + mark),
            "rules_accepted": True,
        }
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        answer = self.until_answered("POST", "/patrons", library_id=home, json=sent, headers=headers)
        self.expect(answer, 201)
        self.people.append(Person(name, answer.json()["card_number"], {home}, {phone}))

    def correct(self, dice: random.Random) -> None:
        person = self.somebody(dice)
        if person is None:
            return
        library_id, phone = dice.choice(sorted(person.libraries)), f"+479{dice.randrange(10**7):07d}"
        path = f"/patrons/{person.card_number}"
        seen = self.until_answered("GET", path, library_id=library_id)
        self.expect(seen, 200)
        if seen.json()["phone"] not in person.phones:
            self.wrong.append("a phone number that was acknowledged is gone")
        headers = {"If-Match": seen.headers["ETag"]}
        answer = self.ask("PATCH", path, library_id=library_id, json={"phone": phone}, headers=headers)
        if answer is None:
            person.phones.add(phone)
        else:
            self.expect(answer, 200)
            person.phones = {phone}

    def activate(self, dice: random.Random) -> None:
        person, library_id = self.somebody(dice), dice.choice(LIBRARIES)
        if person is not None and len(person.libraries) < 3:
            path, sent = f"/patrons/{person.card_number}/activation", {"rules_accepted": True}
            self.expect(self.until_answered("POST", path, library_id=library_id, json=sent), 200)
            person.libraries.add(library_id)

    def erase(self, dice: random.Random) -> None:
        person = self.somebody(dice)
        if person is None:
            return
        home = self.until_answered("GET", f"/patrons/{person.card_number}", library_id=min(person.libraries))
        library_id = home.json()["home_library_id"]
        if self.done[f"erased at {library_id}"] >= 40 // _CLIENTS:
            # A library may erase fifty in a day.
            return
        self.done[f"erased at {library_id}"] += 1
        person.is_erased = None
        answer = self.until_answered("DELETE", f"/patrons/{person.card_number}", library_id=library_id)
        # Gone already: the first time there was no answer.
        self.expect(answer, 200, 410)
        person.is_erased = True

    def somebody(self, dice: random.Random) -> Person | None:
        there = [person for person in self.people if not person.is_erased]
        return dice.choice(there) if there else None

    def expect(self, answer: httpx.Response, *statuses: int) -> None:
        self.done[f"{answer.request.method} {answer.status_code}"] += 1
        if answer.status_code not in statuses:
            self.wrong.append(f"{answer.request.method} was answered {answer.status_code}: {answer.text}")

    def until_answered(self, method: str, path: str, **sent: Any) -> httpx.Response:
        while True:
            answer = self.ask(method, path, **sent)
            if answer is not None:
                return answer

    def ask(self, method: str, path: str, *, library_id: str, **sent: Any) -> httpx.Response | None:
        """Return the answer, or None where the line broke before there was one."""
        try:
            return self.http.request(method, f"{self.url}/api/v1{path}", auth=(library_id, PASSWORD), **sent)
        except httpx.TransportError:
            self.done["broke"] += 1
            return None


def national_id(number: int) -> str:
    """Return a synthetic number (month + 80) for each number from 0 on."""
    first_weights, second_weights = (3, 7, 6, 1, 8, 9, 4, 5, 2), (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
    day, month, year = 1 + number // 500 % 28, 81 + number // 14_000 % 12, 50 + number // 168_000 % 49
    # Of a thousand serial numbers about five in six have check digits.
    for serial in range(number % 500, 1000, 500):
        digits = [int(digit) for digit in f"{day:02d}{month:02d}{year:02d}{serial:03d}"]
        first = -sum(w * d for w, d in zip(first_weights, digits, strict=True)) % 11
        second = -sum(w * d for w, d in zip(second_weights, [*digits, first], strict=True)) % 11
        if first < 10 and second < 10:
            return "".join(map(str, [*digits, first, second]))
    return national_id(number + 168_000)


@dataclass
class House:
    """The processes that are killed, and begun again."""

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


@pytest.mark.timeout(600)
def test_work_that_was_acknowledged_outlives_whatever_is_killed_and_none_is_done_by_halves(
    database_url: str, listening_library: LibrarySystem, tmp_path: Path
) -> None:
    dice = random.Random(len(VICTIMS))
    going_on = threading.Event()
    going_on.set()
    with ExitStack() as stack:
        listener = stack.enter_context(listening())
        house = House(database_url, tmp_path, listener, listening_library)
        stack.callback(house.end)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        clients = [Client(url, number, going_on.is_set) for number in range(_CLIENTS)]
        threads = [threading.Thread(target=client.run) for client in clients]
        stack.callback(going_on.clear)
        for thread in threads:
            thread.start()
        for victim in VICTIMS:
            wait_for_acts(clients)
            time.sleep(dice.random() / 10)
            house.kill(victim, dice)
        going_on.clear()
        for thread in threads:
            thread.join(_LONGEST_SECONDS)
        assert [client.wrong for client in clients] == [[] for _ in clients]
        made: Counter[str] = sum((client.done for client in clients), Counter())

        database = create_engine(database_url, isolation_level="AUTOCOMMIT")
        stack.callback(database.dispose)
        connection = stack.enter_context(database.connect())
        # A line that a worker died with rests for a minute; nobody waits here for that to go by.
        connection.execute(update(LibraryQueue).values(due_at=datetime.now(UTC)))
        waiting = "library_notices WHERE due_at IS NOT NULL AND library_id LIKE 'lib%'"
        wait_for(lambda: not count(connection, waiting), "libraries to be told")
        check_what_was_acknowledged(connection, [person for client in clients for person in client.people])
        check_nothing_is_done_by_halves(connection)
        check_what_the_libraries_were_told(connection, listening_library)
        assert min(made["POST 201"], made["PATCH 200"], made["DELETE 200"], made["broke"]) > 0, made


def wait_for(is_so: Callable[[], bool], what: str) -> None:
    ends = time.monotonic() + _LONGEST_SECONDS
    while not is_so():
        assert time.monotonic() < ends, f"waited in vain for {what}"
        time.sleep(0.01)


def wait_for_acts(clients: list[Client]) -> None:
    """Wait until somebody is there to act on, and some acts more are done."""
    before = sum(client.done.total() for client in clients)
    wait_for(lambda: all(client.people or client.wrong for client in clients), "everybody to be at work")
    wait_for(lambda: sum(client.done.total() for client in clients) > before + 8, "some acts")


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
