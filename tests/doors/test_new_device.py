"""Signing in on a new device where a code is asked for: production's way, with mail that leaves by SMTP."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from app.messages.channels import Channels, Inbox
from app.messages.smtp import Smtp
from app.register.card.cards import report_lost
from app.register.card.pin_changes import choose_pin
from app.register.store.transaction import db
from app.register.tables.devices import Device
from app.register.tables.patrons import Patron, Session
from app.work.sending import send_one
from tests.conftest import Clock, MakeApp
from tests.doors.visits import CHILD, GUARDIAN, LOST, log_in, log_out, main_text, submit
from tests.mail import MailServer, running_mail_server
from tests.register.people import as_proven
from tests.searching import stands_in

CODE_PAGE = "/login/code"
Browsers = Callable[..., FlaskClient]


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with running_mail_server() as server:
        yield server


@pytest.fixture
def app(make_app: MakeApp, mail: MailServer) -> APIFlask:
    """The portal as in production: a code for each new device, and mail by SMTP."""
    made = make_app(new_device="code")
    made.extensions["post"] = Channels({"email": Smtp(mail.url, "lanekort@example.org")})
    return made


def deliver(app: APIFlask) -> None:
    """Let the worker send all that is due."""
    with app.app_context():
        while send_one():
            pass
        db.session.remove()


def newest_code(app: APIFlask, mail: MailServer) -> str:
    deliver(app)
    found = re.search(r"^(\d{6})\r?$", mail.received[-1].get_content(), re.M)
    assert found is not None
    return found[1]


def subjects(mail: MailServer) -> list[str]:
    return [str(message["Subject"]) for message in mail.received]


def enter(client: FlaskClient, code: str) -> TestResponse:
    return submit(client, CODE_PAGE, code=code)


def confirmations(app: APIFlask) -> list[bool]:
    with app.app_context():
        return [instant is not None for instant in db.session.scalars(select(Device.confirmed_at))]


def other(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


def test_a_new_device_is_let_in_by_a_code_from_the_mail_and_known_from_then_on(
    app: APIFlask, client: FlaskClient, mail: MailServer
) -> None:
    assert log_in(client, *GUARDIAN, keep=True).location == CODE_PAGE
    assert client.get("/my").location == "/login"
    code = newest_code(app, mail)
    assert (mail.received[0]["To"], len(mail.received)) == ("guardian@example.org", 1)
    assert enter(client, code).location == "/my"
    assert "Hello, Ingrid Solvang!" in main_text(client.get("/my"))
    assert confirmations(app) == [True]
    deliver(app)
    assert subjects(mail)[1:] == ["En ny enhet"]
    log_out(client)
    assert log_in(client, *GUARDIAN, keep=True).location == "/my"
    assert log_in(client, *GUARDIAN).location == "/my"
    deliver(app)
    assert len(mail.received) == 2


def test_a_session_that_began_with_a_code_is_asked_for_none_within_ten_minutes(
    app: APIFlask, client: FlaskClient, mail: MailServer
) -> None:
    log_in(client, *GUARDIAN)
    enter(client, newest_code(app, mail))
    assert client.get("/my/pin").status_code == 200


def test_a_borrowed_device_takes_a_code_each_time_and_is_not_told_of(
    app: APIFlask, client: FlaskClient, mail: MailServer
) -> None:
    for sent in (1, 2):
        assert log_in(client, *GUARDIAN).location == CODE_PAGE
        assert enter(client, newest_code(app, mail)).location == "/my"
        log_out(client)
        deliver(app)
        assert len(mail.received) == sent


@pytest.mark.parametrize(("card_number", "pin"), [(GUARDIAN[0], "0000"), ("N999999999", "0000"), LOST])
def test_no_code_is_sent_and_none_asked_for_unless_the_pin_is_right(
    app: APIFlask, client: FlaskClient, mail: MailServer, card_number: str, pin: str
) -> None:
    assert log_in(client, card_number, pin).status_code == 401
    assert client.get("/my").location == "/login"
    assert "This login has ended" in main_text(client.get(CODE_PAGE))
    deliver(app)
    assert mail.received == []


def test_the_page_and_the_cookie_tell_nothing_of_whom_the_code_went_to(client: FlaskClient) -> None:
    log_in(client, *GUARDIAN)
    page = client.get(CODE_PAGE).text
    assert "guardian@" not in page
    assert "Ingrid" not in page
    with client.session_transaction() as kept:
        assert "patron" not in repr(dict(kept))


def test_a_wrong_code_is_refused_and_after_five_the_right_one_too(
    app: APIFlask, client: FlaskClient, mail: MailServer, clock: Clock
) -> None:
    log_in(client, *GUARDIAN)
    code = newest_code(app, mail)
    for _ in range(5):
        wrong = enter(client, other(code))
        assert wrong.status_code == 422
        assert "The code is wrong or too old." in main_text(wrong)
        assert not stands_in(other(code), wrong.text)
    refused = enter(client, code)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "900")
    assert client.get("/my").location == "/login"


def test_a_code_of_one_browser_opens_nothing_in_another(
    app: APIFlask, client: FlaskClient, new_browser: Browsers, mail: MailServer
) -> None:
    log_in(client, *GUARDIAN)
    code = newest_code(app, mail)
    stranger = new_browser()
    refused = submit(stranger, CODE_PAGE, page="/login", code=code)
    assert (refused.status_code, refused.location) == (302, "/login")
    assert stranger.get("/my").location == "/login"


def test_somebody_who_waits_longer_than_ten_minutes_begins_anew(
    app: APIFlask, client: FlaskClient, mail: MailServer, clock: Clock
) -> None:
    log_in(client, *GUARDIAN)
    code = newest_code(app, mail)
    clock.turn(seconds=600)
    refused = submit(client, CODE_PAGE, page="/login", code=code)
    assert refused.location == "/login"
    assert "Log in once more" in main_text(client.get("/login"))


def test_the_back_button_leads_to_a_way_on(app: APIFlask, client: FlaskClient, mail: MailServer) -> None:
    log_in(client, *GUARDIAN)
    enter(client, newest_code(app, mail))
    assert 'href="/my"' in client.get(CODE_PAGE).text
    assert submit(client, CODE_PAGE, page="/my", code="123456").location == "/login"
    assert client.get("/my").status_code == 200


def test_another_code_can_be_had_after_half_a_minute_and_ends_the_first(
    app: APIFlask, client: FlaskClient, mail: MailServer, clock: Clock
) -> None:
    log_in(client, *GUARDIAN)
    first = newest_code(app, mail)
    too_soon = submit(client, "/login/code/again", page=CODE_PAGE)
    assert (too_soon.status_code, too_soon.headers["Retry-After"]) == (429, "30")
    clock.turn(seconds=30)
    assert submit(client, "/login/code/again", page=CODE_PAGE).location == CODE_PAGE
    second = newest_code(app, mail)
    if first != second:
        assert enter(client, first).status_code == 422
    assert enter(client, second).location == "/my"


def test_five_codes_an_hour_are_sent_and_no_more(app: APIFlask, client: FlaskClient, mail: MailServer) -> None:
    for _ in range(5):
        assert log_in(client, *GUARDIAN).location == CODE_PAGE
    assert log_in(client, *GUARDIAN).status_code == 429
    deliver(app)
    assert len(mail.received) == 5


def test_a_card_that_is_lost_while_the_code_is_on_its_way_stays_shut(
    app: APIFlask, client: FlaskClient, mail: MailServer, clock: Clock
) -> None:
    log_in(client, *GUARDIAN)
    code = newest_code(app, mail)
    with app.app_context():
        report_lost(patron_id=1, now=clock())
        db.session.commit()
    assert submit(client, CODE_PAGE, page="/login", code=code).location == "/login"
    assert client.get("/my").location == "/login"


def test_somebody_who_waits_with_the_old_pin_waits_in_vain_once_it_is_changed(
    app: APIFlask, client: FlaskClient, clock: Clock
) -> None:
    log_in(client, *GUARDIAN)
    with app.app_context():
        choose_pin(patron_id=1, pin="6037", now=clock.turn(seconds=40))
        db.session.commit()
    assert submit(client, "/login/code/again", page="/login").location == "/login"


def test_somebody_who_has_no_address_comes_in_with_the_pin_and_the_device_stays_unconfirmed(
    app: APIFlask, client: FlaskClient, mail: MailServer
) -> None:
    assert log_in(client, *CHILD, keep=True).location == "/my"
    assert confirmations(app) == [False]
    with app.app_context():
        values = as_proven({"email": "child@example.org"})
        db.session.execute(update(Patron).where(Patron.card_number == CHILD[0]).values(**values))
        db.session.commit()
    assert log_in(client, *CHILD, keep=True).location == CODE_PAGE
    assert enter(client, newest_code(app, mail)).location == "/my"
    assert confirmations(app) == [True]


def test_a_device_that_was_lost_takes_a_code_again(app: APIFlask, client: FlaskClient, mail: MailServer) -> None:
    log_in(client, *GUARDIAN, keep=True)
    enter(client, newest_code(app, mail))
    with app.app_context():
        device_id = db.session.scalars(select(Session.device_id)).one()
    submit(client, f"/card/devices/{device_id}/revoke", page="/card/devices")
    assert log_in(client, *GUARDIAN, keep=True).location == CODE_PAGE


def test_a_cookie_that_somebody_made_up_waits_for_nothing(client: FlaskClient) -> None:
    client.get("/login")
    for made_up in ("", "x", "AAAA", "AQ" + "A" * 80):
        with client.session_transaction() as kept:
            kept["new_device"] = made_up
        assert "This login has ended" in main_text(client.get(CODE_PAGE))


FAILED = "We could not send you the code."


def test_somebody_who_waits_for_a_code_is_told_that_it_could_not_be_sent_and_gets_another_at_once(
    app: APIFlask, client: FlaskClient, mail: MailServer, clock: Clock
) -> None:
    log_in(client, *GUARDIAN)
    assert FAILED not in main_text(client.get(CODE_PAGE))
    working = app.extensions["post"]
    app.extensions["post"] = Channels({"email": Smtp("smtp://127.0.0.1:1", "lanekort@example.org")})
    with app.app_context():
        assert send_one()
    assert FAILED in main_text(client.get(CODE_PAGE))
    app.extensions["post"] = working
    clock.turn(seconds=1)
    assert submit(client, "/login/code/again", page=CODE_PAGE).location == CODE_PAGE
    assert FAILED not in main_text(client.get(CODE_PAGE))
    assert enter(client, newest_code(app, mail)).location == "/my"


def test_a_code_that_nobody_sends_is_told_of_after_twenty_seconds_and_when_it_is_too_late(
    client: FlaskClient, clock: Clock
) -> None:
    log_in(client, *GUARDIAN)
    clock.turn(seconds=19)
    assert FAILED not in main_text(client.get(CODE_PAGE))
    clock.turn(seconds=1)
    assert FAILED in main_text(client.get(CODE_PAGE))
    clock.turn(seconds=580)
    assert "could not send you the code in time" in main_text(client.get(CODE_PAGE))


def test_a_code_that_could_not_be_sent_by_one_channel_goes_by_the_other(
    app: APIFlask, client: FlaskClient, tmp_path: Path
) -> None:
    phone = Inbox(tmp_path / "sms")
    broken = Smtp("smtp://127.0.0.1:1", "lanekort@example.org")
    app.extensions["post"] = Channels({"email": broken, "sms": phone})
    log_in(client, *GUARDIAN)
    with app.app_context():
        assert send_one()
    submit(client, "/login/code/again", page=CODE_PAGE)
    deliver(app)
    assert [letter.channel for letter in phone.read()] == ["sms"]
    assert "to your telephone" in main_text(client.get(CODE_PAGE))
