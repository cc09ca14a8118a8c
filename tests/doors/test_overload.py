"""Too many sign-ins at once: who would wait too long is told so at once, and nothing is done for them."""

from collections.abc import Callable, Iterator

import pytest
from apiflask import APIFlask
from flask import g, has_request_context
from flask.testing import FlaskClient
from sqlalchemy import event

from app.register.keys import vault as vault_module
from app.register.keys.evaluations import GATE
from app.register.store.transaction import db
from tests.doors.visits import (
    CHILD,
    GUARDIAN,
    KIOSK_1,
    ULLENSAKER,
    csrf_token,
    desk_log_in,
    log_in,
    main_text,
    scan_at_kiosk,
    shown_code,
    submit,
)


class Kernel:
    """A connection on which the last data came in so many milliseconds ago, as Linux tells it."""

    def __init__(self, milliseconds: int) -> None:
        self._told = bytes(52) + milliseconds.to_bytes(4, "little")

    def getsockopt(self, *_asked: int) -> bytes:
        return self._told


@pytest.fixture
def busy(app: APIFlask, client: FlaskClient, phone: FlaskClient, desk: FlaskClient) -> Iterator[list[str]]:
    """Make the gate's line too long, once the browsers are open. Gives what the database is asked from then on."""
    statements: list[str] = []
    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    app.extensions["statements"] = statements
    before, GATE.seconds = GATE.seconds, 1000.0
    GATE.inside += GATE.at_once
    yield statements
    GATE.inside -= GATE.at_once
    GATE.seconds = before


FORMS = {
    "/login": {"card_number": GUARDIAN[0], "pin": GUARDIAN[1]},
    "/desk/login": {"username": ULLENSAKER.username, "password": ULLENSAKER.password, "code": "123456"},
    "/my/confirm?next=portal.data": {"confirm_pin": GUARDIAN[1]},
    "/my/pin": {"new_pin": "8264"},
    "/my/settings": {"guardian_card_number": "N000100001", "pin": CHILD[1]},
    "/new-pin/x": {"new_pin": "8264"},
    "/register/pin": {"way": "chosen", "new_pin": "8264"},
}
CALLS = {
    "/api/v1/pin-checks": {"card_number": GUARDIAN[0], "pin": GUARDIAN[1]},
    "/api/v1/door": {"payload": "1", "pin": GUARDIAN[1]},
    "/api/v1/authenticate": {"card_number": GUARDIAN[0], "pin": GUARDIAN[1]},
}


@pytest.mark.parametrize("path", FORMS)
def test_a_form_with_a_secret_is_refused_before_any_work(busy: list[str], phone: FlaskClient, path: str) -> None:
    busy.clear()
    answer = phone.post(path, data=FORMS[path])
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) >= 2
    assert "Nothing was changed." in main_text(answer)
    assert busy == []


@pytest.mark.parametrize("path", CALLS)
def test_a_call_with_a_pin_is_refused_before_any_work(busy: list[str], client: FlaskClient, path: str) -> None:
    answer = client.post(path, json=CALLS[path], auth=KIOSK_1)
    assert (answer.status_code, answer.json["code"]) == (503, "too-busy")
    assert int(answer.headers["Retry-After"]) >= 2
    assert busy == []


def test_cards_scans_and_pages_go_on(
    busy: list[str], client: FlaskClient, phone: FlaskClient, desk: FlaskClient
) -> None:
    assert "reason" not in scan_at_kiosk(client, shown_code(phone)).json
    for path in ("/card", "/my", "/my/data"):
        assert phone.get(path).status_code == 200, path
    assert desk.get("/desk").status_code == 200
    assert client.get("/login").status_code == 200
    assert submit(phone, "/logout", page="/my").status_code == 302


def test_a_refusal_uses_up_no_try(busy: list[str], app: APIFlask, client: FlaskClient) -> None:
    token = csrf_token(client, "/login")
    for _ in range(20):
        typed = {"csrf_token": token, "card_number": GUARDIAN[0], "pin": "0000"}
        assert client.post("/login", data=typed).status_code == 503
    GATE.seconds = 0.001
    assert log_in(client, *GUARDIAN).status_code == 302


@pytest.mark.parametrize(("milliseconds", "status"), [(0, 401), (400, 401), (600, 503), (60_000, 503)])
def test_who_lay_in_the_kernel_for_too_long_is_refused_though_nobody_evaluates(
    client: FlaskClient, milliseconds: int, status: int
) -> None:
    typed = {"csrf_token": csrf_token(client, "/login"), "card_number": GUARDIAN[0], "pin": "0000"}
    waited = {"gunicorn.socket": Kernel(milliseconds)}
    assert client.post("/login", data=typed, environ_base=waited).status_code == status
    assert client.get("/login", environ_base=waited).status_code == 200


def test_desks_are_told_at_their_own_page(busy: list[str], desk: FlaskClient) -> None:
    answer = desk.post("/desk/login", data=FORMS["/desk/login"])
    assert (answer.status_code, "To the desk" in main_text(answer)) == (503, True)


def test_each_evaluation_in_a_request_was_asked_for_before(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    unasked: list[str] = []

    class Watched:
        def evaluate(self, work: Callable[[], object]) -> object:
            if has_request_context() and not g.get("room_was_checked"):
                unasked.append("evaluated without room")
            return GATE.evaluate(work)

    monkeypatch.setattr(vault_module, "GATE", Watched())
    assert log_in(client, *GUARDIAN).status_code == 302
    assert desk_log_in(client).status_code == 302
    client.post("/api/v1/pin-checks", json=CALLS["/api/v1/pin-checks"], auth=KIOSK_1)
    assert submit(client, "/my/pin", new_pin="3916").status_code == 302
    assert unasked == []
