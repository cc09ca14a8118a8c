"""Reminders, notifications and the calendar at libraries whose system others wrote: what it can, what patrons read."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from icalendar import Calendar

from app.ils.systems import Systems
from app.work.notifying import notify_one_library
from app.work.pushing import send_one_push
from tests.contract.invented_library import InventedWorld
from tests.contract.koha_world import koha
from tests.contract.sip2_world import sip2
from tests.doors.libraries import PATRONS, ULLENSAKER, fetch, read_changes
from tests.doors.reminding import BY_PUSH, PAGE, Browser, choose, post_to, switch_on
from tests.doors.visits import GUARDIAN, log_in, main_text
from tests.push_service import serve_push

LIBRARY, TITLE = "2023500", "Ærfuglens sjuogsøtti sokkelost"
NUMBER, _PIN = GUARDIAN
OPENED = {"koha": lambda: koha(oauth=False), "sip2": sip2}


@pytest.fixture(params=OPENED)
def world(request: pytest.FixtureRequest, app: APIFlask) -> Iterator[InventedWorld]:
    """Ullensaker with such a system; Mullsjö is not connected."""
    with OPENED[request.param]() as opened:
        app.extensions["ils"] = Systems({LIBRARY: opened.system})
        yield opened


@pytest.fixture
def phone(app: APIFlask) -> FlaskClient:
    browser = app.test_client()
    browser.set_cookie("lang", "en")
    log_in(browser, *GUARDIAN, keep=True)
    return browser


def test_the_calendar_has_its_due_dates_with_their_titles(world: InventedWorld, phone: FlaskClient):
    lent = world.lend(NUMBER, TITLE)
    (event,) = Calendar.from_ical(phone.get("/my/loans.ics").data).walk("vevent")
    assert (str(event["summary"]), event.decoded("dtstart")) == (f"Return: {TITLE}", lent.due_on)
    assert str(event["location"]) == "Ullensaker bibliotek"


def test_a_loan_whose_title_and_date_do_not_come_makes_no_calendar_shorter(app: APIFlask, phone: FlaskClient):
    with sip2() as world:
        app.extensions["ils"] = Systems({LIBRARY: world.system})
        world.lend(NUMBER, TITLE)
        world.knows_items = False
        assert phone.get("/my/loans.ics").location == PAGE
        world.knows_items = True
        assert TITLE in phone.get("/my/loans.ics").text


def test_the_page_says_what_such_a_system_may_not_do(world: InventedWorld, phone: FlaskClient):
    page = main_text(phone.get(PAGE))
    own = "Ullensaker bibliotek and Mullsjö bibliotek: the library's own system may not follow this choice"
    assert own in page
    assert "Loans at Mullsjö bibliotek are not in the calendar." in page


def test_a_choice_is_in_its_feed_and_its_system_is_sent_nothing(
    app: APIFlask, world: InventedWorld, phone: FlaskClient
):
    calls = world.calls()
    choose(phone, **BY_PUSH | {"days_before": "5"})
    with app.app_context():
        while notify_one_library():
            pass
    assert world.calls() == calls
    told = read_changes(phone, auth=ULLENSAKER).json["changes"]
    assert NUMBER in [change["card_number"] for change in told if change["kind"] == "changed"]
    reminders = fetch(phone, NUMBER).json["reminders"]
    assert (reminders["due"], reminders["days_before"]) == ("push", 5)


def test_it_may_ask_for_a_notification_which_says_no_title(
    app: APIFlask, world: InventedWorld, phone: FlaskClient, tmp_path: Path
):
    world.lend(NUMBER, TITLE)
    with serve_push(tmp_path) as service:
        app.extensions["push"] = post_to(service, tmp_path)
        browser = Browser(f"{service.address}/a")
        assert switch_on(phone, browser).status_code == 302
        choose(phone, **BY_PUSH)
        assert phone.post(f"{PATRONS}/{NUMBER}/push", json={"kind": "due"}, auth=ULLENSAKER).status_code == 202
        with app.app_context():
            while send_one_push():
                pass
        (got,) = service.received
        assert json.loads(browser.read(got.body)) == {"kind": "due", "lang": "en"}
