"""A portal, and a database of its own that may be stopped, filled and told things, with requests of all kinds."""

import contextlib
import os
import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import QueuePool

from app import create_app
from app.messages.channels import Inbox
from app.register.store.transaction import db
from tests.conftest import Clock, Databases, settings_for
from tests.doors.visits import GUARDIAN, KIOSK_1, SCAN, SYSTEM, csrf_token, desk_log_in, log_in, shown_code
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

    def works(self) -> None:
        assert self.ask() == WELL
        assert self.scan()
        assert self.ready() == (200, "ok")

    def connections_in_use(self) -> int:
        with self.app.app_context():
            pool = db.engine.pool
        assert isinstance(pool, QueuePool)
        return pool.checkedout()

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

    def end_connections(self, *_signal: object, **_named: object) -> None:
        self.run("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = 'faults'")

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
