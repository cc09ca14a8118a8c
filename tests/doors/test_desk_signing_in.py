"""Staff sign in at the desk: password and one-time code, tries that are few, and a cookie of its own."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from tests.conftest import Clock
from tests.doors.visits import (
    GUARDIAN,
    MULLSJO,
    ULLENSAKER,
    desk_log_in,
    log_in,
    read_page,
    submit,
)

BROWSER = Callable[..., FlaskClient]


def test_staff_and_patron_are_signed_in_in_one_browser_without_ending_each_others_sign_in(client: FlaskClient) -> None:
    log_in(client, *GUARDIAN)
    desk_log_in(client)
    assert client.get("/my").status_code == 200
    assert client.get("/desk").status_code == 200
    assert client.get_cookie("lanekort_desk") != client.get_cookie("lanekort")


def test_signing_out_at_the_desk_leaves_the_patron_signed_in(client: FlaskClient) -> None:
    log_in(client, *GUARDIAN)
    desk_log_in(client)
    assert submit(client, "/desk/logout", page="/desk").location == "/desk/login"
    assert client.get("/desk").location == "/desk/login"
    assert client.get("/my").status_code == 200


def test_a_desks_token_under_the_patrons_name_opens_nothing(desk: FlaskClient, new_browser: BROWSER) -> None:
    cookie = desk.get_cookie("lanekort_desk")
    assert cookie is not None
    other = new_browser()
    other.set_cookie("lanekort", cookie.value)
    assert other.get("/my").location == "/login"
    assert other.get("/desk").location == "/desk/login"


def test_staff_are_let_in_with_password_and_one_time_code(client: FlaskClient) -> None:
    assert desk_log_in(client).location == "/desk"
    assert "Skranken i Ullensaker" in client.get("/desk").text


def test_a_one_time_code_lets_in_once(client: FlaskClient, new_browser: BROWSER, clock: Clock) -> None:
    assert desk_log_in(client).status_code == 302
    assert desk_log_in(new_browser()).status_code == 401
    clock.turn(seconds=30)
    assert desk_log_in(new_browser()).status_code == 302


@pytest.mark.parametrize(
    "wrong",
    [
        {"username": "desk-unknown"},
        {"password": "demo-desk-mullsjo"},
        {"code": "000000"},
        {"code": ""},
        {"code": "١٢٣٤٥٦"},
        {"username": MULLSJO.username},
    ],
)
def test_staff_get_the_same_answer_whatever_was_wrong(client: FlaskClient, clock: Clock, wrong: dict[str, str]) -> None:
    right = {"username": ULLENSAKER.username, "password": ULLENSAKER.password, "code": "123456"}
    response = submit(client, "/desk/login", **right | wrong)
    assert response.status_code == 401
    alert = read_page(response).find(role="alert")
    assert alert is not None
    assert alert.get_text(strip=True) == (
        "That did not fit together. A one-time code can be used once; wait for the next."
    )


def test_staff_must_wait_after_ten_wrong_tries(client: FlaskClient) -> None:
    for _ in range(10):
        assert submit(client, "/desk/login", username=ULLENSAKER.username, password="x", code="0").status_code == 401
    response = desk_log_in(client)
    assert response.status_code == 429
    assert int(response.headers["Retry-After"]) == 900


def test_a_desk_forgets_after_an_hour_without_use_and_after_twelve_in_all(desk: FlaskClient, clock: Clock) -> None:
    for _ in range(15):
        clock.turn(seconds=45 * 60)
        assert desk.get("/desk").status_code == 200
    clock.turn(seconds=60 * 60)
    assert desk.get("/desk").location == "/desk/login"


def test_a_desk_in_use_signs_in_anew_after_twelve_hours(desk: FlaskClient, clock: Clock) -> None:
    for _ in range(15):
        clock.turn(seconds=45 * 60)
        assert desk.get("/desk").status_code == 200
    clock.turn(seconds=45 * 60)
    assert desk.get("/desk").location == "/desk/login"
