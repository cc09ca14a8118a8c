"""A browser shows no notification any more of somebody who is logged out there, in whichever way."""

import re

from app.register.tables.reminders import PushSubscription
from tests.doors.reminding import PAGE, Browser, switch_on
from tests.doors.test_push import count
from tests.doors.visits import CHILD, GUARDIAN, log_in, log_out, read_page, submit


def test_logging_out_ends_notifications_there(app, phone, service, browser):
    log_out(phone)
    assert count(app, PushSubscription) == 0


def test_who_logs_in_over_somebody_in_the_same_browser_gets_none_of_theirs(app, phone, service, browser):
    log_in(phone, *CHILD, keep=True)
    assert count(app, PushSubscription) == 0


def test_a_new_pin_ends_notifications_wherever_it_logs_out(app, phone, new_browser, service, browser):
    other = new_browser()
    log_in(other, *GUARDIAN, keep=True)
    assert switch_on(other, Browser(f"{service.address}/sent/tablet")).status_code == 302
    assert submit(other, "/my/pin", new_pin="7315").status_code == 302
    assert count(app, PushSubscription) == 1
    assert len(read_page(other.get(PAGE)).find_all(id=re.compile("^browser-"))) == 1


def test_a_device_that_is_taken_away_shows_none(app, phone, service, browser):
    device_id = phone.get("/card/devices").text.partition("/card/devices/")[2].partition("/")[0]
    submit(phone, f"/card/devices/{device_id}/revoke", page="/card/devices")
    assert count(app, PushSubscription) == 0
