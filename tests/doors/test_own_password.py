"""Whoever works at a library changes their own password, and nobody else does."""

from dataclasses import replace

import pyotp
import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.register.store.transaction import db
from app.register.tables.library import Staff
from tests.authenticator import Authenticator
from tests.conftest import Clock
from tests.doors.colleagues import GOOD, Browsers, acts
from tests.doors.passkeys import options
from tests.doors.test_staff_passkeys import add_at_desk, sign_in_at_desk
from tests.doors.visits import ULLENSAKER, desk_log_in, main_text, submit

PAGE, OWN = "/desk/sign-in/password", "/desk/sign-in"


def change(browser: FlaskClient, *, current: str = ULLENSAKER.password, new: str = GOOD, **more: str) -> TestResponse:
    return submit(browser, PAGE, page="/desk", current_password=current, new_password=new, **more)


def verifier(app: APIFlask) -> str:
    with app.app_context():
        found = db.session.scalar(select(Staff.password_verifier).where(Staff.username == ULLENSAKER.username))
        db.session.remove()
    return str(found)


def test_the_new_password_counts_and_every_other_session_ends(
    app: APIFlask, desk: FlaskClient, new_browser: Browsers, clock: Clock
) -> None:
    elsewhere = new_browser()
    clock.turn(seconds=30)
    assert desk_log_in(elsewhere, ULLENSAKER).status_code == 302
    assert change(desk).location == OWN
    assert "Your password is changed." in desk.get(OWN).text
    assert elsewhere.get("/desk").location == "/desk/login"
    assert desk.get("/desk").status_code == 200
    clock.turn(seconds=30)
    assert desk_log_in(new_browser(), ULLENSAKER).status_code == 401
    assert desk_log_in(new_browser(), replace(ULLENSAKER, password=GOOD)).location == "/desk"
    noted = acts(app)
    assert noted == [(ULLENSAKER.username, "staff-password-changed", ULLENSAKER.username)]
    assert GOOD not in repr(noted)


def test_a_wrong_password_changes_nothing_and_costs_a_try_before_it_is_checked(
    app: APIFlask, desk: FlaskClient, clock: Clock
) -> None:
    before = verifier(app)
    for _ in range(10):
        refused = change(desk, current="another password")
        assert refused.status_code == 422
        assert "This is not your password." in main_text(refused)
    waiting = change(desk)
    assert waiting.status_code == 429
    assert int(waiting.headers["Retry-After"]) > 0
    assert (verifier(app), acts(app)) == (before, [])
    clock.turn(seconds=15 * 60)
    code = pyotp.TOTP(ULLENSAKER.totp_secret).at(clock())
    submit(desk, PAGE, page="/desk", confirm_password=ULLENSAKER.password, confirm_code=code)
    assert change(desk).location == OWN


@pytest.mark.parametrize(
    ("new", "says"),
    [
        ("", "at least 12 characters"),
        ("kort og bra", "at least 12 characters"),
        ("michaeljordan", "easy to guess"),
        ("1q2w3e4r5t6y", "easy to guess"),
        (f"{ULLENSAKER.username}2026", "easy to guess"),
        ("Ullensaker bibliotek", "easy to guess"),
        ("abcdabcdabcd", "easy to guess"),
    ],
)
def test_a_password_that_is_easy_to_guess_is_refused_with_the_reason(
    app: APIFlask, desk: FlaskClient, new: str, says: str
) -> None:
    before = verifier(app)
    refused = change(desk, new=new)
    assert refused.status_code == 422
    assert says in main_text(refused)
    assert not new or f'value="{new}"' not in refused.text
    assert (verifier(app), acts(app)) == (before, [])


def test_after_ten_minutes_it_is_asked_who_it_is(app: APIFlask, desk: FlaskClient, clock: Clock) -> None:
    before = verifier(app)
    clock.turn(seconds=600)
    assert desk.get(PAGE).location == "/desk/confirm?next=desk.own_password"
    question = change(desk)
    assert "Confirm that it is you" in main_text(question)
    assert GOOD not in question.text
    code = pyotp.TOTP(ULLENSAKER.totp_secret).at(clock())
    answer = submit(desk, PAGE, page="/desk", confirm_password=ULLENSAKER.password, confirm_code=code)
    assert "Type both passwords once more." in main_text(answer)
    assert verifier(app) == before
    assert change(desk).location == OWN


def test_a_passkey_confirms_and_works_on(
    desk: FlaskClient, own: Authenticator, new_browser: Browsers, clock: Clock
) -> None:
    add_at_desk(desk, own)
    clock.turn(seconds=600)
    answer = own.sign(options(desk, "/desk/confirm/passkey", page="/desk"))
    assert submit(desk, PAGE, page="/desk", confirm_passkey=answer).status_code == 200
    assert change(desk).location == OWN
    assert sign_in_at_desk(new_browser(), own).location == "/desk"
