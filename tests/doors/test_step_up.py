"""Asking once more who it is: what is asked for, when, and that what was typed is not lost over it."""

from collections.abc import Callable

import pytest
from apiflask import APIFlask
from flask import Response, request
from flask.testing import FlaskClient
from flask.typing import ResponseReturnValue
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from app.register.sign_in.one_time import STEP_UP, draw_code
from app.register.store.transaction import autonomous, db
from app.register.tables.messages import Message
from app.register.tables.patrons import Patron, Session
from app.web.access import Audience, open_to
from app.web.sign_in.step_up import after_step_up
from tests.conftest import Clock, MakeApp
from tests.doors.visits import CHILD, GUARDIAN, log_in, main_text, read_page, submit
from tests.register.people import as_proven
from tests.searching import stands_in

WRONG = "0000"


def make_views(app: APIFlask) -> None:
    """Give the portal a page of each kind that asks first."""

    @app.route("/my/secret", methods=["GET", "POST"])
    @open_to(Audience.PATRON)
    @after_step_up()
    def secret() -> ResponseReturnValue:
        with autonomous():
            return Response("done: " + request.form.get("note", "looked at"), mimetype="text/plain")

    @app.route("/my/end", methods=["GET", "POST"])
    @open_to(Audience.PATRON)
    @after_step_up(always=True)
    def end() -> ResponseReturnValue:
        return Response("ended" if request.method == "POST" else "really?", mimetype="text/plain")


@pytest.fixture(params=["pin"])
def app(request: pytest.FixtureRequest, make_app: MakeApp) -> APIFlask:
    made = make_app(own=True, new_device=request.param)
    make_views(made)
    return made


ASKING_FOR_CODES = pytest.mark.parametrize("app", ["code"], indirect=True)


def code_for(app: APIFlask, card_number: str) -> str:
    """Draw the code that the worker would send."""
    with app.app_context():
        owner = db.session.scalar(select(Patron.id).where(Patron.card_number == card_number))
        assert owner is not None
        code = draw_code(patron_id=owner, purpose=STEP_UP, now=app.config["CLOCK"]())
        db.session.commit()
        return code


def asked_messages(app: APIFlask) -> list[str]:
    with app.app_context():
        return list(db.session.scalars(select(Message.kind).where(Message.kind == "step-up-code")))


def answer(client: FlaskClient, question: TestResponse, **entered: str) -> TestResponse:
    """Fill in the question and send it with all that stands hidden beside it."""
    form = read_page(question).select_one("main form")
    assert form is not None
    hidden = {str(field["name"]): str(field["value"]) for field in form.select("input[type=hidden]")}
    return client.post(str(form["action"]), data=hidden | entered)


def names_of_fields(question: TestResponse) -> set[str]:
    return {str(field["name"]) for field in read_page(question).select("main form input:not([type=hidden])")}


@pytest.fixture
def stale(client: FlaskClient, clock: Clock) -> FlaskClient:
    """The guardian's phone, signed in eleven minutes ago."""
    assert log_in(client, *GUARDIAN).status_code == 302
    clock.turn(seconds=660)
    return client


def test_within_ten_minutes_of_signing_in_nothing_is_asked(client: FlaskClient, clock: Clock) -> None:
    log_in(client, *GUARDIAN)
    clock.turn(seconds=599)
    assert client.get("/my/secret").text == "done: looked at"
    assert submit(client, "/my/secret", page="/my", note="mine").text == "done: mine"


def test_a_page_is_reached_through_the_pin_which_is_then_good_for_ten_minutes(stale: FlaskClient, clock: Clock) -> None:
    asked = stale.get("/my/secret")
    assert asked.location == "/my/confirm?next=secret"
    question = stale.get(asked.location)
    assert names_of_fields(question) == {"confirm_pin"}
    assert answer(stale, question, confirm_pin=GUARDIAN[1]).location == "/my/secret"
    assert stale.get("/my/secret").text == "done: looked at"
    clock.turn(seconds=600)
    assert stale.get("/my/secret").status_code == 302


def test_a_form_that_is_sent_too_late_is_kept_while_the_pin_is_asked_for(stale: FlaskClient) -> None:
    question = submit(stale, "/my/secret", page="/my", note='a "typed" <word>')
    assert question.status_code == 200
    assert answer(stale, question, confirm_pin=GUARDIAN[1]).text == 'done: a "typed" <word>'


def test_a_wrong_pin_asks_again_and_still_keeps_the_form(stale: FlaskClient) -> None:
    question = submit(stale, "/my/secret", page="/my", note="mine")
    again = answer(stale, question, confirm_pin=WRONG)
    assert again.status_code == 422
    assert "The PIN is wrong." in main_text(again)
    assert WRONG not in again.text
    assert answer(stale, again, confirm_pin=GUARDIAN[1]).text == "done: mine"


def test_past_the_budget_the_right_pin_does_not_help_and_the_form_is_kept(stale: FlaskClient, clock: Clock) -> None:
    question = submit(stale, "/my/secret", page="/my", note="mine")
    for _ in range(5):
        question = answer(stale, question, confirm_pin=WRONG)
    refused = answer(stale, question, confirm_pin=GUARDIAN[1])
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    clock.turn(seconds=900)
    assert answer(stale, refused, confirm_pin=GUARDIAN[1]).text == "done: mine"


def test_no_secret_that_was_typed_is_written_into_the_question(stale: FlaskClient) -> None:
    question = submit(stale, "/my/secret", page="/my", note="mine", new_pin="8264", password="hunter2")
    assert not stands_in("8264", question.text)
    assert "hunter2" not in question.text


@pytest.mark.parametrize("next_", ["", "portal.my", "https://example.org", "//example.org", "desk.scan", "end"])
def test_the_question_leads_on_only_to_a_page_that_asked_for_it(stale: FlaskClient, next_: str) -> None:
    assert stale.get("/my/confirm", query_string={"next": next_}).location == "/my"
    assert submit(stale, "/my/confirm", page="/my", next=next_, confirm_pin=GUARDIAN[1]).location == "/my"


def test_what_is_asked_for_always_is_asked_for_however_fresh_the_pin_is(client: FlaskClient) -> None:
    log_in(client, *GUARDIAN)
    assert client.get("/my/end").text == "really?"
    question = submit(client, "/my/end", page="/my")
    assert names_of_fields(question) == {"confirm_pin"}
    assert answer(client, question, confirm_pin=WRONG).status_code == 422
    assert answer(client, question, confirm_pin=GUARDIAN[1]).text == "ended"
    assert answer(client, question).text != "ended"


def test_looking_at_the_question_writes_nothing(
    stale: FlaskClient, read_database: Callable[[], dict[str, list[tuple[object, ...]]]]
) -> None:
    before = read_database()
    stale.get("/my/secret", follow_redirects=True)
    assert read_database() == before


def let_in_without_code(app: APIFlask, client: FlaskClient, who: tuple[str, str]) -> None:
    """Sign in on a device that needs no code, eleven minutes before now."""
    app.config["NEW_DEVICE"] = "pin"
    assert log_in(client, *who).status_code == 302
    app.config["NEW_DEVICE"] = "code"
    clock: Clock = app.config["CLOCK"]
    clock.turn(seconds=660)


@ASKING_FOR_CODES
def test_where_codes_are_asked_for_pin_and_code_are_needed(app: APIFlask, client: FlaskClient) -> None:
    let_in_without_code(app, client, GUARDIAN)
    offer = client.get("/my/secret", follow_redirects=True)
    assert names_of_fields(offer) == set()
    assert asked_messages(app) == []
    question = answer(client, offer)
    assert names_of_fields(question) == {"confirm_code", "confirm_pin"}
    assert asked_messages(app) == ["step-up-code"]
    code = code_for(app, GUARDIAN[0])
    assert answer(client, question, confirm_code=code, confirm_pin=WRONG).status_code == 422
    wrong_code = answer(client, question, confirm_code="000000", confirm_pin=GUARDIAN[1])
    assert "The code is wrong or too old." in main_text(wrong_code)
    done = answer(client, question, confirm_code=code, confirm_pin=GUARDIAN[1])
    assert done.location == "/my/secret"
    assert client.get("/my/secret").text == "done: looked at"


@ASKING_FOR_CODES
def test_a_form_is_kept_while_a_code_is_asked_for(app: APIFlask, client: FlaskClient) -> None:
    let_in_without_code(app, client, GUARDIAN)
    question = submit(client, "/my/secret", page="/my", note="mine")
    assert asked_messages(app) == ["step-up-code"]
    done = answer(client, question, confirm_code=code_for(app, GUARDIAN[0]), confirm_pin=GUARDIAN[1])
    assert done.text == "done: mine"


@ASKING_FOR_CODES
def test_somebody_who_has_no_address_for_a_code_is_asked_for_the_pin_alone(app: APIFlask, client: FlaskClient) -> None:
    let_in_without_code(app, client, CHILD)
    question = submit(client, "/my/secret", page="/my", note="mine")
    assert names_of_fields(question) == {"confirm_pin"}
    assert answer(client, question, confirm_pin=CHILD[1]).text == "done: mine"


@ASKING_FOR_CODES
def test_a_code_is_good_for_ten_minutes(app: APIFlask, client: FlaskClient, clock: Clock) -> None:
    let_in_without_code(app, client, GUARDIAN)
    with app.app_context():
        db.session.scalars(select(Session)).one().code_entered_at = clock()
        db.session.commit()
    assert names_of_fields(submit(client, "/my/secret", page="/my")) == {"confirm_pin"}
    clock.turn(seconds=600)
    assert names_of_fields(submit(client, "/my/secret", page="/my")) == {"confirm_code", "confirm_pin"}


@ASKING_FOR_CODES
def test_five_codes_an_hour_are_sent_and_no_more(app: APIFlask, client: FlaskClient) -> None:
    let_in_without_code(app, client, GUARDIAN)
    for _ in range(5):
        assert submit(client, "/my/secret", page="/my").status_code == 200
    assert submit(client, "/my/secret", page="/my").status_code == 429
    assert len(asked_messages(app)) == 5


@ASKING_FOR_CODES
def test_a_permission_takes_a_code_too_and_keeps_the_guardians_number(app: APIFlask, client: FlaskClient) -> None:
    let_in_without_code(app, client, GUARDIAN)
    question = submit(client, "/my/settings", guardian_card_number="N000100005", pin=GUARDIAN[1])
    assert names_of_fields(question) == {"confirm_code", "confirm_pin"}
    done = answer(client, question, confirm_code=code_for(app, GUARDIAN[0]), confirm_pin=GUARDIAN[1])
    assert (done.status_code, done.location) == (302, "/my/settings#given-1")
    assert "N000100005" in main_text(client.get("/my/settings"))


@ASKING_FOR_CODES
def test_a_question_that_is_only_looked_at_sends_no_code(app: APIFlask, client: FlaskClient, clock: Clock) -> None:
    log_in(client, *CHILD)
    clock.turn(seconds=660)
    with app.app_context():
        values = as_proven({"email": "child@example.org"})
        db.session.execute(update(Patron).where(Patron.card_number == CHILD[0]).values(**values))
        db.session.commit()
    for _ in range(10):
        assert client.head("/my/confirm?next=secret").status_code == 200
    assert asked_messages(app) == []
    assert answer(client, client.get("/my/confirm?next=secret"), confirm_pin=CHILD[1]).status_code == 200
    assert asked_messages(app) == ["step-up-code"]


def test_a_deletion_that_is_only_looked_at_deletes_nothing(client: FlaskClient) -> None:
    log_in(client, *GUARDIAN)
    assert client.head("/my/data/erase").status_code == 200
    assert client.get("/my").status_code == 200
