"""People: an administrator gives rights, sends a new link, suspends and dismisses."""

import pyotp
import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from app.demo.accounts import DemoDesk
from tests.conftest import Clock
from tests.doors.colleagues import GOOD, PEOPLE, Browsers, Joined, act, acts, id_of, invited, join, link_in, work
from tests.doors.visits import ADMINISTRATOR, ULLENSAKER, desk_log_in, main_text, read_page
from tests.mail import MailServer


def test_the_list_says_who_has_not_come_for_ninety_days(
    app: APIFlask, administrator: FlaskClient, new_browser: Browsers, clock: Clock
) -> None:
    desk_log_in(new_browser())

    def row() -> str:
        rows = read_page(administrator.get(PEOPLE)).select("main .rows li")
        return next(row.get_text(" ", strip=True) for row in rows if ULLENSAKER.username in row.get_text())

    assert "22 November 2026" in row()
    assert "90 days" not in row()
    clock.turn(days=89)
    desk_log_in(administrator, ADMINISTRATOR)
    assert "90 days" not in row()
    clock.turn(days=1)
    desk_log_in(administrator, ADMINISTRATOR)
    assert "Not for 90 days" in row()


def test_an_e_mail_address_is_asked_for_where_the_operator_let_somebody_in(
    app: APIFlask, administrator: FlaskClient, desk: FlaskClient, mail: MailServer
) -> None:
    staff_id = id_of(app, ULLENSAKER.username)
    assert act(administrator, staff_id, "link", email="", papers="y").status_code == 422
    refused = act(administrator, staff_id, "link", email="desk@example.org")
    assert "Look at papers first" in main_text(refused)
    assert desk.get("/desk").status_code == 200
    assert act(administrator, staff_id, "link", email="desk@example.org", papers="y").status_code == 302
    work(app)
    assert mail.received[-1]["To"] == "desk@example.org"
    assert [kind for _, kind, _ in acts(app)] == ["staff-email-changed", "staff-link-sent"]


def test_a_new_link_ends_all_that_signed_in_before(
    app: APIFlask, administrator: FlaskClient, colleague: Joined, new_browser: Browsers, mail: MailServer, clock: Clock
) -> None:
    answer = act(administrator, colleague.staff_id, "link", email="kari@example.org", papers="y")
    assert answer.status_code == 302
    assert colleague.browser.get("/desk").location == "/desk/login"
    assert desk_log_in(new_browser(), colleague.sign_in).status_code == 401
    work(app)
    first = link_in(mail)
    assert "anew" in mail.received[-1]["Subject"]
    assert act(administrator, colleague.staff_id, "link", email="kari@example.org").status_code == 302, "no papers"
    work(app)
    assert colleague.browser.get(first).status_code == 404, "the newer one replaced it"
    assert join(colleague.browser, link_in(mail), clock, password=GOOD + "!").location == "/desk/sign-in"


def test_nobody_sends_a_link_to_themself(app: APIFlask, administrator: FlaskClient) -> None:
    own = id_of(app, ADMINISTRATOR.username)
    assert "Send a link" not in main_text(administrator.get(f"{PEOPLE}/{own}"))
    assert act(administrator, own, "link", email="me@example.org", papers="y").status_code == 302
    assert "Nobody sees their own papers." in main_text(administrator.get(f"{PEOPLE}/{own}"))
    assert acts(app) == []


def test_who_is_suspended_is_out_at_once_with_the_answer_of_a_wrong_password(
    app: APIFlask, administrator: FlaskClient, colleague: Joined, new_browser: Browsers, clock: Clock
) -> None:
    assert act(administrator, colleague.staff_id, "suspend").status_code == 302
    assert colleague.browser.get("/desk").location == "/desk/login"
    assert colleague.browser.get("/desk/library").location == "/desk/login"
    refused = desk_log_in(new_browser(), colleague.sign_in)
    wrong = desk_log_in(new_browser(), DemoDesk("2023500", "kari", "", "wrong", colleague.sign_in.totp_secret))
    assert (refused.status_code, main_text(refused)) == (wrong.status_code, main_text(wrong)) == (401, main_text(wrong))
    assert "Suspended since" in main_text(administrator.get(PEOPLE))
    assert act(administrator, colleague.staff_id, "reinstate").status_code == 302
    clock.turn(seconds=30)
    assert desk_log_in(new_browser(), colleague.sign_in).location == "/desk"
    assert [kind for _, kind, _ in acts(app)][:2] == ["staff-reinstated", "staff-suspended"]


def test_who_is_suspended_before_they_came_needs_a_new_link(
    app: APIFlask, administrator: FlaskClient, client: FlaskClient, mail: MailServer
) -> None:
    invited(administrator)
    work(app)
    link, staff_id = link_in(mail), id_of(app, "kari")
    assert act(administrator, staff_id, "suspend").status_code == 302
    assert client.get(link).status_code == 404
    assert act(administrator, staff_id, "link", email="kari@example.org").status_code == 422
    assert act(administrator, staff_id, "reinstate").status_code == 302
    assert act(administrator, staff_id, "link", email="kari@example.org").status_code == 302
    work(app)
    assert client.get(link_in(mail)).status_code == 200


def test_who_is_dismissed_is_out_at_once_and_nobody_else_gets_the_user_name(
    app: APIFlask, administrator: FlaskClient, colleague: Joined, new_browser: Browsers
) -> None:
    assert act(administrator, colleague.staff_id, "dismiss").location == PEOPLE
    for path in ("/desk", "/desk/library", PEOPLE):
        assert colleague.browser.get(path).location == "/desk/login"
    assert desk_log_in(new_browser(), colleague.sign_in).status_code == 401
    assert administrator.get(f"{PEOPLE}/{colleague.staff_id}").status_code == 404
    assert act(administrator, colleague.staff_id, "dismiss").status_code == 404
    assert "Somebody has, or had, this user name." in main_text(invited(administrator))
    assert acts(app)[0] == ("admin-2023500", "staff-dismissed", "kari")


def test_a_role_counts_from_the_next_request_on(administrator: FlaskClient, colleague: Joined) -> None:
    assert colleague.browser.get("/desk/library").status_code == 200
    assert act(administrator, colleague.staff_id, "role", role="desk").status_code == 302
    assert colleague.browser.get("/desk/library").status_code == 404
    assert colleague.browser.get("/desk").status_code == 200
    assert act(administrator, colleague.staff_id, "role", role="administrator").status_code == 302
    assert colleague.browser.get("/desk/library").status_code == 200
    assert act(administrator, colleague.staff_id, "role", role="operator").status_code == 422


@pytest.mark.parametrize(("what", "fields"), [("dismiss", {}), ("suspend", {}), ("role", {"role": "desk"})])
def test_the_last_administrator_stays(
    app: APIFlask, administrator: FlaskClient, what: str, fields: dict[str, str]
) -> None:
    own = id_of(app, ADMINISTRATOR.username)
    # Somebody who was invited, and has not come yet, cannot look after the library.
    invited(administrator, role="administrator")
    assert act(administrator, own, what, **fields).location == f"{PEOPLE}/{own}"
    assert "Then no administrator would be left." in main_text(administrator.get(f"{PEOPLE}/{own}"))
    assert administrator.get("/desk/library").status_code == 200
    assert [kind for _, kind, _ in acts(app)] == ["administrator-invited"]


@pytest.mark.parametrize(("what", "fields"), [("dismiss", {}), ("suspend", {}), ("role", {"role": "desk"})])
def test_one_of_two_administrators_may_go(
    app: APIFlask, administrator: FlaskClient, colleague: Joined, what: str, fields: dict[str, str]
) -> None:
    own = id_of(app, ADMINISTRATOR.username)
    assert act(administrator, own, what, **fields).status_code == 302
    assert administrator.get("/desk/library").status_code in (302, 404)
    assert act(colleague.browser, colleague.staff_id, what, **fields).status_code == 302
    assert colleague.browser.get("/desk/library").status_code == 200


def test_after_ten_minutes_rights_are_changed_after_the_question_alone(
    app: APIFlask, administrator: FlaskClient, colleague: Joined, clock: Clock
) -> None:
    clock.turn(seconds=600)
    for what in ("dismiss", "suspend", "reinstate", "role", "link"):
        question = act(administrator, colleague.staff_id, what, role="desk", email="kari@example.org", papers="y")
        assert (question.status_code, "Confirm that it is you" in question.text) == (200, True), what
    assert colleague.browser.get("/desk/library").status_code == 200
    question = invited(administrator, "ola")
    assert "Confirm that it is you" in question.text
    code = pyotp.TOTP(ADMINISTRATOR.totp_secret).at(clock())
    answer = {"confirm_password": ADMINISTRATOR.password, "confirm_code": code}
    assert invited(administrator, "ola", **answer).status_code == 302
    assert act(administrator, colleague.staff_id, "dismiss").location == PEOPLE
