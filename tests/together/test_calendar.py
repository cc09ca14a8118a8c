"""Due dates in a calendar: a file, and a secret address that asks the libraries each time."""

import logging
from datetime import date, timedelta

import pytest
import vobject
from apiflask import APIFlask
from flask.testing import FlaskClient
from icalendar import Calendar

from app.ils.port import Unavailable
from app.register.store.transaction import db
from app.register.tables.columns import Base
from tests.conftest import Clock
from tests.doors.reminding import PAGE
from tests.doors.visits import CHILD, GUARDIAN, log_in, submit
from tests.town import Town

TITLE = "Ærfuglens; sjuogsøtti, «sokkelost»"
FILE = "/my/loans.ics"


@pytest.fixture
def town(town: Town) -> Town:
    """The guardian has borrowed something that nobody else has."""
    town.put_on_shelf("2023500", barcode="990077", title=TITLE)
    town.systems.lending("2023500").check_out(card_number=GUARDIAN[0], barcode="990077")
    return town


@pytest.fixture
def client(app: APIFlask) -> FlaskClient:
    """A calendar program: nobody is signed in."""
    return app.test_client()


@pytest.fixture
def phone(new_browser) -> FlaskClient:
    browser = new_browser()
    log_in(browser, *GUARDIAN, keep=True)
    return browser


def make_address(phone: FlaskClient) -> str:
    page = submit(phone, f"{PAGE}/calendar", page=PAGE, confirm_pin=GUARDIAN[1])
    address = page.text.partition('id="calendar-address">')[2].partition("<")[0]
    assert address.startswith("https://card.example.org/calendar/")
    return address.removeprefix("https://card.example.org")


def events(content: bytes) -> dict[str, date]:
    """Return the due dates by summary, as icalendar reads them."""
    calendar = Calendar.from_ical(content)
    return {str(event["summary"]): event.decoded("dtstart") for event in calendar.walk("vevent")}


def loans_of(town: Town, card_number: str) -> dict[str, date]:
    (account,) = town.systems.get("2023500").accounts(card_numbers=[card_number])
    return {f"Return: {loan.title}": loan.due_on for loan in account.loans}


def test_the_file_has_each_loan_on_its_day(phone: FlaskClient, town: Town):
    answer = phone.get(FILE)
    assert (answer.status_code, answer.mimetype) == (200, "text/calendar")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "attachment" in answer.headers["Content-Disposition"]
    found = events(answer.data)
    assert loans_of(town, GUARDIAN[0]).items() <= found.items()
    assert f"Return: {TITLE}" in found


def test_another_library_reads_the_same_file(phone: FlaskClient):
    content = phone.get(FILE).data
    read = vobject.readOne(content.decode())
    assert {str(event.summary.value): event.dtstart.value for event in read.vevent_list} == events(content)
    for event in read.vevent_list:
        assert event.dtend.value - event.dtstart.value == timedelta(days=1)
        assert event.transp.value == "TRANSPARENT"


def test_a_secret_address_gives_the_same_to_somebody_who_is_not_signed_in(phone, client, town: Town):
    address = make_address(phone)
    answer = client.get(address)
    assert (answer.status_code, answer.mimetype) == (200, "text/calendar")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert {title.partition(": ")[2] for title in events(answer.data)} == {
        title.partition(": ")[2] for title in events(phone.get(FILE).data)
    }


def test_an_event_keeps_its_name_when_the_loan_is_renewed(phone, town: Town, clock: Clock):
    def names(content: bytes) -> dict[str, str]:
        found = Calendar.from_ical(content).walk("vevent")
        return {str(event["summary"]).partition(": ")[2]: str(event["uid"]) for event in found}

    (account,) = town.systems.get("2023500").accounts(card_numbers=[GUARDIAN[0]])
    (loan,) = [each for each in account.loans if each.title == TITLE]
    before = phone.get(FILE).data
    clock.turn(days=2)
    renewed = town.systems.get("2023500").renew(card_number=GUARDIAN[0], loan_id=loan.loan_id)
    after = phone.get(FILE).data
    assert loan.due_on < renewed.due_on == events(after)[f"Return: {TITLE}"]
    assert names(before) == names(after)
    assert loan.loan_id.encode() not in before


def test_a_library_that_does_not_answer_makes_no_calendar_shorter(app, phone, client, town: Town, monkeypatch):
    address = make_address(phone)

    def silent(**_asked: object) -> list[object]:
        raise Unavailable("no_answer")

    monkeypatch.setattr(town.systems.get("2023500"), "accounts", silent)
    answer = client.get(address)
    assert (answer.status_code, answer.data) == (503, b"Not now. Try again later.\n")
    assert int(answer.headers["Retry-After"]) > 0
    leads_back = phone.get(FILE)
    assert (leads_back.status_code, leads_back.headers["Location"]) == (302, PAGE)
    assert "could not be fetched now" in phone.get(PAGE).text


def test_an_address_that_was_ended_is_as_one_that_never_was(phone, client):
    address = make_address(phone)
    assert client.get(address).status_code == 200
    submit(phone, f"{PAGE}/calendar/end", page=PAGE)
    ended, never = client.get(address), client.get("/calendar/never.ics")
    assert (ended.status_code, ended.data) == (never.status_code, never.data) == (404, b"No such calendar.\n")
    for header in ("Cache-Control", "Content-Type", "Referrer-Policy"):
        assert ended.headers[header] == never.headers[header]


def test_a_new_address_ends_the_former_one(phone, client):
    first = make_address(phone)
    second = make_address(phone)
    assert first != second
    assert [client.get(each).status_code for each in (first, second)] == [404, 200]


def test_the_address_is_shown_once_and_stored_nowhere(app, phone, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    address = make_address(phone)
    secret = address.removeprefix("/calendar/").removesuffix(".ics")
    assert len(secret) >= 43
    phone.get(address)
    assert secret not in phone.get(PAGE).text
    assert secret not in phone.get("/my/data.json").text
    with app.app_context():
        for table in Base.metadata.sorted_tables:
            assert secret not in repr(db.session.execute(table.select()).all())
    out = capfd.readouterr()
    assert secret not in caplog.text + out.out + out.err


def test_an_address_may_be_fetched_thirty_times_an_hour(phone, client, clock: Clock):
    address = make_address(phone)
    answers = [client.get(address) for _ in range(31)]
    assert [answer.status_code for answer in answers] == [200] * 30 + [429]
    assert int(answers[-1].headers["Retry-After"]) <= 3600
    clock.turn(seconds=3601)
    assert client.get(address).status_code == 200


def test_a_frozen_card_has_no_calendar(phone, client):
    address = make_address(phone)
    submit(phone, "/my/data/freeze", page="/my/data", confirm_pin=GUARDIAN[1])
    assert client.get(address).status_code == 404


def test_a_childs_loans_are_there_while_the_permission_is_on_and_the_child_sees_who_looked(
    phone, client, new_browser, town: Town
):
    town.put_on_shelf("2023500", barcode="990078", title="Barnets bok")
    town.systems.lending("2023500").check_out(card_number=CHILD[0], barcode="990078")
    address = make_address(phone)
    child = new_browser()
    log_in(child, *CHILD)
    submit(child, "/my/settings", guardian_card_number=GUARDIAN[0])
    assert b"Barnets bok" not in client.get(address).data
    submit(phone, "/my/settings/permissions/1/on", page="/my/settings")
    (found,) = [title for title in events(client.get(address).data) if "Barnets bok" in title]
    assert found.endswith(")")
    assert "Has not looked yet" not in child.get("/my/settings").text
    submit(child, "/my/settings/permissions/1/withdraw", page="/my/settings")
    assert b"Barnets bok" not in client.get(address).data


def test_what_is_fetched_leaves_no_word_in_the_register(app, phone, client):
    address = make_address(phone)
    assert b"sokkelost" in client.get(address).data.replace(b"\r\n ", b"")
    with app.app_context():
        for table in Base.metadata.sorted_tables:
            assert "sokkelost" not in repr(db.session.execute(table.select()).all())
