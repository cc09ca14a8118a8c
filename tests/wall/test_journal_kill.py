"""A process that erases somebody is killed (SIGKILL) at each point: who was told of it stays erased in every backup."""

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event, select

from app import create_app
from app.register.journal.journaling import check_journal, current_journal, write_waiting
from app.register.journal.stores import LockedFile
from app.register.leaving.erasure import erase_patron
from app.register.leaving.replay import replay
from app.register.store.transaction import db
from app.register.tables.log import Erasure
from app.register.tables.patrons import Patron
from tests.conftest import START, settings_for
from tests.register.people import GUARDIAN, patron_id
from tests.wall.processes import HOUSE

pytestmark = pytest.mark.usefixtures("programs")

POINTS = ("before the commit", "after the commit", "in the middle of the line", "after the line", "acknowledged")


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def erase_and_die(database_url: str, point: str) -> None:
    """Erase the guardian, and be killed at the point. Runs in a process of its own."""
    app = create_app(settings_for(database_url), clock=lambda: START)
    with app.app_context():
        if point == "before the commit":
            event.listen(db.session, "before_commit", die)
        elif point == "after the commit":
            event.listen(db.session, "after_commit", die, insert=True)
        elif point == "in the middle of the line":

            def add_half(self: LockedFile, _seq: int, line: str) -> None:
                os.write(self._descriptor, line[: len(line) // 2].encode())
                die()

            LockedFile.add = add_half
        elif point == "after the line":
            add = LockedFile.add

            def add_and_die(self: LockedFile, seq: int, line: str) -> None:
                add(self, seq, line)
                if seq:
                    die()

            LockedFile.add = add_and_die
        code = erase_patron(patron_id=patron_id(GUARDIAN), reason="asked", now=START)
        db.session.commit()
        os.write(1, code.encode())
        die()


@pytest.mark.parametrize("point", POINTS)
def test_somebody_who_was_told_of_their_erasure_is_in_the_journal_wherever_its_process_was_killed(
    database_url, app, tmp_path, point
):
    restored = tmp_path / "restored.sqlite"
    origin = sqlite3.connect(database_url.removeprefix("sqlite:///"))
    with closing(origin), closing(sqlite3.connect(restored)) as target:
        origin.backup(target)
    act = f"from tests.wall.test_journal_kill import erase_and_die; erase_and_die({database_url!r}, {point!r})"
    done = subprocess.run([sys.executable, "-c", act], cwd=HOUSE, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert bool(done.stdout) == (point == "acknowledged")
    committed = point != "before the commit"

    with app.app_context():
        # The register that was not lost goes on at once, and what is left to do the worker does.
        check_journal()
        assert app.test_client().get("/readyz").status_code == 200
        write_waiting()
        write_waiting()
        assert (db.session.scalar(select(Patron.id).where(Patron.card_number == GUARDIAN)) is None) == committed
        assert db.session.scalars(select(Erasure.journal_entry)).all() == [None] * committed
        assert len(current_journal().read()) == committed
        check_journal()
        db.session.remove()
        db.engine.dispose()
    again = create_app(replace(settings_for(database_url), database_url=f"sqlite:///{restored}"), clock=lambda: START)
    with again.app_context():
        if committed:
            assert again.test_client().get("/").status_code == 503
            assert [done.erased for done in replay(now=START)] == [1]
        check_journal()
        assert (db.session.scalar(select(Patron.id).where(Patron.card_number == GUARDIAN)) is None) == committed
        db.session.remove()
        db.engine.dispose()


@pytest.mark.parametrize("point", POINTS[4:])
def test_an_acknowledged_erasure_needs_no_worker_to_be_in_the_journal(database_url, app, point):
    act = f"from tests.wall.test_journal_kill import erase_and_die; erase_and_die({database_url!r}, {point!r})"
    done = subprocess.run([sys.executable, "-c", act], cwd=HOUSE, capture_output=True, text=True, check=False)
    assert len(done.stdout) > 20
    with app.app_context():
        assert len(current_journal().read()) == 1
        assert Path(f"{database_url.removeprefix('sqlite:///')}.journal").stat().st_size > 0
