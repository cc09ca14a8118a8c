"""Min side says what is to be done, by the libraries' word of this moment."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from apiflask import APIFlask
from flask import Response
from flask.testing import FlaskClient
from sqlalchemy import select, text

from app.ils.port import Account, Loan, Unavailable
from app.ils.systems import Systems
from app.register.store.transaction import db
from app.register.tables.messages import Message
from tests.conftest import Clock
from tests.doors.visits import CHILD, GUARDIAN, log_in, main_text, read_page
from tests.together.acts import press, send_permission
from tests.town import Town

CHILDS_LOAN = "Alt om hester"
OVERDUE, DUE_SOON, READY = "Fjellvåken over Gardermoen", "Et dukkehjem", "Mørketid på Hauerseter"


def read_my(client: FlaskClient) -> str:
    return main_text(client.get("/my"))


class Silent:
    """A library that does not answer."""

    def accounts(self, **_cards: object) -> None:
        raise Unavailable("no_answer")


class Lending:
    """A library with one account."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def accounts(self, **_cards: object) -> list[Account]:
        return [self._account]


def loan_due_in(days: int | None, clock: Clock, title: str = "Sult") -> Loan:
    due_on = None if days is None else clock().date() + timedelta(days=days)
    return Loan(title, title, title, "", "book", due_on, bool(days and days < 0), 0, 1, True, None, 0, False)


def account_of(card_number: str, *loans: Loan, unread_loans: int | None = 0) -> Account:
    return Account(card_number, "NOK", loans, (), (), (), (), 0, 0, unread_loans)


def test_what_is_overdue_due_ready_and_owed_stands_there(guardian: FlaskClient):
    page = read_my(guardian)
    for said in (OVERDUE, "days late", DUE_SOON, "Due", f"Ready for you: {READY}", "Fee so far", "Ullensaker"):
        assert said in page, said


def test_one_touch_leads_to_the_card(guardian: FlaskClient):
    assert read_page(guardian.get("/my")).main.find("a", href="/card") is not None


def test_a_permission_that_waits_is_switched_on_by_one_touch(child: FlaskClient, guardian: FlaskClient):
    send_permission(child, GUARDIAN[0])
    page = read_my(guardian)
    assert "Jonas Solvang has given permission" in page
    assert CHILDS_LOAN not in page
    answer = press(guardian, "/my", "/on")
    assert answer.location == "/my"
    page = read_my(guardian)
    assert "has given permission" not in page
    assert page.index("Jonas Solvang") < page.index(CHILDS_LOAN)


def test_looking_shows_in_the_childs_log_as_looking_at_the_loans_does(child: FlaskClient, guardian: FlaskClient):
    send_permission(child, GUARDIAN[0])
    press(guardian, "/my", "/on")
    assert "Has not looked yet" in main_text(child.get("/my/settings"))
    read_my(guardian)
    assert "Has not looked yet" not in main_text(child.get("/my/settings"))


def test_a_look_that_cannot_be_written_down_is_refused(child: FlaskClient, guardian: FlaskClient):
    send_permission(child, GUARDIAN[0])
    press(guardian, "/my", "/on")
    app = guardian.application
    with app.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE access_log RENAME TO access_log_away")
    app.testing = False
    answer = guardian.get("/my")
    assert answer.status_code == 503
    assert CHILDS_LOAN not in answer.text


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (-1, "1 day late"),
        (0, "Due today"),
        (7, "Due in 7 days"),
        (8, "Nothing is due this week. Next: "),
        (None, "Nothing"),
    ],
)
def test_who_has_nothing_to_do_this_week_is_told_so_and_what_is_next(
    app: APIFlask, child: FlaskClient, clock: Clock, days: int | None, said: str
):
    app.extensions["ils"] = Systems({"2023500": Lending(account_of(CHILD[0], loan_due_in(days, clock)))})
    page = read_my(child)
    assert said in page
    assert ("Sult" in page) == (days is not None and days <= 7)


def test_who_has_no_loans_is_told_so(new_browser: Callable[..., FlaskClient]):
    browser = new_browser()
    log_in(browser, "N000100006", "7346")
    page = read_my(browser)
    assert "No loans now" in page
    assert "See and renew" not in page


def test_a_silent_library_is_named_and_the_other_ones_word_stands(app: APIFlask, guardian: FlaskClient, town: Town):
    app.extensions["ils"] = Systems({"2023500": town.systems.get("2023500"), "Mull": Silent()})
    page = guardian.get("/my")
    assert "Mullsjö bibliotek does not answer now." in main_text(page)
    assert "Try again" in main_text(page)
    assert DUE_SOON in main_text(page)


def test_where_no_library_answers_nobody_is_said_to_have_nothing_to_do(app: APIFlask, guardian: FlaskClient):
    app.extensions["ils"] = Systems({"2023500": Silent(), "Mull": Silent()})
    page = read_my(guardian)
    assert page.count("does not answer now.") == 2
    assert "Nothing is due" not in page
    assert "No loans now" not in page


@pytest.mark.parametrize(
    ("days", "said"),
    [(None, "No loans at the libraries that answer."), (8, "Nothing is due this week at the libraries that answer.")],
)
def test_while_a_library_is_silent_nobody_is_said_to_have_nothing_there(
    app: APIFlask, guardian: FlaskClient, clock: Clock, days: int | None, said: str
):
    answered = Lending(account_of(GUARDIAN[0], *([] if days is None else [loan_due_in(days, clock)])))
    for other in (Systems({"2023500": answered, "Mull": Silent()}), Systems({"2023500": answered})):
        app.extensions["ils"] = other
        page = read_my(guardian)
        assert said in page
        assert "No loans now" not in page
        assert "Next: " not in page


def test_who_has_loans_that_could_not_be_read_is_not_said_to_have_none(app: APIFlask, child: FlaskClient):
    app.extensions["ils"] = Systems({"2023500": Lending(account_of(CHILD[0], unread_loans=None))})
    page = read_my(child)
    assert "Not everything could be read." in page
    assert "No loans now" not in page


def test_of_many_that_are_overdue_the_rest_is_counted_as_such(app: APIFlask, child: FlaskClient, clock: Clock):
    loans = [loan_due_in(days, clock, f"Sult {days}") for days in range(-7, 0)]
    app.extensions["ils"] = Systems({"2023500": Lending(account_of(CHILD[0], *loans))})
    assert "And 2 more loans that are overdue or due this week." in read_my(child)


def test_a_library_that_is_not_connected_is_named(app: APIFlask, guardian: FlaskClient):
    app.extensions["ils"] = Systems({})
    assert read_my(guardian).count("does not show its loans here yet.") == 2


@pytest.fixture
def reader(app: APIFlask) -> FlaskClient:
    """A guardian's phone that reads an answer bit by bit."""
    client = FlaskClient(app, Response, use_cookies=True)
    client.set_cookie("lang", "en")
    log_in(client, *GUARDIAN)
    return client


def test_the_frame_is_sent_before_any_library_is_asked(reader: FlaskClient, town: Town):
    town.calls.clear()
    arriving: Iterator[bytes] = reader.get("/my").iter_encoded()
    first = next(arriving).decode()
    assert "Show my library card" in first
    assert "Asking the libraries" in first
    assert town.calls == []
    rest = b"".join(arriving).decode()
    assert OVERDUE in rest
    assert sorted(town.calls) == [("2023500", "patrons/overview"), ("Mull", "patrons/overview")]


def test_the_guardian_is_told_of_a_permission_without_a_name(app: APIFlask, child: FlaskClient):
    send_permission(child, GUARDIAN[0])
    with app.app_context():
        (message,) = db.session.scalars(select(Message).where(Message.kind == "family-permission")).all()
        assert message.queue == "email"
    send_permission(child, GUARDIAN[0])
    with app.app_context(), db.engine.connect() as connection:
        sent = connection.execute(text("SELECT count(*) FROM messages WHERE kind = 'family-permission'"))
        assert sent.scalar_one() == 1


def test_the_newest_messages_are_named_and_no_code_is(app: APIFlask, guardian: FlaskClient, clock: Clock):
    with app.app_context():
        patron_id = db.session.scalar(
            text("SELECT id FROM patrons WHERE card_number = :number"), {"number": GUARDIAN[0]}
        )
        for kind in ("step-up-code", "pin-changed"):
            db.session.add(Message(patron_id=patron_id, kind=kind, queue="email", asked_at=clock(), attempts=0))
        db.session.commit()
    page = read_my(guardian)
    assert "Your PIN was changed" in page
    assert "Your code" not in page
    clock.turn(seconds=15 * 24 * 3600)
    log_in(guardian, *GUARDIAN)
    assert "Your PIN was changed" not in read_my(guardian)


def test_a_child_sees_its_own_alone(child: FlaskClient):
    assert OVERDUE not in read_my(child)
    assert CHILD[0] in read_my(child)
