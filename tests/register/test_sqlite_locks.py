"""SQLite's locks on the register's file outlive whatever else the same process opens."""

import subprocess
import sys
from contextlib import suppress
from fcntl import LOCK_EX, LOCK_NB, LOCK_UN, flock
from pathlib import Path
from threading import Event, Thread

import pytest
from apiflask import APIFlask
from sqlalchemy import text

from app.register.store.driver import DriverConnection
from app.register.store.transaction import db

pytestmark = pytest.mark.usefixtures("programs")

READ_AND_CLOSE = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("SELECT count(*) FROM patrons").fetchone()
connection.close()
"""


@pytest.fixture
def engine() -> str:
    return "sqlite"


def test_a_second_connection_leaves_the_first_one_its_locks(app):
    """Without them another process takes itself for the last one, and throws away the log that is still written to."""
    with app.app_context(), db.engine.connect() as first, db.engine.connect():
        first.execute(text("UPDATE libraries SET name = name"))
        first.commit()
        log = Path(f"{db.engine.url.database}-wal")
        begun = log.stat().st_ino
        subprocess.run([sys.executable, "-c", READ_AND_CLOSE, str(db.engine.url.database)], check=True)
        assert log.stat().st_ino == begun


def test_whoever_has_written_lets_the_one_who_waits_write_before_it_writes_again(app: APIFlask):
    written: list[str] = []
    with app.app_context():
        first, second = DriverConnection(db.engine), DriverConnection(db.engine)
        following = Path(f"{db.engine.url.database}-next").open("rb")  # noqa: SIM115 - a lock, not what is in it

    def write(connection: DriverConnection, name: str) -> None:
        connection.begin_write()
        written.append(name)
        connection.commit_write()

    def wait_until_somebody_waits() -> None:
        with suppress(BlockingIOError):
            while True:
                flock(following, LOCK_EX | LOCK_NB)
                flock(following, LOCK_UN)
                Event().wait(0.01)

    for _ in range(5):
        first.begin_write()
        waiting = Thread(target=write, args=(second, "second"))
        waiting.start()
        wait_until_somebody_waits()
        first.commit_write()
        write(first, "first")
        waiting.join(timeout=300)
    assert written == ["second", "first"] * 5
    following.close()
    first.close()
    second.close()
