"""Signing in and out: equal answers, sessions that the server ends, and one cookie for each kind of guest."""

import re
from collections.abc import Callable

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from app.register.card.cards import report_lost
from app.register.store.transaction import db
from tests.conftest import Clock, MakeApp
from tests.doors.inspection import InspectingClient
from tests.doors.visits import (
    CHILD,
    GUARDIAN,
    LOST,
    csrf_token,
    log_in,
    log_out,
    main_text,
    read_page,
    shown_code,
    submit,
)
from tests.searching import stands_in

BROWSER = Callable[..., FlaskClient]


def answer_without_what_was_typed(client: FlaskClient, card_number: str, pin: str) -> tuple[object, ...]:
    response = log_in(client, card_number, pin)
    body = re.sub(r'(csrf_token"[^>]*value=")[^"]+', r"\1", response.text).replace(card_number, "")
    headers = {name: value for name, value in response.headers if name not in ("X-Request-ID", "Content-Length")}
    return response.status, body, headers


def test_the_right_pin_opens_min_side(client: FlaskClient) -> None:
    response = log_in(client, *GUARDIAN)
    assert (response.status_code, response.location) == (302, "/my")
    assert "Hello, Ingrid Solvang!" in main_text(client.get("/my"))


@pytest.mark.parametrize("typed", ["n000100001", "N 000 100 001", "000100001"])
def test_a_card_number_is_understood_as_people_type_it(client: FlaskClient, typed: str) -> None:
    assert log_in(client, typed, "4719").status_code == 302


@pytest.mark.parametrize("typed", [" 4719", "4719 ", "4719\n"])
def test_a_blank_that_a_keyboard_adds_is_no_part_of_the_pin(client: FlaskClient, typed: str) -> None:
    assert log_in(client, GUARDIAN[0], typed).status_code == 302


def test_wrong_unknown_and_blocked_get_the_very_same_answer(new_browser: BROWSER) -> None:
    tries = [("N000100001", "0000"), ("N999999999", "0000"), LOST, ("N000100004", "0000"), ("Nonsense!!", "0000")]
    answers = [answer_without_what_was_typed(new_browser(), *each) for each in tries]
    assert answers[0][0] == "401 UNAUTHORIZED"
    assert "do not match" in str(answers[0][1])
    assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/login", {"card_number": "N" * 60, "pin": "4719"}),
        ("/login", {"card_number": "N000100001", "pin": "4" * 60}),
        ("/desk/login", {"username": "x" * 61, "password": "y", "code": "1"}),
    ],
)
def test_what_is_too_long_to_be_true_is_refused_and_no_200(
    client: FlaskClient, path: str, sent: dict[str, str]
) -> None:
    assert submit(client, path, **sent).status_code == 422


def test_the_pin_is_never_written_into_the_page(client: FlaskClient) -> None:
    assert not stands_in("7391", log_in(client, "N000100001", "7391").text)


@pytest.mark.parametrize("card_number", ["N000100001", "N999999999", "N000100004"])
def test_after_five_wrong_pins_one_must_wait_whether_or_not_the_card_exists(
    client: FlaskClient, clock: Clock, card_number: str
) -> None:
    for _ in range(5):
        assert log_in(client, card_number, "0000").status_code == 401
    response = log_in(client, card_number, "0000")
    assert response.status_code == 429
    assert response.headers["Retry-After"] == "900"
    assert "Try again in 15 minutes" in main_text(response)
    clock.turn(seconds=900)
    assert log_in(client, card_number, "0000").status_code == 401


def test_the_right_pin_does_not_help_while_one_must_wait(client: FlaskClient) -> None:
    for _ in range(5):
        log_in(client, "N000100001", "0000")
    assert log_in(client, *GUARDIAN).status_code == 429


def test_a_stranger_cannot_lock_the_patrons_own_phone_out(phone: FlaskClient, new_browser: BROWSER) -> None:
    log_out(phone)
    stranger = new_browser()
    for _ in range(6):
        last = log_in(stranger, "N000100001", "0000")
    assert last.status_code == 429
    assert log_in(phone, *GUARDIAN, keep=True).status_code == 302


def test_after_signing_out_the_old_cookie_is_worth_nothing(phone: FlaskClient, new_browser: BROWSER) -> None:
    cookie = phone.get_cookie("lanekort")
    assert cookie is not None
    response = log_out(phone)
    assert (response.status_code, response.location) == (302, "/")
    assert response.headers["Clear-Site-Data"] == '"cache", "storage"'
    thief = new_browser()
    thief.set_cookie("lanekort", cookie.value)
    for path in ("/my", "/card", "/card/codes.json", "/card/code.svg"):
        assert thief.get(path).location == "/login", path
        assert phone.get(path).location == "/login", path


def test_signing_out_twice_is_no_error(phone: FlaskClient) -> None:
    token = csrf_token(phone, "/my")
    assert phone.post("/logout", data={"csrf_token": token}).status_code == 302
    assert submit(phone, "/logout", page="/login").status_code == 302


def test_signing_out_on_one_phone_leaves_the_other_signed_in(phone: FlaskClient, new_browser: BROWSER) -> None:
    tablet = new_browser()
    log_in(tablet, *GUARDIAN)
    log_out(phone)
    assert tablet.get("/my").status_code == 200


def test_a_borrowed_device_forgets_after_half_an_hour_without_use(client: FlaskClient, clock: Clock) -> None:
    log_in(client, *GUARDIAN)
    clock.turn(seconds=29 * 60)
    assert client.get("/my").status_code == 200
    clock.turn(seconds=29 * 60)
    assert client.get("/my").status_code == 200
    clock.turn(seconds=30 * 60)
    assert client.get("/my").location == "/login"


def test_a_borrowed_device_forgets_after_twelve_hours_however_much_it_is_used(
    client: FlaskClient, clock: Clock
) -> None:
    log_in(client, *GUARDIAN)
    for _ in range(12 * 3 - 1):
        clock.turn(seconds=20 * 60)
        assert client.get("/my").status_code == 200
    clock.turn(seconds=20 * 60)
    assert client.get("/my").location == "/login"


def test_an_own_phone_stays_signed_in_for_a_month_without_use(phone: FlaskClient, clock: Clock) -> None:
    clock.turn(days=29)
    assert phone.get("/card").status_code == 200
    clock.turn(days=30)
    assert phone.get("/card").location == "/login"


def test_an_own_phone_signs_in_anew_after_ninety_days(phone: FlaskClient, clock: Clock) -> None:
    for _ in range(4):
        clock.turn(days=22)
        assert phone.get("/card").status_code == 200
    clock.turn(days=2)
    assert phone.get("/card").location == "/login"


def test_an_old_cookie_does_not_outlive_its_time_by_being_put_back(
    phone: FlaskClient, clock: Clock, new_browser: BROWSER
) -> None:
    cookie = phone.get_cookie("lanekort")
    assert cookie is not None
    clock.turn(days=30)
    thief = new_browser()
    thief.set_cookie("lanekort", cookie.value)
    assert thief.get("/my").location == "/login"


def test_a_borrowed_device_keeps_no_cookie_beyond_the_browser(client: FlaskClient) -> None:
    cookies = log_in(client, *GUARDIAN).headers.getlist("Set-Cookie")
    assert not any("Expires" in cookie or "Max-Age" in cookie for cookie in cookies)
    assert client.get_cookie("lanekort_device") is None


def test_an_own_phone_is_known_again_as_the_same_device(phone: FlaskClient) -> None:
    before, code = phone.get_cookie("lanekort_device"), shown_code(phone)
    log_out(phone)
    log_in(phone, *GUARDIAN, keep=True)
    after = phone.get_cookie("lanekort_device")
    assert before is not None
    assert after is not None
    assert after.value == before.value
    assert shown_code(phone) == code


def test_a_cookie_from_before_signing_in_is_not_the_one_after_it(client: FlaskClient, new_browser: BROWSER) -> None:
    client.get("/login")
    planted = client.get_cookie("lanekort")
    assert planted is not None
    log_in(client, *GUARDIAN)
    attacker = new_browser()
    attacker.set_cookie("lanekort", planted.value)
    assert attacker.get("/my").location == "/login"
    assert client.get_cookie("lanekort") != planted


def test_signing_in_again_makes_the_csrf_token_anew(client: FlaskClient) -> None:
    before = csrf_token(client, "/login")
    log_in(client, *GUARDIAN)
    assert client.post("/logout", data={"csrf_token": before}).status_code == 400
    assert client.get("/my").status_code == 200


def test_the_next_patron_on_a_shared_device_replaces_the_first(client: FlaskClient, new_browser: BROWSER) -> None:
    log_in(client, *GUARDIAN)
    first = client.get_cookie("lanekort")
    assert first is not None
    log_in(client, *CHILD)
    assert "Hello, Jonas Solvang!" in main_text(client.get("/my"))
    thief = new_browser()
    thief.set_cookie("lanekort", first.value)
    assert thief.get("/my").location == "/login"


def test_a_card_reported_lost_is_signed_out_everywhere(app: APIFlask, phone: FlaskClient, clock: Clock) -> None:
    with app.app_context():
        report_lost(patron_id=1, now=clock())
        db.session.commit()
    assert phone.get("/card").location == "/login"
    assert log_in(phone, *GUARDIAN).status_code == 401


def test_every_form_works_over_https_where_the_browser_names_no_referrer(make_app: MakeApp) -> None:
    app = make_app(secure_cookies=True)
    browser = InspectingClient(app, app.response_class)
    https = {"base_url": "https://localhost"}
    page = read_page(browser.get("/login", **https))
    token = page.find("input", attrs={"name": "csrf_token"})
    assert token is not None
    typed = {"csrf_token": token["value"], "card_number": GUARDIAN[0], "pin": GUARDIAN[1]}
    response = browser.post("/login", data=typed, **https)
    assert response.status_code == 302
    assert response.headers["Strict-Transport-Security"].startswith("max-age=63072000")
