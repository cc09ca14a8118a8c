"""The family folder as a child and its guardian use it, over real loans."""

from collections.abc import Callable

from flask.testing import FlaskClient
from sqlalchemy import select

from app.register.store.transaction import db
from app.register.tables.log import AccessLogEntry
from app.register.tables.patrons import Patron
from tests.conftest import Clock
from tests.doors.visits import CHILD, GUARDIAN, log_in, main_text, submit
from tests.together.acts import has_button, press, read_loans, send_permission
from tests.town import Town

CHILDS_LOAN = "Alt om hester"
OWN_LOAN = "Et dukkehjem"


def test_a_child_permits_and_the_guardian_who_switches_on_sees_both_loans(child: FlaskClient, guardian: FlaskClient):
    assert send_permission(child, GUARDIAN[0]).status_code == 302
    assert CHILDS_LOAN not in read_loans(guardian)
    settings = main_text(guardian.get("/my/settings"))
    assert "Jonas Solvang" in settings
    press(guardian, "/my/settings", "/on")
    loans = read_loans(guardian)
    assert CHILDS_LOAN in loans
    assert OWN_LOAN in loans
    assert "Jonas Solvang" in loans


def test_the_child_never_sees_the_guardians_loans(child: FlaskClient, guardian: FlaskClient):
    send_permission(child, GUARDIAN[0])
    press(guardian, "/my/settings", "/on")
    assert OWN_LOAN not in read_loans(child)


def test_withdrawing_takes_the_loans_away_at_the_next_page(child: FlaskClient, guardian: FlaskClient):
    send_permission(child, GUARDIAN[0])
    press(guardian, "/my/settings", "/on")
    assert CHILDS_LOAN in read_loans(guardian)
    press(child, "/my/settings", "/withdraw")
    assert CHILDS_LOAN not in read_loans(guardian)
    assert "Jonas" not in main_text(guardian.get("/my/settings"))


def test_switching_off_takes_them_away_too_and_can_be_undone(child: FlaskClient, guardian: FlaskClient):
    send_permission(child, GUARDIAN[0])
    press(guardian, "/my/settings", "/on")
    press(guardian, "/my/settings", "/off")
    assert CHILDS_LOAN not in read_loans(guardian)
    assert has_button(guardian, "/my/settings", "/on")


def test_a_number_that_exists_and_one_that_does_not_get_the_same_answer(
    new_browser: Callable[..., FlaskClient],
):
    pages = []
    for number in (GUARDIAN[0], "N000999999"):
        browser = new_browser()
        log_in(browser, *CHILD)
        answer = send_permission(browser, number)
        page = browser.get(answer.location)
        pages.append((answer.status_code, main_text(page).replace(number, "NUMBER")))
        press(browser, "/my/settings", "/withdraw")
    assert pages[0] == pages[1]


def test_a_text_that_is_no_card_number_is_explained_and_kept_in_the_field(child: FlaskClient):
    answer = send_permission(child, "mamma sitt kort")
    assert answer.status_code == 422
    assert "A card number is N and nine digits" in answer.text
    assert 'value="mamma sitt kort"' in answer.text


def test_nobody_permits_oneself(child: FlaskClient):
    assert "This is your own card number" in send_permission(child, CHILD[0]).text


def test_a_guardians_session_cannot_make_the_child_permit(guardian: FlaskClient, child: FlaskClient):
    token = submit(guardian, "/my/settings", guardian_card_number=CHILD[0])
    assert token.status_code == 302, "the guardian permits the child, which is the guardian's own business"
    assert "Jonas" not in read_loans(guardian)
    assert not has_button(guardian, "/my/settings", "/on")


def test_somebody_elses_permission_cannot_be_touched(child: FlaskClient, guardian: FlaskClient):
    send_permission(child, GUARDIAN[0])
    for act, client in (("on", child), ("off", child), ("withdraw", guardian)):
        answer = submit(client, f"/my/settings/permissions/1/{act}", page="/my/settings")
        assert answer.status_code == 409, act
    assert has_button(child, "/my/settings", "/withdraw")


def test_the_child_sees_that_the_guardian_looked(child: FlaskClient, guardian: FlaskClient, clock: Clock):
    send_permission(child, GUARDIAN[0])
    assert "Has not looked yet" in main_text(child.get("/my/settings"))
    press(guardian, "/my/settings", "/on")
    read_loans(guardian)
    assert "Has not looked yet" not in main_text(child.get("/my/settings"))


def test_a_look_that_cannot_be_written_down_is_refused(child: FlaskClient, guardian: FlaskClient):
    send_permission(child, GUARDIAN[0])
    press(guardian, "/my/settings", "/on")
    app = guardian.application
    with app.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE access_log RENAME TO access_log_away")
    app.testing = False
    answer = guardian.get("/my/loans")
    assert answer.status_code == 503
    assert CHILDS_LOAN not in answer.text


def test_each_look_is_one_line_in_the_log(child: FlaskClient, guardian: FlaskClient):
    send_permission(child, GUARDIAN[0])
    press(guardian, "/my/settings", "/on")
    for _ in range(3):
        read_loans(guardian)
    with guardian.application.app_context():
        lines = db.session.scalars(select(AccessLogEntry)).all()
        # By the number that stays, whichever card the guardian has later.
        who = str(db.session.scalar(select(Patron.id).where(Patron.card_number == GUARDIAN[0])))
        assert [(line.role, line.actor, line.purpose) for line in lines] == [("guardian", who, "family folder")] * 3


def test_the_pin_is_asked_for_again_after_ten_minutes(child: FlaskClient, clock: Clock):
    clock.turn(seconds=601)
    assert 'name="pin"' in child.get("/my/settings").text
    assert send_permission(child, GUARDIAN[0]).status_code == 422
    assert send_permission(child, GUARDIAN[0], pin="0000").status_code == 422
    assert send_permission(child, GUARDIAN[0], pin=CHILD[1]).status_code == 302
    assert 'name="pin"' not in child.get("/my/settings").text


def test_a_young_person_and_the_guardian_are_both_advised(
    new_browser: Callable[..., FlaskClient], guardian: FlaskClient
):
    teen = new_browser()
    log_in(teen, "N000100003", "5938")
    send_permission(teen, GUARDIAN[0])
    press(guardian, "/my/settings", "/on")
    assert "You are older than 12" in main_text(teen.get("/my/settings"))
    assert "Nora Solvang is older than 12" in main_text(guardian.get("/my/settings"))
    assert "Nordlysjegeren" in read_loans(guardian), "advice switches nothing"


def test_a_family_costs_each_library_one_call(
    child: FlaskClient, guardian: FlaskClient, new_browser: Callable[..., FlaskClient], town: Town
):
    teen = new_browser()
    log_in(teen, "N000100003", "5938")
    for young in (child, teen):
        send_permission(young, GUARDIAN[0])
    press(guardian, "/my/settings", "/on")
    press(guardian, "/my/settings", "/on")
    town.calls.clear()
    read_loans(guardian)
    assert sorted(town.calls) == [("2023500", "patrons/overview"), ("Mull", "patrons/overview")]
