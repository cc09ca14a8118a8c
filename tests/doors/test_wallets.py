"""Who is offered the card in a wallet, and what has to be right before there is a pass."""

from collections.abc import Callable

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.card.offers import Wallets
from app.register.change.freezing import freeze_card
from app.register.store.transaction import db
from app.register.tables.messages import Message
from app.rules.library.settings import LIBRARY_SETTINGS
from app.work.worker import work_once
from tests.conftest import START, Clock
from tests.doors.conftest import Contents
from tests.doors.visits import GUARDIAN, log_in, main_text, read_page, submit
from tests.doors.wallets import APPLE, BUTTONS, GOOGLE, allow, buttons, save_link
from tests.wallets import SAVE, VALID

pytestmark = pytest.mark.usefixtures("both_wallets")


def test_the_card_page_has_a_button_for_each_wallet(phone: FlaskClient) -> None:
    for page in ("/card", "/card/wallet"):
        assert buttons(phone, page) == {GOOGLE, APPLE}
        assert all(text in main_text(phone.get(page)) for text in BUTTONS.values())


def test_without_an_issuer_there_is_no_button_and_no_pass(
    app: APIFlask, phone: FlaskClient, read_database: Callable[[], Contents]
) -> None:
    app.extensions["wallets"] = Wallets(google=None, apple=None)
    assert "Wallet" not in phone.get("/card").text
    assert "/card/wallet" not in phone.get("/card/app").text
    assert buttons(phone, "/card/wallet") == set()
    assert "Google and Apple Wallet are not available now" in main_text(phone.get("/card/wallet"))
    before = read_database()
    for path in BUTTONS:
        assert submit(phone, path, page="/my/settings").status_code == 404
    assert read_database() == before


@pytest.mark.parametrize("missing", ["google", "apple"])
def test_one_issuer_alone_gives_one_button(app: APIFlask, phone: FlaskClient, missing: str) -> None:
    both = app.extensions["wallets"]
    known = {"google": both.google, "apple": both.apple} | {missing: None}
    app.extensions["wallets"] = Wallets(**known)
    assert buttons(phone) == {APPLE if missing == "google" else GOOGLE}


def test_an_expired_certificate_takes_apples_button_away(app: APIFlask, phone: FlaskClient, clock: Clock) -> None:
    clock.turn(seconds=(VALID[1] - START).total_seconds() - 1)
    log_in(phone, *GUARDIAN, keep=True)
    assert buttons(phone) == {GOOGLE, APPLE}
    clock.turn(seconds=1)
    assert buttons(phone) == {GOOGLE}
    assert submit(phone, APPLE, page="/card").status_code == 404


def test_apples_button_is_there_only_where_the_home_library_takes_static_codes(
    app: APIFlask, phone: FlaskClient, read_database: Callable[[], Contents]
) -> None:
    allow(app, allowed=False)
    assert buttons(phone) == {GOOGLE}
    before = read_database()
    assert submit(phone, APPLE, page="/card").status_code == 409
    assert read_database() == before


def test_the_app_on_the_home_screen_leads_to_the_wallets(client: FlaskClient) -> None:
    assert "/card/wallet" in {link.get("href") for link in read_page(client.get("/card/app")).find_all("a")}


def test_on_a_borrowed_device_there_is_nothing_to_press(
    client: FlaskClient, read_database: Callable[[], Contents]
) -> None:
    log_in(client, *GUARDIAN)
    assert buttons(client) == set()
    assert "on your own phone" in main_text(client.get("/card"))
    before = read_database()
    for path in BUTTONS:
        assert submit(client, path, page="/my/settings").status_code == 409
    assert read_database() == before


def test_a_frozen_card_goes_into_no_wallet(
    app: APIFlask, phone: FlaskClient, read_database: Callable[[], Contents]
) -> None:
    with app.app_context():
        freeze_card(patron_id=1, now=START)
        db.session.commit()
    assert buttons(phone) == set()
    before = read_database()
    for path in BUTTONS:
        assert submit(phone, path, page="/my/settings").status_code == 409
    assert read_database() == before


@pytest.mark.parametrize("path", BUTTONS)
def test_a_pass_is_made_only_by_pressing_and_only_for_somebody_who_is_signed_in(
    client: FlaskClient, phone: FlaskClient, desk: FlaskClient, path: str, read_database: Callable[[], Contents]
) -> None:
    before = read_database()
    assert phone.get(path).status_code == 405
    assert phone.post(path).status_code == 400
    assert submit(client, path, page="/login").location == "/login"
    assert submit(desk, path, page="/desk").location in (None, "/login")
    assert read_database() == before


@pytest.mark.parametrize("path", BUTTONS)
def test_a_phone_that_lies_open_is_asked_for_the_pin(
    phone: FlaskClient, clock: Clock, path: str, read_database: Callable[[], Contents]
) -> None:
    clock.turn(seconds=601)
    before = read_database()
    question = submit(phone, path, page="/card")
    assert question.status_code == 200
    assert "confirm_pin" in question.text
    assert SAVE not in question.text
    assert submit(phone, path, page="/card", confirm_pin="0000").status_code == 422
    assert read_database() == before
    answer = submit(phone, path, page="/card", confirm_pin=GUARDIAN[1])
    assert answer.status_code == 200
    assert (SAVE.encode() in answer.get_data()) == (path == GOOGLE)


def test_the_patron_is_told(app: APIFlask, phone: FlaskClient) -> None:
    save_link(phone)
    with app.app_context():
        message = db.session.scalars(select(Message)).one()
        assert (message.patron_id, message.kind, message.channel) == (1, "new-wallet", "email")
        work_once()
        db.session.remove()
    sent = phone.get("/demo/inbox").text
    assert "Lånekortet ditt i en lommebok" in sent
    assert SAVE not in sent


def test_the_operator_switches_static_codes_on_and_off_for_a_library(app: APIFlask, phone: FlaskClient) -> None:
    run = app.test_cli_runner().invoke
    done = run(args=["libraries", "set", "2023500", "static_codes", "off"])
    assert (done.exit_code, done.output.split(". ")[0]) == (0, "2023500: static_codes is off")
    assert buttons(phone) == {GOOGLE}
    done = run(args=["libraries", "set", "2023500", "static_codes", "on"])
    assert (done.exit_code, done.output.split(". ")[0]) == (0, "2023500: static_codes is on")
    assert buttons(phone) == {GOOGLE, APPLE}
    done = run(args=["libraries", "set", "nowhere", "static_codes", "on"])
    assert (done.exit_code, "There is no library nowhere." in done.output) == (1, True)


def test_every_setting_of_a_library_is_shown_and_set_by_one_command(app: APIFlask) -> None:
    run = app.test_cli_runner().invoke
    for name, setting in LIBRARY_SETTINGS.items():
        wrong = run(args=["libraries", "set", "2023500", name, "perhaps"])
        assert (wrong.exit_code, f"{name} takes {setting.takes}." in wrong.output) == (1, True)
        value = "on" if isinstance(setting.default, bool) else str(setting.most)
        assert run(args=["libraries", "set", "2023500", name, value]).exit_code == 0
        assert (
            f"{name} = {value} ({setting.takes}). {setting.says}" in run(args=["libraries", "show", "2023500"]).output
        )
    unknown = run(args=["libraries", "set", "2023500", "colour", "red"])
    assert unknown.exit_code == 2
    assert all(name in unknown.output for name in LIBRARY_SETTINGS)
    assert run(args=["libraries", "show", "nowhere"]).exit_code == 1
