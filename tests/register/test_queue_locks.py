"""Changes of different patrons never wait for each other in a circle: each takes its libraries' lines in one order."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from apiflask import APIFlask
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app.register.change.enrolment import activate_here
from app.register.change.membership import end_affiliation, opt_out
from app.register.patron.changes import note_change
from app.register.patron.patrons import activate_card, lock_patron
from app.register.store.transaction import db
from app.register.tables.library import Library
from tests.conftest import Clock
from tests.register.people import CHILD, GUARDIAN, MULLSJO, ULLENSAKER, patron_id

FIRST, LAST = sorted((ULLENSAKER, MULLSJO))
EARLIER = "0000000"
_PATIENCE_SECONDS = 60


@pytest.fixture(params=["postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    """On SQLite one writes at a time, so there is nobody to wait for."""
    return str(request.param)


@pytest.fixture
def acts(clock: Clock) -> dict[str, tuple[Callable[[], None], str, str]]:
    """Acts of several changes each: what is done, the line that somebody else holds, and one that is to be free."""
    guardian, child = patron_id(GUARDIAN), patron_id(CHILD)
    db.session.add(Library(id=EARLIER, name="Earlier", kind="folkbib"))
    db.session.flush()
    activate_card(patron_id=guardian, library_id=EARLIER, now=clock())
    note_change(patron=lock_patron(guardian), now=clock())
    db.session.commit()
    now = clock() + timedelta(seconds=1)
    return {
        "leaving": (lambda: end_affiliation(patron_id=guardian, library_id=LAST, now=now), FIRST, LAST),
        "opting out": (lambda: opt_out(patron_id=guardian, library_id=EARLIER, now=now), EARLIER, LAST),
        "joining with consent": (
            lambda: activate_here(patron_id=child, library_id=EARLIER, guardian_consent=True, now=now),
            EARLIER,
            ULLENSAKER,
        ),
    }


@pytest.mark.parametrize("act", ["leaving", "opting out", "joining with consent"])
def test_somebody_who_waits_for_a_line_holds_none_that_comes_after_it(app: APIFlask, acts, act: str) -> None:
    do, held, free = acts[act]
    done: list[bool] = []

    def run() -> None:
        with app.app_context():
            do()
            db.session.commit()
            done.append(True)

    take = "SELECT 1 FROM library_queues WHERE library_id = :line FOR UPDATE NOWAIT"
    with db.engine.connect() as other:
        other.execute(text(take), {"line": held}).one()
        thread = threading.Thread(target=run)
        thread.start()
        wait_until_it_waits()
        try:
            other.execute(text(take), {"line": free}).one()
        except OperationalError:
            pytest.fail("it waits for one line and holds a later one")
        finally:
            other.rollback()
            thread.join(_PATIENCE_SECONDS)
    assert done == [True]


def wait_until_it_waits() -> None:
    ends = time.monotonic() + _PATIENCE_SECONDS
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while not connection.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one():
            assert time.monotonic() < ends
            time.sleep(0.01)
