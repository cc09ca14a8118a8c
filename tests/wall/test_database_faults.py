"""A database that does not work for a while: 503 and when to come again, never 500, and all is well when it is back."""

import contextlib
import os
import shlex
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import psycopg
import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import event

from app import create_app
from app.messages.channels import Inbox
from app.register.store.transaction import db
from tests.conftest import Clock, Databases, settings_for
from tests.doors.visits import GUARDIAN, KIOSK_1, KIOSK_2, SCAN, SYSTEM, csrf_token, desk_log_in, log_in, shown_code
from tests.postgres import create_database, find_programs


class Portal:
    """A portal with a patron, a desk and machines at it, and all kinds of requests that they send."""

    def __init__(self, url: str, clock: Clock, folder: Path) -> None:
        self.app: APIFlask = create_app(settings_for(url), clock=clock, post=Inbox(folder / "inbox"))
        self.clock = clock
        self.phone, self.desk, self.visitor = (self._open() for _ in range(3))
        assert log_in(self.phone, *GUARDIAN, keep=True).status_code == 302
        assert desk_log_in(self.desk).status_code == 302
        self.token = csrf_token(self.visitor, "/login")

    def _open(self) -> FlaskClient:
        client = self.app.test_client()
        client.set_cookie("lang", "en")
        return client

    def ask(self) -> dict[str, int]:
        """Send one request of each kind. Each that gets 503 is told when to come again, in words or problem+json."""
        self.clock.turn(seconds=30)
        typed = {"csrf_token": self.token, "card_number": GUARDIAN[0], "pin": "0000"}
        answers = {
            "start": self.visitor.get("/"),
            "my page": self.phone.get("/my"),
            "card": self.phone.get("/card"),
            "data": self.phone.get("/my/data"),
            "desk": self.desk.get("/desk"),
            "scan": self.visitor.post(SCAN, json={"payload": "921123456789012294287082"}, auth=KIOSK_1),
            "fetch": self.visitor.get("/api/v1/patrons/N000100001", auth=SYSTEM),
            "sign-in": self.visitor.post("/login", data=typed),
        }
        for name, answer in answers.items():
            assert answer.status_code != 500, name
            if answer.status_code == 503:
                assert int(answer.headers["Retry-After"]) > 0, name
                if answer.mimetype == "text/html":
                    assert "Nothing was lost." in answer.text, name
                    assert 'href="/' in answer.text, name
                else:
                    assert answer.mimetype == "application/problem+json", name
        return {name: answer.status_code for name, answer in answers.items()}

    def ready(self) -> tuple[int, str]:
        answer = self.visitor.get("/readyz")
        return answer.status_code, answer.json["status"]

    def scan(self) -> bool:
        """Show a card and scan it: what is written then is really written."""
        self.clock.turn(seconds=30)
        answer = self.visitor.post(SCAN, json={"payload": shown_code(self.phone)}, auth=KIOSK_1)
        return bool(answer.status_code == 200 and answer.json["result"] == "accepted")

    def close(self) -> None:
        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()


WELL = {
    "start": 200,
    "my page": 200,
    "card": 200,
    "data": 200,
    "desk": 200,
    "scan": 200,
    "fetch": 200,
    "sign-in": 401,
}


@contextlib.contextmanager
def opened(url: str, folder: Path, clock: Clock) -> Iterator[Portal]:
    # A one-time code counts once.
    clock.turn(days=1)
    portal = Portal(url, clock, folder)
    try:
        assert portal.ask() == WELL
        yield portal
    finally:
        portal.close()


class Server:
    """A PostgreSQL of the test's own, with the demo's people, that may be stopped and told things."""

    def __init__(self, server_url: str, databases: Databases) -> None:
        self.clock = Clock()
        self._url = server_url.replace("+psycopg", "") + "postgres"
        self.database_url = create_database(server_url, "faults")
        [[self._data]] = self.run("SHOW data_directory")
        # What it was started with: only a restart would know it by itself.
        _program, *options = shlex.split((Path(self._data) / "postmaster.opts").read_text())
        self._options = shlex.join(options)
        source = databases.copy("postgresql").replace("+psycopg", "")
        programs = find_programs()
        dump = subprocess.run([programs / "pg_dump", source], capture_output=True, check=True).stdout
        target = self.database_url.replace("+psycopg", "")
        subprocess.run([programs / "psql", "-q", "-d", target], input=dump, capture_output=True, check=True)

    def run(self, *statements: str) -> list[tuple[str, ...]]:
        with psycopg.connect(self._url, autocommit=True) as connection:
            for statement in statements:
                done = connection.execute(statement)
            return done.fetchall() if done.description else []

    def repeat(self, statement: str, is_enough: Callable[[], object]) -> None:
        while not is_enough():
            self.run(statement)

    def connect(self) -> psycopg.Connection | None:
        """Take a connection; None where there is none left."""
        try:
            return psycopg.connect(self._url, autocommit=True)
        except psycopg.OperationalError:
            return None

    def start(self) -> None:
        self.control("-o", self._options, "start")

    def control(self, *arguments: str) -> None:
        as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        command = [*as_user, find_programs() / "pg_ctl", "-D", self._data, "-w", "-s", "-l", f"{self._data}/log"]
        subprocess.run([*command, *arguments], check=True, cwd="/", capture_output=True)


@pytest.fixture(scope="module")
def server(databases: Databases, run_postgres: Callable[..., AbstractContextManager[str]]) -> Iterator[Server]:
    with run_postgres("max_connections=30", in_memory=True) as url:
        yield Server(url, databases)


def test_a_server_that_was_started_anew_between_two_requests_is_not_noticed(server: Server, tmp_path: Path) -> None:
    with opened(server.database_url, tmp_path, server.clock) as portal:
        for _ in range(3):
            server.control("restart", "-m", "fast")
            assert portal.ask() == WELL
        server.control("restart", "-m", "immediate")
        assert portal.scan()
        assert portal.ready() == (200, "ok")


def test_a_server_that_is_down_is_told_and_comes_back_without_a_start_of_the_portals(
    server: Server, tmp_path: Path
) -> None:
    with opened(server.database_url, tmp_path, server.clock) as portal:
        server.control("stop", "-m", "fast")
        try:
            down = portal.ask()
            assert portal.ready() == (503, "database not reached")
            assert portal.visitor.get("/healthz").status_code == 200
        finally:
            server.start()
        assert down == dict.fromkeys(WELL, 503) | {"start": 200}
        assert portal.ask() == WELL
        assert portal.scan()
        assert portal.ready() == (200, "ok")


def test_connections_that_others_use_up_are_told_and_missed_no_longer_than_that(server: Server, tmp_path: Path) -> None:
    with opened(server.database_url, tmp_path, server.clock) as portal, contextlib.ExitStack() as others:
        server.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'faults'")
        while (another := server.connect()) is not None:
            others.enter_context(another)
        used_up = portal.ask()
        assert portal.ready() == (503, "no connections to the database left")
        others.close()
        assert used_up == dict.fromkeys(WELL, 503) | {"start": 200}
        assert portal.ask() == WELL
        assert portal.scan()
        assert portal.ready() == (200, "ok")


def test_a_server_that_only_reads_is_told_while_pages_are_shown(server: Server, tmp_path: Path) -> None:
    with opened(server.database_url, tmp_path, server.clock) as portal:
        server.run("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
        server.repeat("SELECT 1", lambda: server.run("SHOW default_transaction_read_only") == [("on",)])
        server.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'faults'")
        try:
            assert portal.ready() == (503, "database read-only")
            reads = portal.ask()
            assert not portal.scan()
        finally:
            server.run(
                "SET default_transaction_read_only = off",
                "ALTER SYSTEM RESET default_transaction_read_only",
                "SELECT pg_reload_conf()",
            )
            server.repeat("SELECT 1", lambda: server.run("SHOW default_transaction_read_only") == [("off",)])
            server.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'faults'")
        # A scan that is refused is counted, so it is no answer either while nothing can be written.
        assert {name for name, status in reads.items() if status == 503} == {"fetch", "scan", "sign-in"}
        assert portal.ask() == WELL
        assert portal.scan()
        assert portal.ready() == (200, "ok")


@pytest.mark.parametrize("has_cookie", [False, True], ids=["the short way", "the ordinary way"])
def test_a_commit_whose_wait_for_a_standby_is_cancelled_is_not_acknowledged(
    server: Server, tmp_path: Path, has_cookie: bool
) -> None:
    waiting = "FROM pg_stat_activity WHERE datname = 'faults' AND wait_event = 'SyncRep'"
    with opened(server.database_url, tmp_path, server.clock) as portal, ThreadPoolExecutor() as beside:
        client = portal.visitor if has_cookie else portal.app.test_client()
        statuses: list[int] = []
        server.run("ALTER SYSTEM SET synchronous_standby_names = 'nobody'", "SELECT pg_reload_conf()")
        cancelling = beside.submit(server.repeat, f"SELECT pg_cancel_backend(pid) {waiting}", lambda: 503 in statuses)
        # The server's processes take up the setting one after the other: the first scans may not wait yet.
        while 503 not in statuses and len(statuses) < 100:
            server.clock.turn(seconds=30)
            payload = shown_code(portal.phone)
            answer = client.post(SCAN, json={"payload": payload}, auth=KIOSK_1)
            statuses.append(answer.status_code)
        statuses.append(503)
        cancelling.result()
        server.run("ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()")
        assert (answer.status_code, answer.json["code"]) == (503, "database-unavailable")
        assert int(answer.headers["Retry-After"]) > 0
        again = portal.visitor.post(SCAN, json={"payload": payload}, auth=KIOSK_1)
        assert (again.status_code, again.json["result"]) == (200, "accepted")
        elsewhere = portal.visitor.post(SCAN, json={"payload": payload}, auth=KIOSK_2)
        assert elsewhere.json["reason"] == "REPLAY"
        assert portal.ask() == WELL


@pytest.fixture
def sqlite(database_url: str, tmp_path: Path) -> Iterator[tuple[Portal, Callable[[str], None]]]:
    """The portal on SQLite, and how its connections are told something."""
    with opened(database_url, tmp_path, Clock()) as portal:

        def tell(pragma: str) -> None:
            with portal.app.app_context():
                db.engine.dispose()
                event.listen(db.engine, "connect", lambda connection, _record: connection.execute(f"PRAGMA {pragma}"))

        yield portal, tell


def test_a_full_disk_is_told_on_sqlite(sqlite: tuple[Portal, Callable[[str], None]]) -> None:
    portal, tell = sqlite
    tell("max_page_count = 1")
    statuses: dict[str, int] = {}
    for _ in range(200):
        statuses = portal.ask()
        if statuses["sign-in"] == 503 or statuses["fetch"] == 503:
            break
    assert 503 in statuses.values()
    assert portal.ready() == (503, "database full or not writable")
    tell("max_page_count = 1073741823")
    assert portal.ask()["fetch"] == 200


def test_a_database_that_may_only_be_read_is_told_on_sqlite(sqlite: tuple[Portal, Callable[[str], None]]) -> None:
    portal, tell = sqlite
    tell("query_only = ON")
    assert portal.ask()["sign-in"] == 503
    assert portal.ready() == (503, "database read-only")
    tell("query_only = OFF")
    assert portal.ask() == WELL
    assert portal.ready() == (200, "ok")


def test_a_database_that_somebody_locks_is_told_on_sqlite(sqlite: tuple[Portal, Callable[[str], None]]) -> None:
    portal, tell = sqlite
    tell("busy_timeout = 10")
    with portal.app.app_context():
        holder = db.engine.raw_connection()
    holder.cursor().execute("BEGIN IMMEDIATE")
    assert portal.ask()["sign-in"] == 503
    assert portal.ready() == (503, "database locked or busy")
    holder.rollback()
    holder.close()
    assert portal.ask() == WELL
