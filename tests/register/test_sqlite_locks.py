"""SQLite's locks on the register's file outlive whatever else the same process opens."""

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

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
