"""Changing the PIN on Min side, and ordering a new one: equal answers, a link that opens once, sessions that end."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from app.messages.channels import Inbox, Letter
from app.register.sign_in.one_time import LETTER_LASTS, draw_link
from app.register.store.transaction import db
from app.register.tables.messages import PinOrder
from app.register.tables.patrons import Patron
from app.work.worker import work_once
from tests.conftest import Clock
from tests.doors.visits import CHILD, GUARDIAN, LOST, log_in, log_out, main_text, read_page, submit
from tests.searching import stands_in

Browsers = Callable[..., FlaskClient]
GOOD = "6037"
CSRF = re.compile(r'(csrf_token"[^>]*value=")[^"]+')


def post_of(app: APIFlask) -> list[Letter]:
    """Let the worker do what is due, and return what was sent, newest first."""
    with app.app_context():
        for _ in range(20):
            work_once()
        db.session.remove()
    post: Inbox = app.extensions["post"]
    return post.read()


def link_in(letter: Letter) -> str:
    found = re.search(r"https://card\.example\.org(/new-pin/\S+)$", letter.body, re.M)
    assert found is not None
    return found[1]


def ordered_link(app: APIFlask, client: FlaskClient, card_number: str = GUARDIAN[0]) -> str:
    assert submit(client, "/new-pin", card_number=card_number).location == "/new-pin/ordered"
    return link_in(post_of(app)[0])


def answer_to(client: FlaskClient, card_number: str) -> tuple[object, ...]:
    answer = submit(client, "/new-pin", card_number=card_number)
    headers = {name: value for name, value in answer.headers if name not in ("X-Request-ID", "Set-Cookie")}
    shown = client.get(answer.location or "/new-pin")
    return answer.status, headers, answer.text, CSRF.sub("", shown.text)


def drawn_on(page: TestResponse) -> str:
    shown = read_page(page).select_one(".drawn-pin")
    assert shown is not None
    return shown.get_text(strip=True)


def test_a_patron_changes_the_pin_and_stays_signed_in_only_here(
    app: APIFlask, phone: FlaskClient, new_browser: Browsers
) -> None:
    elsewhere = new_browser()
    log_in(elsewhere, *GUARDIAN)
    changed = submit(phone, "/my/pin", new_pin=GOOD)
    assert (changed.status_code, changed.location) == (302, "/my/settings#pin-heading")
    assert "Your PIN is changed" in main_text(phone.get("/my/settings"))
    assert elsewhere.get("/my").location == "/login"
    log_out(phone)
    assert log_in(phone, *GUARDIAN).status_code == 401
    assert log_in(phone, GUARDIAN[0], GOOD).status_code == 302
    assert [letter.subject for letter in post_of(app)] == ["PIN-koden din er endret"]


@pytest.mark.parametrize(
    ("pin", "sentence"),
    [
        ("1234", "Many people choose that one"),
        ("4719", "the PIN you have now"),
        ("9000", "part of your card number, telephone number or postcode"),
        ("12345", "A PIN is four digits."),
        ("", "A PIN is four digits."),
    ],
)
def test_a_pin_that_is_not_good_is_refused_with_the_reason_and_not_shown_again(
    phone: FlaskClient, pin: str, sentence: str
) -> None:
    refused = submit(phone, "/my/pin", new_pin=pin)
    assert refused.status_code == 422
    assert sentence in main_text(refused)
    field = read_page(refused).select_one("#new_pin")
    assert field is not None
    assert field["value"] == ""
    log_out(phone)
    assert log_in(phone, *GUARDIAN).status_code == 302


def test_somebody_who_froze_their_card_and_forgot_the_pin_gets_a_new_one_and_thaws_it(
    app: APIFlask, phone: FlaskClient, client: FlaskClient, clock: Clock
) -> None:
    submit(phone, "/my/data/freeze", page="/my/data")
    log_out(phone)
    assert [letter.subject for letter in post_of(app)] == ["Kortet ditt er fryst"]
    clock.turn(seconds=60)
    submit(client, ordered_link(app, client), new_pin=GOOD)
    assert log_in(client, GUARDIAN[0], GOOD).status_code == 302
    assert "Your card is frozen" in main_text(client.get("/my"))
    submit(client, "/my/data/thaw", page="/my/data")
    assert "Your card is frozen" not in main_text(client.get("/my"))


def test_a_drawn_pin_is_shown_once_and_works(phone: FlaskClient) -> None:
    shown = submit(phone, "/my/pin", draw="1")
    pin = drawn_on(shown)
    assert shown.headers["Cache-Control"] == "no-store"
    assert not stands_in(pin, main_text(phone.get("/my/pin")))
    log_out(phone)
    assert log_in(phone, GUARDIAN[0], pin).status_code == 302


def test_the_old_pin_is_asked_for_once_it_was_entered_ten_minutes_ago(phone: FlaskClient, clock: Clock) -> None:
    clock.turn(seconds=660)
    assert phone.get("/my/pin").location == "/my/confirm?next=portal.pin"
    question = submit(phone, "/my/pin", page="/my", new_pin=GOOD)
    assert not stands_in(GOOD, question.text)
    again = submit(phone, "/my/pin", page="/my", confirm_pin=GUARDIAN[1])
    assert "Change PIN" in main_text(again)
    assert submit(phone, "/my/pin", new_pin=GOOD).location == "/my/settings#pin-heading"


def test_settings_and_password_managers_lead_to_it(phone: FlaskClient, client: FlaskClient) -> None:
    assert 'href="/my/pin"' in phone.get("/my/settings").text
    assert client.get("/.well-known/change-password").location == "/my/pin"
    nowhere = "/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200"
    assert client.get(nowhere).status_code == 404


def test_the_sign_in_page_leads_to_ordering(client: FlaskClient) -> None:
    assert 'href="/new-pin"' in client.get("/login").text


def test_every_card_gets_the_very_same_answer(new_browser: Browsers) -> None:
    answers = [answer_to(new_browser(), number) for number in (GUARDIAN[0], "N999999999", LOST[0], CHILD[0])]
    assert answers[0][0] == "302 FOUND"
    assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize("card_number", [GUARDIAN[0], "N999999999"])
def test_after_three_orders_one_must_wait_till_tomorrow(client: FlaskClient, card_number: str) -> None:
    for _ in range(3):
        assert submit(client, "/new-pin", card_number=card_number).status_code == 302
    refused = submit(client, "/new-pin", card_number=card_number)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "86400")
    assert "Try again in 24 hours" in main_text(refused)


def test_what_is_no_card_number_is_told(client: FlaskClient) -> None:
    refused = submit(client, "/new-pin", card_number="nonsense")
    assert refused.status_code == 422
    assert "N and nine digits" in main_text(refused)


def test_a_link_is_looked_at_as_often_as_one_likes_and_sets_a_pin_once(
    app: APIFlask, client: FlaskClient, phone: FlaskClient
) -> None:
    link = ordered_link(app, client)
    for _ in range(3):
        assert client.get(link).status_code == 200
    assert log_in(client, *GUARDIAN).status_code == 302
    refused = submit(client, link, new_pin="1234")
    assert refused.status_code == 422
    assert submit(client, link, new_pin=GOOD).location == "/login"
    assert "Your new PIN is set" in main_text(client.get("/login"))
    assert phone.get("/my").location == client.get("/my").location == "/login"
    assert client.get(link).status_code == 404
    assert submit(client, link, page="/login", new_pin="5160").status_code == 404
    assert log_in(client, *GUARDIAN).status_code == 401
    assert log_in(client, GUARDIAN[0], GOOD).status_code == 302
    assert "PIN-koden din er endret" in [letter.subject for letter in post_of(app)]


def test_a_pin_is_drawn_by_link_too(app: APIFlask, client: FlaskClient) -> None:
    pin = drawn_on(submit(client, ordered_link(app, client), draw="1"))
    assert log_in(client, GUARDIAN[0], pin).status_code == 302


def test_an_order_changes_nothing_until_the_link_is_used(
    app: APIFlask, client: FlaskClient, phone: FlaskClient
) -> None:
    ordered_link(app, client)
    assert phone.get("/my").status_code == 200
    assert log_in(client, *GUARDIAN).status_code == 302


def test_somebody_who_was_shut_out_for_guessing_is_let_in_with_the_new_pin(app: APIFlask, client: FlaskClient) -> None:
    for _ in range(6):
        refused = log_in(client, GUARDIAN[0], "0000")
    assert refused.status_code == 429
    submit(client, ordered_link(app, client), new_pin=GOOD)
    assert log_in(client, GUARDIAN[0], GOOD).status_code == 302


def test_a_lost_card_gets_nothing(app: APIFlask, client: FlaskClient) -> None:
    submit(client, "/new-pin", card_number=LOST[0])
    assert post_of(app) == []


def test_an_order_that_leads_to_nothing_is_forgotten_too(app: APIFlask, client: FlaskClient) -> None:
    submit(client, "/new-pin", card_number="N999999998")
    post_of(app)
    with app.app_context():
        assert db.session.scalars(select(PinOrder)).all() == []
        db.session.remove()


def test_a_child_without_address_gets_a_letter_whose_code_is_typed(app: APIFlask, client: FlaskClient) -> None:
    link = ordered_link(app, client, CHILD[0])
    (letter,) = post_of(app)
    assert letter.channel == "letter"
    typed = link.rpartition("/")[2].replace("-", " ").lower()
    led_on = submit(client, "/new-pin/code", code=typed)
    assert led_on.status_code == 302
    assert submit(client, led_on.location, new_pin=GOOD).location == "/login"
    assert log_in(client, CHILD[0], GOOD).status_code == 302


@pytest.mark.parametrize("code", ["", "0000-0000-0000-0000-0000", "x" * 200, "/", "http://"])
def test_a_code_that_no_letter_holds_is_told_so(client: FlaskClient, code: str) -> None:
    refused = submit(client, "/new-pin/code", code=code)
    assert refused.status_code == 422
    assert "This code does not work." in main_text(refused)


def test_typing_codes_has_a_budget(client: FlaskClient) -> None:
    answers = [submit(client, "/new-pin/code", code=f"{n:020d}").status_code for n in range(61)]
    assert answers == [422] * 60 + [429]


def test_the_address_of_a_letter_may_be_typed_whole(app: APIFlask, client: FlaskClient, clock: Clock) -> None:
    with app.app_context():
        token = draw_link(patron_id=1, lasting=LETTER_LASTS, now=clock())
        db.session.commit()
    led_on = submit(client, "/new-pin/code", code=f" https://card.example.org/new-pin/{token} ")
    assert led_on.location == f"/new-pin/{token}"


def test_the_token_leaves_neither_by_the_log_nor_by_the_browser(
    app: APIFlask, client: FlaskClient, capsys: pytest.CaptureFixture[str]
) -> None:
    link = ordered_link(app, client)
    shown = client.get(link)
    assert shown.headers["Referrer-Policy"] == "no-referrer"
    assert shown.headers["Cache-Control"] == "no-store"
    submit(client, link, new_pin=GOOD)
    logged = capsys.readouterr().out
    assert "/new-pin/<token>" in logged
    assert link.rpartition("/")[2] not in logged
    assert not re.search(r"https?://(?!card\.example\.org)", shown.text)


def test_messages_are_in_the_patrons_language(app: APIFlask, client: FlaskClient, clock: Clock) -> None:
    for language, subject in (("sv", "Välj ny PIN-kod"), ("nn", "Vel ny PIN-kode"), ("en", "Choose a new PIN")):
        with app.app_context():
            db.session.execute(update(Patron).where(Patron.card_number == GUARDIAN[0]).values(language=language))
            db.session.commit()
            assert db.session.scalar(select(Patron.language).where(Patron.card_number == GUARDIAN[0])) == language
            db.session.remove()
        ordered_link(app, client)
        assert post_of(app)[0].subject == subject
        clock.instant += timedelta(seconds=1)
