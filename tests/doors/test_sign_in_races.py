"""Signing in at the very moment when somebody else signs in, changes the PIN or reports the card lost."""

from collections.abc import Callable
from datetime import timedelta
from itertools import count

import pytest
from apiflask import APIFlask
from sqlalchemy import func, select

from app.register.card.cards import report_found, report_lost
from app.register.card.pin_changes import choose_pin
from app.register.store.transaction import db
from app.register.tables.devices import Credential
from app.register.tables.patrons import Patron, Session
from tests.conftest import Clock
from tests.doors.visits import GUARDIAN, csrf_token
from tests.register.interrupting import interrupted

NUMBER, PIN = GUARDIAN
DEVICE = "the token that a tablet of the family holds"

pytestmark = pytest.mark.parametrize("engine", ["sqlite", "postgresql"])


def find_guardian(app: APIFlask) -> int:
    with app.app_context():
        return db.session.scalars(select(Patron.id).where(Patron.card_number == NUMBER)).one()


def on_the_tablet(app: APIFlask) -> Callable[[], tuple[int, str | None]]:
    """Return what sends the filled-in form in, from a browser of its own on one tablet."""
    browser = app.test_client()
    browser.set_cookie("lanekort_device", DEVICE)
    fields = {"csrf_token": csrf_token(browser, "/login"), "card_number": NUMBER, "remember": "y"}

    def send(pin: str = PIN) -> tuple[int, str | None]:
        answer = browser.post("/login", data={**fields, "pin": pin})
        return answer.status_code, answer.location

    return send


def test_who_presses_the_button_twice_is_signed_in(app: APIFlask) -> None:
    answers: list[tuple[int, str | None]] = []

    def press() -> None:
        answers.append(on_the_tablet(app)())

    for moment in count():
        first = on_the_tablet(app)
        with app.app_context(), interrupted(db.engine, before=moment, by=press) as acted:
            answers.append(first())
        assert set(answers) == {(302, "/my")}
        with app.app_context():
            db.session.execute(db.text("UPDATE devices SET token_hash = id"))
            db.session.commit()
        if not acted:
            break
    assert moment > 3, "there were moments between statements"


def lose(clock: Clock, patron_id: int) -> None:
    report_lost(patron_id=patron_id, now=clock())


def choose_another_pin(clock: Clock, patron_id: int) -> None:
    choose_pin(patron_id=patron_id, pin="6038", now=clock() + timedelta(seconds=1))


def undo(end: Callable[[Clock, int], None], clock: Clock, patron_id: int) -> None:
    if end is lose:
        report_found(patron_id=patron_id, now=clock())
    else:
        choose_pin(patron_id=patron_id, pin=PIN, now=clock.turn(seconds=2))


@pytest.mark.parametrize("end", [lose, choose_another_pin])
def test_nobody_stays_signed_in_who_came_while_it_was_ended(
    app: APIFlask, clock: Clock, end: Callable[[Clock, int], None]
) -> None:
    guardian = find_guardian(app)

    def interrupt() -> None:
        with app.app_context():
            end(clock, guardian)
            db.session.commit()

    for moment in count():
        send = on_the_tablet(app)
        with app.app_context(), interrupted(db.engine, before=moment, by=interrupt) as acted:
            answer = send()
        if not acted:
            break
        assert answer[0] in (302, 401)
        with app.app_context():
            assert db.session.scalar(select(func.count()).where(Session.patron_id == guardian)) == 0
            if end is lose:
                live = select(func.count()).where(Credential.patron_id == guardian, Credential.revoked_at.is_(None))
                assert db.session.scalar(live) == 0
            undo(end, clock, guardian)
            db.session.commit()
    assert moment > 3, "there were moments between statements"
