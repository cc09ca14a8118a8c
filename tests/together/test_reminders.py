"""From what a patron chooses to the notification on the phone, through register, library and push service."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.register.store.transaction import db
from app.register.tables.columns import Base
from app.register.tables.library import LibraryNotice
from app.work.notifying import notify_one_library
from app.work.pushing import send_one_push
from circulation.http.calls import CALLS
from circulation.lending.reminders import run_reminders
from circulation.notices import Sent, send_notices
from circulation.tables import ReminderChoice
from tests.conftest import Clock
from tests.doors.libraries import PATRONS, ULLENSAKER
from tests.doors.reminding import BY_PUSH, NIGHT, PAGE, Browser, choose, post_to, switch_on
from tests.doors.visits import GUARDIAN, log_in
from tests.push_service import PushService, serve_push
from tests.town import Town, build_town

TITLE = "Ærfuglens sjuogsøtti sokkelost"
NUMBER, _PIN = GUARDIAN


@pytest.fixture
def town(town: Town) -> Town:
    """The guardian has borrowed something that nobody else has."""
    town.put_on_shelf("2023500", barcode="990077", title=TITLE)
    town.systems.lending("2023500").check_out(card_number=GUARDIAN[0], barcode="990077")
    return town


@pytest.fixture
def service(tmp_path: Path) -> Iterator[PushService]:
    with serve_push(tmp_path) as served:
        yield served


@pytest.fixture
def app(app: APIFlask, service: PushService, tmp_path: Path) -> APIFlask:
    app.extensions["push"] = post_to(service, tmp_path)
    return app


@pytest.fixture
def phone(app: APIFlask) -> FlaskClient:
    browser = app.test_client()
    browser.set_cookie("lang", "en")
    log_in(browser, *GUARDIAN, keep=True)
    return browser


def tell_libraries(app: APIFlask) -> None:
    with app.app_context():
        while notify_one_library():
            pass


def remind(app: APIFlask, town: Town, clock: Clock) -> Sent:
    """Do what the library's timer does."""
    library, client = town.library("2023500"), app.test_client()

    def push(card_number: str, kind: str, key: str) -> bool:
        headers = {"Idempotency-Key": key}
        asked = client.post(f"{PATRONS}/{card_number}/push", json={"kind": kind}, headers=headers, auth=ULLENSAKER)
        return asked.status_code == 202

    run_reminders(database=library.database, policy=library.policy, now=clock())
    return send_notices(
        database=library.database,
        policy=library.policy,
        sender="library@example.org",
        address_of=lambda _card_number: None,
        send=lambda _letter: None,
        push=push,
        now=clock(),
    )


def test_what_is_due_reaches_the_phone_and_leaves_no_word_on_the_way(
    app: APIFlask, phone: FlaskClient, town: Town, service: PushService, clock: Clock, caplog, capfd
):
    caplog.set_level(logging.DEBUG)
    browser = Browser(f"{service.address}/sent/anna")
    switch_on(phone, browser)
    choose(phone, **BY_PUSH | {"days_before": "5"})
    tell_libraries(app)
    with town.library("2023500").database.reading() as session:
        choice = session.get(ReminderChoice, NUMBER)
        assert choice is not None
        assert (choice.due, choice.days_before) == ("push", 5)
    (account,) = town.systems.get("2023500").accounts(card_numbers=[NUMBER])
    (loan,) = [loan for loan in account.loans if loan.title == TITLE]
    assert loan.due_on is not None
    clock.turn(days=(loan.due_on - clock().date()).days - 5)
    assert remind(app, town, clock).sent >= 1
    with app.app_context():
        while send_one_push():
            pass
        central = [repr(db.session.execute(each.select()).all()) for each in Base.metadata.sorted_tables]
    assert b'{"kind": "due", "lang": "en"}' in {browser.read(got.body) for got in service.received}
    out = capfd.readouterr()
    everywhere = "".join([*central, caplog.text, out.out, out.err, *(repr(got) for got in service.received)])
    for word in ("sokkelost", loan.loan_id, "990077", "/sent/anna"):
        assert word not in everywhere.replace("Pushed(path='/sent/anna'", "")


def test_a_choice_comes_to_a_library_also_when_its_hours_end(
    app: APIFlask, phone: FlaskClient, town: Town, clock: Clock
):
    choose(phone, **NIGHT)
    tell_libraries(app)
    choose(phone, due="none")
    tell_libraries(app)
    with town.library("2023500").database.reading() as session:
        choice = session.get(ReminderChoice, NUMBER)
        assert choice is not None
        assert (choice.due, choice.quiet_from, choice.quiet_to) == ("none", 0, 0)
    assert PAGE in phone.get("/my/settings").text


def test_an_older_building_that_knows_no_choices_holds_nothing_else_up(
    app: APIFlask, phone: FlaskClient, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delitem(CALLS, "patrons/reminders")
    older = build_town(tmp_path / "older", clock=clock)
    app.extensions["ils"] = older.systems
    choose(phone, **NIGHT)
    tell_libraries(app)
    with app.app_context():
        assert not db.session.scalars(select(LibraryNotice).where(LibraryNotice.confirmed_at.is_(None))).all()
    older.close()
