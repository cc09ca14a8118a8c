"""Biblioteket: its administrators come in, are asked once more who they are, and read what was done."""

from contextlib import suppress

import pyotp
import pytest
from apiflask import APIFlask
from flask import Response, request
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from app.desk.library.step_up import after_staff_step_up
from app.register.staff.acts import PAGE, NotAdministrator, list_library_acts, note_library_act, note_operators_act
from app.register.staff.staff import dismiss
from app.register.store.transaction import db, writing
from app.register.tables.library import Staff
from app.rules.library.staff import ACTS, STAFF_DISMISSED, STAFF_EMPLOYED
from app.web.access import Audience, open_to
from tests.conftest import Clock, MakeApp
from tests.doors.inspection import InspectingClient
from tests.doors.visits import ADMINISTRATOR, csrf_token, desk_log_in, main_text, read_page, submit

START_PAGE, ACTS_PAGE, CONFIRM = "/desk/library", "/desk/library/acts", "/desk/confirm"


def set_role(app: APIFlask, role: str) -> None:
    with app.app_context(), writing():
        db.session.execute(update(Staff).where(Staff.username == ADMINISTRATOR.username).values(role=role))


def tabs(client: FlaskClient) -> list[str]:
    return [link.get_text() for link in read_page(client.get("/desk")).select("nav .tabs a")]


def test_an_administrator_has_a_tab_that_other_staff_have_not(administrator: FlaskClient, desk: FlaskClient) -> None:
    assert "The library" in tabs(administrator)
    assert "The library" not in tabs(desk)


def test_the_start_page_leads_to_every_section(administrator: FlaskClient) -> None:
    links = {link["href"] for link in read_page(administrator.get(START_PAGE)).select("main .rows a")}
    assert ACTS_PAGE in links
    assert all(administrator.get(link).status_code == 200 for link in links)


def test_for_other_staff_the_page_is_not_there(desk: FlaskClient) -> None:
    answer, nowhere = desk.get(START_PAGE), desk.get("/desk/no-such-page")
    assert (answer.status_code, answer.text) == (404, nowhere.text)


def test_a_lost_role_counts_from_the_next_request_on(app: APIFlask, administrator: FlaskClient) -> None:
    assert administrator.get(START_PAGE).status_code == 200
    set_role(app, "desk")
    assert administrator.get(START_PAGE).status_code == 404
    assert "The library" not in tabs(administrator)
    assert administrator.get("/desk").status_code == 200
    set_role(app, "administrator")
    assert administrator.get(START_PAGE).status_code == 200


def test_who_is_dismissed_is_out_at_the_next_request(app: APIFlask, administrator: FlaskClient) -> None:
    with app.app_context(), writing():
        dismiss(username=ADMINISTRATOR.username)
    for path in (START_PAGE, ACTS_PAGE, "/desk"):
        assert administrator.get(path).location == "/desk/login"


def test_what_was_done_is_read_newest_first_a_page_at_a_time(
    app: APIFlask, clock: Clock, administrator: FlaskClient
) -> None:
    assert "Nothing yet." in main_text(administrator.get(ACTS_PAGE))
    with app.app_context(), writing():
        for number in range(PAGE + 2):
            note_operators_act(library_id="2023500", kind=STAFF_EMPLOYED, subject=f"person-{number}", now=clock())
        note_operators_act(library_id="Mull", kind=STAFF_EMPLOYED, subject="somebody-else", now=clock())
    page = read_page(administrator.get(ACTS_PAGE))
    rows = [row.get_text(" ", strip=True) for row in page.select("tbody tr")]
    assert len(rows) == PAGE
    assert f"Let person-{PAGE + 1} work at the desk" in rows[0]
    assert "Whoever runs Lånekort" in rows[0]
    assert "somebody-else" not in page.get_text()
    (older,) = [link["href"] for link in page.select("main a") if link.get_text(strip=True) == "Older"]
    rest = [row.get_text(" ", strip=True) for row in read_page(administrator.get(str(older))).select("tbody tr")]
    assert [row.split("Let ")[1] for row in rest] == ["person-1 work at the desk", "person-0 work at the desk"]


@pytest.mark.parametrize("before", ["x", "-1", "1" * 30, "²", ""])
def test_a_page_of_acts_that_nobody_could_ask_for_is_the_first(administrator: FlaskClient, before: str) -> None:
    assert administrator.get(f"{ACTS_PAGE}?before={before}").status_code == 200


def test_an_act_names_who_did_it_and_is_undone_where_the_role_is_lost(app: APIFlask, clock: Clock) -> None:
    with app.app_context():
        staff_id = db.session.scalar(select(Staff.id).where(Staff.username == ADMINISTRATOR.username))
        db.session.rollback()
        assert staff_id is not None
        with writing():
            note_library_act(staff_id=staff_id, kind=STAFF_DISMISSED, subject="s" * 300, now=clock())
        (act,) = list_library_acts(library_id="2023500")
        assert (act.username, act.kind, act.subject, act.at) == (
            ADMINISTRATOR.username,
            STAFF_DISMISSED,
            "s" * 200,
            clock(),
        )
    set_role(app, "desk")
    with app.app_context():
        with suppress(NotAdministrator), writing():
            db.session.execute(update(Staff).where(Staff.id == staff_id).values(name="Changed"))
            note_library_act(staff_id=staff_id, kind=STAFF_DISMISSED, subject="ida", now=clock())
            pytest.fail("the act was noted")
        assert len(list_library_acts(library_id="2023500")) == 1
        assert db.session.scalar(select(Staff.name).where(Staff.id == staff_id)) == ADMINISTRATOR.name


def test_every_act_has_words_with_a_place_for_its_subject() -> None:
    assert all("%(subject)s" in says for says in ACTS.values())


@pytest.fixture
def asking(make_app: MakeApp, clock: Clock) -> FlaskClient:
    """An administrator's browser at a portal with two more pages: one asks when it is sent in, one when looked at."""
    app = make_app(own=True)

    @open_to(Audience.ADMINISTRATOR)
    @after_staff_step_up()
    def change() -> Response:
        return Response(repr(sorted(request.form.items(multi=True))), mimetype="text/plain")

    @open_to(Audience.ADMINISTRATOR)
    @after_staff_step_up(looking=True)
    def send_file() -> Response:
        return Response("the page with a file", mimetype="text/plain")

    app.add_url_rule("/desk/library/for-tests", "desk.change_for_tests", change, methods=["POST"])
    app.add_url_rule("/desk/library/file-for-tests", "desk.file_for_tests", send_file)
    app.test_client_class = InspectingClient
    client = app.test_client()
    client.set_cookie("lang", "en")
    assert desk_log_in(client, ADMINISTRATOR).status_code == 302
    return client


def send(client: FlaskClient, **fields: str | list[str]) -> TestResponse:
    token = csrf_token(client, "/desk")
    return client.post("/desk/library/for-tests", data={"csrf_token": token, **fields})


def code_now(clock: Clock) -> str:
    return pyotp.TOTP(ADMINISTRATOR.totp_secret).at(clock())


def hidden_fields(answer: TestResponse) -> list[tuple[str, str]]:
    return [
        (str(field["name"]), str(field["value"]))
        for field in read_page(answer).select('main .sign-in input[type="hidden"]')
        if field["name"] != "csrf_token"
    ]


def test_within_ten_minutes_of_the_sign_in_nothing_is_asked(asking: FlaskClient, clock: Clock) -> None:
    clock.turn(seconds=10 * 60 - 1)
    assert "('fee', '20')" in send(asking, fee="20").text


def test_what_was_typed_is_sent_along_with_the_answer_but_for_passwords(asking: FlaskClient, clock: Clock) -> None:
    clock.turn(seconds=10 * 60)
    question = send(asking, fee="20", days=["mon", "tue"], new_password="not to be repeated", note="<b>&")
    assert question.status_code == 200
    assert "Confirm that it is you" in main_text(question)
    assert "not to be repeated" not in question.text
    typed = hidden_fields(question)
    assert sorted(typed) == [("days", "mon"), ("days", "tue"), ("fee", "20"), ("note", "<b>&")]
    fields: dict[str, str | list[str]] = {"fee": "20", "days": ["mon", "tue"], "note": "<b>&"}
    done = send(asking, confirm_password=ADMINISTRATOR.password, confirm_code=code_now(clock), **fields)
    assert "('days', 'mon'), ('days', 'tue'), ('fee', '20')" in done.text
    assert "('fee', '30')" in send(asking, fee="30").text, "it is good for ten minutes"
    clock.turn(seconds=10 * 60)
    assert "Confirm that it is you" in send(asking, fee="20").text


@pytest.mark.parametrize("wrong", [{"confirm_password": "no"}, {"confirm_code": "000000"}, {"confirm_code": ""}])
def test_a_wrong_answer_asks_again_and_loses_nothing(asking: FlaskClient, clock: Clock, wrong: dict[str, str]) -> None:
    clock.turn(seconds=10 * 60)
    right = {"confirm_password": ADMINISTRATOR.password, "confirm_code": code_now(clock)}
    answer = send(asking, fee="20", **(right | wrong))
    assert answer.status_code == 422
    assert hidden_fields(answer) == [("fee", "20")]
    assert ADMINISTRATOR.password not in answer.text


def test_a_code_that_was_used_to_sign_in_confirms_nothing(asking: FlaskClient, clock: Clock) -> None:
    clock.turn(seconds=10 * 60)
    used = {"confirm_password": ADMINISTRATOR.password, "confirm_code": code_now(clock)}
    assert send(asking, fee="20", **used).status_code == 200
    clock.turn(seconds=10 * 60)
    assert send(asking, fee="20", **used).status_code == 422


def test_after_ten_wrong_answers_one_must_wait(asking: FlaskClient, clock: Clock) -> None:
    clock.turn(seconds=10 * 60)
    for _ in range(10):
        assert send(asking, confirm_password="no", confirm_code="000000").status_code == 422
    answer = send(asking, fee="20", confirm_password=ADMINISTRATOR.password, confirm_code=code_now(clock))
    assert (answer.status_code, hidden_fields(answer)) == (429, [("fee", "20")])
    assert int(answer.headers["Retry-After"]) > 0


def test_a_page_with_a_file_asks_when_it_is_looked_at(asking: FlaskClient, clock: Clock) -> None:
    assert asking.get("/desk/library/file-for-tests").text == "the page with a file"
    clock.turn(seconds=10 * 60)
    question = asking.get("/desk/library/file-for-tests")
    assert question.location == f"{CONFIRM}?next=desk.file_for_tests"
    page = asking.get(question.location)
    assert hidden_fields(page) == [("next", "desk.file_for_tests")]
    right = {"confirm_password": ADMINISTRATOR.password, "confirm_code": code_now(clock)}
    sent = submit(asking, CONFIRM, page=question.location, next="desk.file_for_tests", **right)
    assert sent.location == "/desk/library/file-for-tests"
    assert asking.get(sent.location).status_code == 200


@pytest.mark.parametrize("onward", ["", "desk.scan", "portal.my", "nowhere", "https://example.org"])
def test_the_question_leads_to_no_page_but_those_that_ask_it(administrator: FlaskClient, onward: str) -> None:
    assert administrator.get(f"{CONFIRM}?next={onward}").location == "/desk"


def test_the_operators_commands_are_read_by_the_administrators(app: APIFlask, administrator: FlaskClient) -> None:
    runner = app.test_cli_runner()
    for words in (["employ", "2023500", "ida", "Ida", "--role", "administrator"], ["reset-code", "ida"]):
        assert runner.invoke(args=["staff", *words]).exit_code == 0
    assert runner.invoke(args=["staff", "dismiss", "ida"]).exit_code == 0
    rows = read_page(administrator.get(ACTS_PAGE)).select("tbody tr")
    assert [row.select("td")[2].get_text() for row in rows] == [
        "Ended the access of ida",
        "Gave ida a new key for one-time codes",
        "Made ida an administrator",
    ]
