"""Logging in with a passkey, and every way in which it is refused."""

import pytest
from apiflask import APIFlask
from cryptography.hazmat.primitives.asymmetric import ec
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.register.store.transaction import db
from app.register.tables.devices import Device
from app.register.tables.patrons import Patron, Session
from tests.authenticator import Authenticator
from tests.conftest import Clock, MakeApp
from tests.doors.passkeys import ADD, LOGIN, Browsers, add, count, kinds, options, remove, send, sign_in
from tests.doors.visits import CHILD, GUARDIAN, log_in, log_out, main_text


def test_who_came_for_the_card_is_led_to_it(has_passkey: FlaskClient, own: Authenticator) -> None:
    log_out(has_passkey)
    assert has_passkey.get("/card").location == "/login"

    assert sign_in(has_passkey, own).location == "/card"


def test_what_a_browser_is_asked_tells_nothing_of_any_patron(has_passkey: FlaskClient, new_browser: Browsers) -> None:
    first, second = (options(new_browser(), f"{LOGIN}/options", page="/login") for _ in range(2))

    assert first.pop("challenge") != second.pop("challenge")
    assert first == second
    assert (first["allowCredentials"], first["rpId"]) == ([], "card.example.org")
    assert first["userVerification"] == "required"


def test_every_refusal_reads_alike(app: APIFlask, client: FlaskClient, new_browser: Browsers) -> None:
    unknown, removed, forged, blocked = (Authenticator() for _ in range(4))
    log_in(client, *CHILD)
    for each in (removed, forged, blocked):
        add(client, each)
    unknown.create(options(client, "/my/passkeys/options", page=ADD))
    remove(client, place=2)
    forged.passkeys[0].key = ec.generate_private_key(ec.SECP256R1())
    answers = [sign_in(new_browser(), each) for each in (unknown, removed, forged)]
    answers.append(send(new_browser(), "{}"))
    answers.append(sign_in(new_browser(), blocked, origin="https://evil.example"))
    with app.app_context():
        db.session.execute(update(Patron).where(Patron.card_number == CHILD[0]).values(card_state="lost"))
        db.session.commit()
    answers.append(sign_in(new_browser(), blocked))

    assert {(answer.status_code, main_text(answer)) for answer in answers} == {(401, main_text(answers[0]))}
    assert "That did not work, or the card is blocked." in main_text(answers[0])


def test_an_answer_counts_once_and_in_the_browser_that_was_asked(
    has_passkey: FlaskClient, new_browser: Browsers, own: Authenticator
) -> None:
    asked, other = new_browser(), new_browser()
    answer = own.sign(options(asked, f"{LOGIN}/options", page="/login"))
    cookie = asked.get_cookie("lanekort")
    options(other, f"{LOGIN}/options", page="/login")

    assert send(other, answer).status_code == 401
    assert send(asked, answer).location == "/my"
    again = new_browser()
    again.set_cookie("lanekort", cookie.value)
    assert send(again, answer).status_code == 401


@pytest.mark.parametrize("seconds", [301, -30])
def test_an_answer_is_refused_after_five_minutes(
    has_passkey: FlaskClient, new_browser: Browsers, own: Authenticator, clock: Clock, seconds: int
) -> None:
    asked = new_browser()
    answer = own.sign(options(asked, f"{LOGIN}/options", page="/login"))
    clock.turn(seconds=seconds)

    assert send(asked, answer).status_code == 401


def test_a_challenge_for_one_thing_is_good_for_nothing_else(has_passkey: FlaskClient, own: Authenticator) -> None:
    answer = own.sign(options(has_passkey, "/my/confirm/passkey", page="/my"))
    options(has_passkey, f"{LOGIN}/options", page="/login")

    assert send(has_passkey, answer).status_code == 401


def test_past_its_budget_an_address_must_wait(has_passkey: FlaskClient, new_browser: Browsers, clock: Clock) -> None:
    browser = new_browser()
    for _ in range(60):
        options(browser, f"{LOGIN}/options", page="/login")
        assert send(browser, "{}").status_code == 401
    options(browser, f"{LOGIN}/options", page="/login")
    refused = send(browser, "{}")

    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) <= 900


def test_a_form_from_elsewhere_signs_nobody_in(app: APIFlask, has_passkey: FlaskClient, own: Authenticator) -> None:
    answer = own.sign(options(has_passkey, f"{LOGIN}/options", page="/login"))
    log_out(has_passkey)

    assert has_passkey.post(LOGIN, data={"answer": answer}).status_code == 400
    assert has_passkey.post(f"{LOGIN}/options").status_code == 400
    assert count(app, Session) == 0


def test_a_passkey_that_counts_backwards_is_refused_and_said_so(
    app: APIFlask, client: FlaskClient, new_browser: Browsers
) -> None:
    own = Authenticator(counts=True)
    log_in(client, *GUARDIAN)
    add(client, own)
    for _ in range(3):
        sign_in(new_browser(), own)
    own.passkeys[0].count = 1
    refused = sign_in(new_browser(), own)

    assert refused.status_code == 401
    assert "may have been copied" in main_text(refused)
    assert kinds(app)[-1] == "passkey-copied"


def test_where_codes_are_asked_for_a_passkey_replaces_one_and_a_new_device_is_told(
    make_app: MakeApp, own: Authenticator
) -> None:
    pin_only = make_app()
    log_in(first := pin_only.test_client(), *GUARDIAN)
    add(first, own)
    app = make_app(new_device="code")
    browser = app.test_client()

    assert sign_in(browser, own, keep=True).location == "/my"
    assert browser.get("/my/pin").status_code == 200
    assert kinds(app) == ["passkey-added", "new-device"]
    log_out(browser)
    sign_in(browser, own, keep=True)
    assert kinds(app) == ["passkey-added", "new-device"]
    with app.app_context():
        devices = db.session.scalars(select(Device).where(Device.confirmed_at.is_not(None)))
        assert len(list(devices)) == 2
