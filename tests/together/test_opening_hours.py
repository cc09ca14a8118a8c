"""Opening hours on their way from the register to a library's loans system."""

from datetime import date

import pytest

from app.ils.circulation.system import CirculationSystem
from app.ils.json_call import make_client
from app.ils.systems import Systems
from app.register.face.opening import read_hours, set_week
from app.register.face.telling import is_told
from app.register.store.transaction import writing
from app.rules.library.face import version_of
from app.rules.library.opening import CLOSED_WEEK, read_day
from app.work.telling_hours import HoursTeller, tell_hours_due, tell_library
from app.work.worker import work_once
from circulation.http.api import STAFF_ONLY_CALLS
from tests.doors.visits import ADMINISTRATOR, desk_log_in
from tests.town import build_town

ULLENSAKER = "2023500"
WAITS = "does not have the newest hours yet"
TODAY = date(2026, 11, 22)  # a Sunday
TUESDAYS = (CLOSED_WEEK[0], read_day("staffed 10:00-19:00"), *CLOSED_WEEK[2:])


@pytest.fixture(autouse=True)
def in_the_portal(app):
    with app.app_context():
        yield


def set_tuesdays(clock, since: date = TODAY) -> None:
    with writing():
        shown = version_of(tuple(read_hours(library_id=ULLENSAKER).weeks))
        set_week(library_id=ULLENSAKER, since=since, days=TUESDAYS, shown=shown, today=TODAY, now=clock())


def lend(town, barcode: str) -> date:
    town.put_on_shelf(ULLENSAKER, barcode=barcode, title="Ei bok")
    return town.systems.lending(ULLENSAKER).check_out(card_number="N000100001", barcode=barcode).loan.due_on


def test_due_dates_follow_the_hours_that_were_published(clock, town):
    assert lend(town, "9901") == date(2026, 12, 21)  # a Monday, since Sundays are closed
    set_tuesdays(clock, since=date(2026, 12, 20))
    assert tell_library(library_id=ULLENSAKER)
    assert is_told(library_id=ULLENSAKER)
    assert lend(town, "9902") == date(2026, 12, 22)
    rules = town.systems.lending(ULLENSAKER).rules()
    assert rules.closed_weekdays == ("sunday",)  # until the day comes


def test_nothing_is_told_before_somebody_set_something(town):
    tell_hours_due()
    assert lend(town, "9901") == date(2026, 12, 21)


def test_a_silent_system_is_told_when_it_answers_again_and_administrators_see_it(app, clock, town):
    administrator = app.test_client()
    administrator.set_cookie("lang", "en")
    assert desk_log_in(administrator, ADMINISTRATOR).status_code == 302
    set_tuesdays(clock)
    # Nobody listens there.
    silent = {"url": "http://127.0.0.1:9", "library_id": ULLENSAKER, "user": "portal", "password": "portal"}
    app.extensions["ils"] = Systems({ULLENSAKER: CirculationSystem(client=make_client(), **silent)})
    assert not tell_library(library_id=ULLENSAKER)
    assert not is_told(library_id=ULLENSAKER)
    pages = ("/desk/library", "/desk/library/hours")
    assert all(WAITS in administrator.get(path).text for path in pages)
    app.extensions["ils"] = town.systems
    work_once()
    assert is_told(library_id=ULLENSAKER)
    assert not any(WAITS in administrator.get(path).text for path in pages)
    assert "The loans system has these hours" in administrator.get(pages[1]).text
    assert lend(town, "9901") == date(2026, 12, 22)


def test_a_system_restored_from_a_backup_is_told_again_within_a_day(clock, town):
    set_tuesdays(clock)
    tell_hours_due()
    with town.library(ULLENSAKER).database.writing() as session:
        session.connection().exec_driver_sql("DELETE FROM told_hours")
    tell_hours_due()
    assert lend(town, "9901") == date(2026, 12, 21)
    clock.turn(days=1, seconds=60)
    tell_hours_due()
    assert lend(town, "9902") == date(2026, 12, 22)


def test_an_older_system_is_told_once_it_is_upgraded(app, clock, town, tmp_path, monkeypatch):
    set_tuesdays(clock)
    with monkeypatch.context() as before:
        before.delitem(STAFF_ONLY_CALLS, "hours/tell")
        older = build_town(tmp_path / "older", clock=clock)
    app.extensions["ils"] = older.systems
    assert not tell_library(library_id=ULLENSAKER)
    older.close()
    app.extensions["ils"] = town.systems
    with HoursTeller(app) as teller:
        teller.begin()
        teller.begin()
    assert is_told(library_id=ULLENSAKER)
