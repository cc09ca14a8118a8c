"""Notifications: switched on in a browser, asked for by a library, and read by that browser alone."""

import json
import logging
import re
from datetime import timedelta

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.register.store.transaction import db
from app.register.tables.columns import Base
from app.register.tables.reminders import PushMessage, PushSubscription
from app.rules.people.ages import NORWAY
from app.work.clean_up import purge
from app.work.pushing import send_one_push
from tests.conftest import Clock
from tests.doors.libraries import MULLSJO, PATRONS, ULLENSAKER
from tests.doors.reminding import BY_PUSH, NIGHT, PAGE, Browser, choose, switch_on
from tests.doors.test_my_data_acts import save
from tests.doors.visits import CHILD, GUARDIAN, KIOSK_1, log_in, main_text, submit
from tests.push_service import PushService

NUMBER, _PIN = GUARDIAN
KIND = b'{"kind": "due", "lang": "en"}'


def push(client: FlaskClient, kind: str = "due", *, number: str = NUMBER, key: str = "", auth=ULLENSAKER):
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(f"{PATRONS}/{number}/push", json={"kind": kind}, auth=auth, headers=headers)


def send_all(app: APIFlask) -> None:
    with app.app_context():
        while send_one_push():
            pass


def count(app: APIFlask, table: type[Base]) -> int:
    with app.app_context():
        return len(db.session.scalars(select(table)).all())


def test_a_notification_says_its_kind_and_no_more_and_only_its_browser_reads_it(app, client, service, browser):
    answer = push(client)
    assert (answer.status_code, answer.json["devices"]) == (202, 1)
    send_all(app)
    (got,) = service.received
    assert got.path == "/sent/anna"
    assert browser.read(got.body) == KIND
    assert KIND not in got.body
    assert count(app, PushMessage) == 0


def test_every_kind_has_the_same_size(app, client, service, browser):
    for kind in ("due", "ready", "overdue"):
        assert push(client, kind).status_code == 202
    send_all(app)
    assert len(service.received) == 3
    assert len({len(got.body) for got in service.received}) == 1


def test_the_register_cannot_read_what_waits_and_forgets_it_when_it_is_sent(app, client, service, browser):
    push(client)
    with app.app_context():
        (waiting,) = db.session.scalars(select(PushMessage)).all()
        assert b"due" not in waiting.body
        # Nor does the answer that is kept for a repetition say whom the library reminded.
        rows = [repr(tuple(row)) for table in Base.metadata.sorted_tables for row in db.session.execute(table.select())]
    assert not [row for row in rows if '"kind": "due"' in row or service.address in row]


def test_what_is_sent_again_with_its_key_is_shown_once(app, client, service, browser):
    first, again = push(client, key="a" * 16), push(client, key="a" * 16)
    assert (first.status_code, first.json) == (again.status_code, again.json)
    send_all(app)
    assert len(service.received) == 1
    assert push(client, "ready", key="a" * 16).json["code"] == "idempotency-key-reused"


def test_quiet_hours_delay_a_notification(app, client, phone, service, browser, clock: Clock):
    choose(phone, **BY_PUSH, **NIGHT)
    here = clock().astimezone(NORWAY)
    clock.turn(seconds=(here.replace(hour=22, minute=0, second=0) - here).total_seconds() % 86400)
    after = push(client).json["after"]
    send_all(app)
    assert service.received == []
    clock.turn(seconds=10 * 3600)
    send_all(app)
    assert len(service.received) == 1
    assert after.startswith(clock().astimezone().strftime("%Y-%m-%dT"))


@pytest.mark.parametrize("chosen", [BY_PUSH | {"due": "email"}, BY_PUSH | {"due": "none"}])
def test_who_does_not_want_it_by_notification_gets_none(client, phone, service, browser, chosen):
    choose(phone, **chosen)
    answer = push(client)
    assert (answer.status_code, answer.json["code"]) == (409, "no-push")


def test_who_has_switched_it_on_nowhere_gets_none(client, phone, service):
    choose(phone, **BY_PUSH)
    assert push(client).json["code"] == "no-push"
    assert "have not switched them on anywhere yet" in main_text(phone.get(PAGE))


def test_only_a_system_of_a_library_that_was_joined_may_send(client, service, browser):
    assert push(client, number="N000999998").status_code == 404
    assert push(client, number=CHILD[0], auth=MULLSJO).status_code == 403
    assert push(client, auth=KIOSK_1).status_code == 403
    assert client.post(f"{PATRONS}/{NUMBER}/push", json={"kind": "due"}).status_code == 401
    for wrong in ("permission", "title", ""):
        assert push(client, wrong).status_code == 422


def test_a_library_may_send_ten_a_day_to_a_patron(client, service, browser, clock: Clock):
    assert [push(client).status_code for _ in range(11)] == [202] * 10 + [429]
    clock.turn(days=1)
    assert push(client).status_code == 202


def test_a_browser_that_is_gone_is_forgotten(app, client, service, browser):
    service.answer = (410, {})
    push(client)
    send_all(app)
    assert count(app, PushSubscription) == 0
    assert push(client).json["code"] == "no-push"


def test_what_a_push_service_does_not_take_now_is_sent_later(app, client, service, browser, clock: Clock):
    service.answer = (429, {"Retry-After": "600"})
    push(client)
    send_all(app)
    service.answer = (201, {})
    send_all(app)
    assert len(service.received) == 1
    clock.turn(seconds=601)
    send_all(app)
    assert len(service.received) == 2
    assert count(app, PushMessage) == 0


def test_what_cannot_be_sent_for_a_day_is_forgotten(app, client, service, browser, clock: Clock):
    service.answer = (503, {})
    push(client)
    for _ in range(30):
        send_all(app)
        clock.turn(seconds=3600)
    send_all(app)
    assert count(app, PushMessage) == 0
    assert count(app, PushSubscription) == 1


def test_a_notification_of_the_past_is_purged(app, client, service, browser, clock: Clock):
    push(client)
    with app.app_context():
        purge(now=clock() + timedelta(hours=25))
    assert count(app, PushMessage) == 0


def test_a_browser_shows_the_notifications_of_whoever_switched_them_on_last(app, client, new_browser, service, browser):
    other = new_browser()
    log_in(other, *CHILD, keep=True)
    assert switch_on(other, browser).status_code == 302
    assert count(app, PushSubscription) == 1
    assert push(client).json["code"] == "no-push"


def test_they_are_switched_off_one_by_one_and_only_by_their_owner(app, phone, new_browser, service, browser):
    other = new_browser()
    log_in(other, *CHILD, keep=True)
    refused = submit(other, f"{PAGE}/notifications/1/off", page=PAGE)
    assert refused.status_code in (404, 409)
    assert count(app, PushSubscription) == 1
    assert submit(phone, f"{PAGE}/notifications/1/off", page=PAGE).status_code == 302
    assert count(app, PushSubscription) == 0


def test_a_borrowed_device_shows_none(app, new_browser, service):
    borrowed = new_browser()
    log_in(borrowed, *GUARDIAN)
    assert switch_on(borrowed, Browser(f"{service.address}/a")).status_code == 400
    assert 'id="push"' not in borrowed.get(PAGE).text


@pytest.mark.parametrize(
    "wrong",
    [
        {"endpoint": "http://push.example.org/a"},
        {"endpoint": "https://user:word@push.example.org/"},
        {"endpoint": ""},
        {"p256dh": "AAAA"},
        {"p256dh": "æøå"},
        {"auth": "AAAA"},
    ],
)
def test_what_is_no_subscription_is_refused(app, phone, service, wrong):
    fields = Browser(f"{service.address}/a").fields() | wrong
    assert submit(phone, f"{PAGE}/notifications", page=PAGE, **fields).status_code == 400
    assert count(app, PushSubscription) == 0


def test_one_to_try_comes_also_in_quiet_hours(app, phone, service, browser):
    choose(phone, **BY_PUSH, quiet="y", quiet_from="0", quiet_to="23")
    submit(phone, f"{PAGE}/notifications/try", page=PAGE)
    send_all(app)
    (got,) = service.received
    assert browser.read(got.body) == b'{"kind": "trial", "lang": "en"}'


def test_ten_to_try_are_enough_for_an_hour(app, phone, service, browser, clock: Clock):
    for _ in range(10):
        assert submit(phone, f"{PAGE}/notifications/try", page=PAGE).status_code == 302
    assert submit(phone, f"{PAGE}/notifications/try", page=PAGE).status_code == 429
    assert count(app, PushMessage) == 10
    clock.turn(seconds=3600)
    assert submit(phone, f"{PAGE}/notifications/try", page=PAGE).status_code == 302


def test_without_a_key_nothing_is_offered(app, phone):
    app.extensions["push"] = None
    assert 'id="notifications"' not in phone.get(PAGE).text


def test_no_log_holds_the_address_of_a_browser(app, client, service, browser, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    service.answer = (500, {})
    push(client)
    send_all(app)
    out = capfd.readouterr()
    assert "/sent/anna" not in caplog.text + out.out + out.err


def test_the_export_gives_the_browser_and_no_key_of_ours(phone, service, browser):
    (row,) = phone.get("/my/data.json").json["data"]["push_subscriptions"]
    assert service.address in row["sealed_address"]
    assert "address_hash" not in row


def kinds(app: APIFlask, service: PushService, browser: Browser) -> list[dict[str, str]]:
    """Send what waits, and return what the browser reads."""
    send_all(app)
    return [json.loads(browser.read(got.body)) for got in service.received]


def renew(phone: FlaskClient, browser: Browser, **fields: str) -> int:
    return submit(phone, f"{PAGE}/notifications/renew", page=PAGE, **browser.fields(), **fields).status_code


def test_a_browser_with_another_address_is_still_reached_and_its_former_one_forgotten(
    app, client, phone, service, browser
):
    other = Browser(f"{service.address}/sent/anew")
    assert renew(phone, other) == 200
    push(client)
    assert kinds(app, service, other) == [{"kind": "due", "lang": "en"}]
    assert [got.path for got in service.received] == ["/sent/anew"]
    assert count(app, PushSubscription) == 1


def test_a_browser_that_asks_by_itself_switches_nothing_on(app, client, phone, new_browser, service, browser):
    submit(phone, f"{PAGE}/notifications/1/off", page=PAGE)
    assert renew(phone, browser) in (404, 409)
    other = new_browser()
    log_in(other, *CHILD, keep=True)
    assert renew(other, browser) in (404, 409)
    assert client.post(f"{PAGE}/notifications/renew", data=browser.fields()).status_code in (302, 400)
    assert count(app, PushSubscription) == 0


def test_a_notification_is_in_the_language_that_the_patron_read_last(app, client, phone, service, browser):
    assert renew(phone, browser, lang="nn") == 200
    assert renew(phone, browser, lang="xx") == 200
    push(client)
    assert kinds(app, service, browser) == [{"kind": "due", "lang": "nn"}]


def test_a_notification_follows_the_language_of_messages(app, client, phone, service, browser):
    assert save(phone, language="sv").status_code == 302
    push(client)
    assert kinds(app, service, browser) == [{"kind": "due", "lang": "sv"}]


def test_the_worker_has_the_words_in_every_language(client):
    (words,) = re.findall("^const WORDS = (.*);$", client.get("/sw.js").text, re.MULTILINE)
    said = json.loads(words)
    assert said.keys() == {"nb", "nn", "sv", "en", "se"}
    assert len({text["due"] for text in said.values()}) == 5
