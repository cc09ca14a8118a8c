"""Past the country's budget of wrong PINs a new device takes a code before the PIN is looked at, whatever was typed."""

import re
from collections.abc import Callable, Iterator

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.messages.channels import Channels
from app.messages.smtp import Smtp
from app.register.limits.budgets import take_tries
from app.register.store.transaction import db
from app.register.tables.devices import Device
from app.register.tables.messages import PinOrder
from app.rules.pins.pin import (
    ALL,
    CARD_SOON,
    CODE_ORDER_ALL,
    CODE_ORDER_CARD,
    CODE_ORDER_SOURCE,
    CODE_ORDER_STRICT_SOURCE,
    CODE_SOON,
    STRICT_ALL,
)
from app.work.worker import work_once
from tests.conftest import Clock, MakeApp
from tests.doors.visits import CHILD, GUARDIAN, LOST, log_in, main_text, submit
from tests.mail import MailServer, running_mail_server
from tests.register.counting import CountedArgon2, statements_sent

CODE_PAGE = "/login/code-first"
TYPED = (GUARDIAN, (GUARDIAN[0], "0000"), ("N999999999", "4719"), LOST, CHILD, ("nonsense", "4719"))
Browsers = Callable[..., FlaskClient]


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with running_mail_server() as server:
        yield server


@pytest.fixture
def app(make_app: MakeApp, clock: Clock, mail: MailServer) -> APIFlask:
    """The portal as in production, on a day on which so many PINs were wrong that more is asked."""
    made = make_app(new_device="code")
    made.extensions["post"] = Channels({"email": Smtp(mail.url, "lanekort@example.org")})
    with made.app_context():
        for budget in (ALL, STRICT_ALL):
            take_tries(tries=[(budget, "")] * budget.limit, now=clock())
        db.session.remove()
    return made


def deliver(app: APIFlask) -> None:
    """Let the worker do all that is to be done."""
    with app.app_context():
        while work_once():
            pass
        db.session.remove()


def newest_code(app: APIFlask, mail: MailServer) -> str:
    deliver(app)
    found = re.search(r"^(\d{6})\r?$", mail.received[-1].get_content(), re.M)
    assert found is not None
    return found[1]


def other(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


def enter(client: FlaskClient, code: str) -> TestResponse:
    return submit(client, CODE_PAGE, code=code)


def without_secrets(response: TestResponse) -> str:
    return re.sub(r'(nonce|value)="[^"]*"', "", response.text)


def test_a_code_from_the_mail_lets_the_pin_be_looked_at_and_confirms_the_device(
    app: APIFlask, client: FlaskClient, mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    argon2 = CountedArgon2(monkeypatch)
    assert log_in(client, *GUARDIAN, keep=True).location == CODE_PAGE
    code = newest_code(app, mail)
    assert [message["To"] for message in mail.received] == ["guardian@example.org"]
    assert argon2.verified == 0
    assert enter(client, code).location == "/my"
    assert argon2.verified == 1
    assert "Hello, Ingrid Solvang!" in main_text(client.get("/my"))
    with app.app_context():
        assert db.session.scalars(select(Device.confirmed_at)).one() is not None
    deliver(app)
    assert [str(message["Subject"]) for message in mail.received[1:]] == ["En ny enhet"]


def test_whatever_was_typed_the_answers_are_the_same_and_cost_the_same(
    app: APIFlask, client: FlaskClient, new_browser: Browsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    argon2 = CountedArgon2(monkeypatch)
    # What a process asks once, it has asked then.
    log_in(client, "N888888888", "0000")
    with app.app_context():
        engine = db.engine
    answers = []
    for number, (card_number, pin) in enumerate(TYPED):
        browser = new_browser()
        browser.environ_base["REMOTE_ADDR"] = f"203.0.113.{number}"
        with statements_sent(engine) as sent:
            led_to = log_in(browser, card_number, pin).location
        deliver(app)
        with statements_sent(engine) as sent_then:
            wrong = enter(browser, "123456")
        assert wrong.status_code == 422
        page = browser.get(CODE_PAGE)
        answers.append((led_to, sent, sent_then, without_secrets(wrong), without_secrets(page)))
        assert browser.get("/my").location == "/login"
    assert answers[1:] == answers[:1] * (len(TYPED) - 1)
    assert argon2.verified == 0


def test_a_code_goes_to_a_proven_address_of_a_card_in_use_and_to_nobody_else(
    app: APIFlask, new_browser: Browsers, mail: MailServer
) -> None:
    for card_number, pin in TYPED[2:]:
        log_in(new_browser(), card_number, pin)
    deliver(app)
    assert mail.received == []
    with app.app_context():
        assert db.session.scalars(select(PinOrder)).all() == []


def test_with_the_code_a_wrong_pin_is_wrong_and_costs_the_cards_own_tries(
    app: APIFlask, client: FlaskClient, mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(client, GUARDIAN[0], "0000")
    code = newest_code(app, mail)
    with app.app_context():
        taken = db.session.scalars(select(db.text("taken")).select_from(db.text("attempt_counts"))).all()
    assert enter(client, code).location == "/login"
    assert "do not match" in main_text(client.get("/login"))
    assert client.get("/my").location == "/login"
    assert client.get(CODE_PAGE).location == "/login"
    with app.app_context():
        after = db.session.scalars(select(db.text("taken")).select_from(db.text("attempt_counts"))).all()
    # Of the code's tries nothing is left; the wrong PIN took one of the source, and two of the card.
    assert sum(after) - sum(taken) == 3


def test_wrong_codes_are_few_and_a_code_is_good_for_ten_minutes(
    app: APIFlask, client: FlaskClient, mail: MailServer, clock: Clock
) -> None:
    log_in(client, *GUARDIAN)
    code = newest_code(app, mail)
    for _ in range(CODE_SOON.limit):
        assert enter(client, other(code)).status_code == 422
    refused = enter(client, code)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, str(CODE_SOON.seconds))
    clock.turn(seconds=600)
    assert client.get(CODE_PAGE).location == "/login"


def test_what_waits_in_the_cookie_can_be_read_by_nobody(client: FlaskClient) -> None:
    log_in(client, *GUARDIAN)
    with client.session_transaction() as kept:
        assert GUARDIAN[0] not in repr(dict(kept))
        assert GUARDIAN[1] not in repr({name: value for name, value in kept.items() if name != "code_first"})
        kept["code_first"] = "AQ" + "A" * 80
    assert client.get(CODE_PAGE).location == "/login"


@pytest.mark.parametrize("card_number", [GUARDIAN[0], "N999999999"])
def test_nobody_is_flooded_with_codes(app: APIFlask, new_browser: Browsers, mail: MailServer, card_number: str) -> None:
    for number in range(CODE_ORDER_CARD.limit + 2):
        browser = new_browser()
        browser.environ_base["REMOTE_ADDR"] = f"203.0.113.{number}"
        answer = log_in(browser, card_number, "0000")
        if number >= CODE_ORDER_CARD.limit:
            assert (answer.status_code, answer.headers["Retry-After"]) == (429, str(CODE_ORDER_CARD.seconds))
            assert "ask at your library" in main_text(answer)
    deliver(app)
    assert len(mail.received) == (CODE_ORDER_CARD.limit if card_number == GUARDIAN[0] else 0)


def test_a_source_asks_for_few_codes_and_past_those_of_all_together_each_for_a_few(
    app: APIFlask, client: FlaskClient, clock: Clock
) -> None:
    for number in range(CODE_ORDER_SOURCE.limit):
        assert log_in(client, f"N99999{number:04d}", "0000").location == CODE_PAGE
    assert log_in(client, *GUARDIAN).status_code == 429
    clock.turn(seconds=CODE_ORDER_SOURCE.seconds)
    with app.app_context():
        take_tries(tries=[(CODE_ORDER_ALL, "")] * CODE_ORDER_ALL.limit, now=clock())
    for number in range(CODE_ORDER_STRICT_SOURCE.limit):
        assert log_in(client, f"N99998{number:04d}", "0000").location == CODE_PAGE
    assert log_in(client, *GUARDIAN).status_code == 429


def test_a_card_whose_own_tries_are_used_up_waits_before_a_code_is_sent(
    app: APIFlask, client: FlaskClient, mail: MailServer, clock: Clock
) -> None:
    clock.turn(seconds=ALL.seconds)
    for _ in range(CARD_SOON.limit):
        assert log_in(client, GUARDIAN[0], "0000").status_code == 401
    with app.app_context():
        take_tries(tries=[(ALL, "")] * (ALL.limit - CARD_SOON.limit), now=clock())
        take_tries(tries=[(STRICT_ALL, "")] * STRICT_ALL.limit, now=clock())
    assert log_in(client, *GUARDIAN).status_code == 429
    deliver(app)
    assert mail.received == []
