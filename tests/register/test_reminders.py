"""What patrons chose, where notifications are shown, and calendars' addresses: on both engines."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.register.keys.vault import vault
from app.register.leaving.erasure import erase_patron
from app.register.limits.budgets import TooManyAttempts
from app.register.messages.calendar_addresses import (
    NoSuchCalendar,
    end_address,
    event_id,
    find_owner,
    made_at,
    make_address,
)
from app.register.messages.push import (
    KEPT_FOR,
    NoSuchSubscription,
    Subscription,
    ask_for_push,
    forget_browser,
    forget_push,
    list_subscriptions,
    read_subscriptions,
    subscribe,
    take_due_push,
    try_push_later,
    unsubscribe,
)
from app.register.messages.reminders import choose_reminders, read_choices
from app.register.sign_in.devices import admit_device
from app.register.store.transaction import db
from app.register.tables.library import LibraryNotice
from app.register.tables.reminders import CalendarAddress, PushMessage, PushSubscription, ReminderChoice
from app.rules.people.reminders import Choices
from tests.register.people import CHILD, GUARDIAN, patron_id

CHOSEN = Choices(due="push", ready="sms", overdue="email", permission="none", days_before=3, quiet_from=21, quiet_to=8)
HOME = "203.0.113.7"
BROWSER = Subscription("https://push.example.org/kari", b"p" * 65, b"a" * 16)


def device_of(patron: int, token: str, clock) -> int:
    return admit_device(patron_id=patron, token=token, label="Chrome, Android", now=clock()).id


@pytest.fixture
def guardian(app) -> int:
    return patron_id(GUARDIAN)


@pytest.fixture
def subscription(guardian, clock) -> int:
    subscribe(patron_id=guardian, device_id=device_of(guardian, "a" * 43, clock), subscription=BROWSER, now=clock())
    db.session.commit()
    (shown,) = list_subscriptions(patron_id=guardian)
    return shown.id


def ask(subscription_id: int, clock, *, body: bytes = b"sealed", seconds: int = 0) -> None:
    due_at = clock() + timedelta(seconds=seconds)
    ask_for_push(subscription_id=subscription_id, body=body, due_at=due_at, now=clock())
    db.session.commit()


def test_what_was_chosen_is_read_again_and_may_be_chosen_anew(guardian, clock):
    assert read_choices(patron_id=guardian) is None
    for chosen in (CHOSEN, Choices(due="none", ready="none", overdue="sms", permission="push", days_before=0)):
        choose_reminders(patron_id=guardian, choices=chosen, now=clock())
        db.session.commit()
        assert read_choices(patron_id=guardian) == chosen
    assert len(db.session.scalars(select(ReminderChoice)).all()) == 1


def test_libraries_are_told_once_of_what_concerns_them(guardian, clock):
    def told() -> int:
        theirs = select(LibraryNotice.id).where(LibraryNotice.patron_id == guardian, LibraryNotice.kind == "changed")
        return len(db.session.scalars(theirs).all())

    before = told()
    for _ in range(3):
        choose_reminders(patron_id=guardian, choices=CHOSEN, now=clock())
        db.session.commit()
    after = told()
    assert after > before
    choose_reminders(patron_id=guardian, choices=replace(CHOSEN, permission="email"), now=clock())
    db.session.commit()
    assert told() == after


def test_an_address_at_a_push_service_is_sealed_and_opens_again(guardian, subscription):
    assert read_subscriptions(patron_id=guardian) == {subscription: BROWSER}
    (row,) = db.session.scalars(select(PushSubscription)).all()
    assert b"push.example.org" not in row.sealed_address
    assert "push.example.org" not in row.address_hash


def test_a_browser_that_subscribes_again_is_one(guardian, subscription, clock):
    device_id = device_of(guardian, "a" * 43, clock)
    for endpoint in ("https://push.example.org/kari", "https://push.example.org/anew"):
        again = Subscription(endpoint, b"q" * 65, b"b" * 16)
        subscribe(patron_id=guardian, device_id=device_id, subscription=again, now=clock())
        db.session.commit()
        assert list(read_subscriptions(patron_id=guardian).values()) == [again]


def test_nobody_switches_off_anothers_notifications(subscription):
    with pytest.raises(NoSuchSubscription):
        unsubscribe(patron_id=patron_id(CHILD), subscription_id=subscription)


def test_a_notification_is_taken_once_when_it_is_due(subscription, clock):
    ask(subscription, clock, seconds=60)
    assert take_due_push(now=clock()) is None
    clock.turn(seconds=60)
    due = take_due_push(now=clock())
    assert due is not None
    assert (due.endpoint, due.body) == (BROWSER.endpoint, b"sealed")
    assert take_due_push(now=clock()) is None
    clock.turn(seconds=61)
    again = take_due_push(now=clock())
    assert again is not None
    assert again.id == due.id
    forget_push(push_id=due.id)
    assert db.session.scalars(select(PushMessage)).all() == []


def test_two_workers_never_take_the_same(app, subscription, clock):
    for number in range(6):
        ask(subscription, clock, body=str(number).encode())

    def take(_number: int) -> list[bytes]:
        taken = []
        with app.app_context():
            while (due := take_due_push(now=clock())) is not None:
                taken.append(due.body)
        return taken

    with ThreadPoolExecutor(3) as pool:
        found = [body for bodies in pool.map(take, range(3)) for body in bodies]
    assert sorted(found) == [str(number).encode() for number in range(6)]


def test_an_address_whose_key_is_missing_delays_no_other(subscription, clock):
    child = patron_id(CHILD)
    other = Subscription("https://push.example.org/child", b"q" * 65, b"b" * 16)
    subscribe(patron_id=child, device_id=device_of(child, "c" * 43, clock), subscription=other, now=clock())
    db.session.commit()
    ask(subscription, clock, body=b"cannot be sent")
    (theirs,) = list_subscriptions(patron_id=child)
    ask(theirs.id, clock, body=b"can")
    damaged = update(PushSubscription).where(PushSubscription.id == subscription)
    db.session.execute(damaged.values(sealed_address=b"\xff\xff\xff\xffof a key that is gone"))
    db.session.commit()
    taken = take_due_push(now=clock())
    assert taken is not None
    assert taken.body == b"can"
    assert take_due_push(now=clock()) is None


def test_pauses_grow_to_an_hour_or_are_as_long_as_asked(subscription, clock):
    ask(subscription, clock)
    due = take_due_push(now=clock())
    assert due is not None
    try_push_later(push_id=due.id, asked=timedelta(seconds=90), now=clock())
    (waiting,) = db.session.scalars(select(PushMessage)).all()
    assert waiting.due_at == clock() + timedelta(seconds=90)
    try_push_later(push_id=due.id, asked=timedelta(days=9), now=clock())
    db.session.expire_all()
    assert waiting.due_at == clock() + timedelta(hours=1)


def test_what_is_a_day_old_is_not_sent(subscription, clock):
    ask(subscription, clock)
    clock.turn(seconds=KEPT_FOR.total_seconds())
    assert take_due_push(now=clock()) is None
    assert db.session.scalars(select(PushMessage)).all() == []


def test_a_browser_that_is_gone_takes_its_notifications_along(guardian, subscription, clock):
    for _ in range(2):
        ask(subscription, clock)
    due = take_due_push(now=clock())
    assert due is not None
    forget_browser(push_id=due.id)
    assert db.session.scalars(select(PushMessage)).all() == []
    assert list_subscriptions(patron_id=guardian) == []


def test_a_calendars_secret_leads_to_its_owner_until_it_is_ended(guardian, clock):
    secret = make_address(patron_id=guardian, now=clock())
    db.session.commit()
    assert find_owner(secret=secret, address=HOME, now=clock()).patron_id == guardian
    assert made_at(patron_id=guardian) == clock()
    again = make_address(patron_id=guardian, now=clock())
    db.session.commit()
    with pytest.raises(NoSuchCalendar):
        find_owner(secret=secret, address=HOME, now=clock())
    end_address(patron_id=guardian)
    db.session.commit()
    for ended in (again, "", "never"):
        with pytest.raises(NoSuchCalendar):
            find_owner(secret=ended, address=HOME, now=clock())


def test_wrong_secrets_from_one_source_are_counted_and_right_ones_are_not(guardian, clock):
    secret = make_address(patron_id=guardian, now=clock())
    db.session.commit()
    for _ in range(60):
        with pytest.raises(NoSuchCalendar):
            find_owner(secret="wrong", address=HOME, now=clock())
    with pytest.raises(TooManyAttempts):
        find_owner(secret="wrong", address=HOME, now=clock())
    assert find_owner(secret=secret, address=HOME, now=clock()).patron_id == guardian


def test_an_events_name_is_stable_and_says_nothing_of_the_loan(guardian):
    name = event_id(library_id="2023500", loan_id="0123456789")
    assert name == event_id(library_id="2023500", loan_id="0123456789")
    assert name != event_id(library_id="Mull", loan_id="0123456789")
    assert "0123456789" not in name


def test_nothing_of_it_outlives_an_erasure(guardian, subscription, clock):
    choose_reminders(patron_id=guardian, choices=CHOSEN, now=clock())
    make_address(patron_id=guardian, now=clock())
    ask(subscription, clock)
    erase_patron(patron_id=guardian, reason="asked", now=clock())
    db.session.commit()
    for table in (ReminderChoice, PushSubscription, PushMessage, CalendarAddress):
        assert db.session.scalars(select(table)).all() == []


def test_an_address_opens_under_a_later_key(guardian, subscription):
    (row,) = db.session.scalars(select(PushSubscription)).all()
    renewed = vault.renew_seal(row.sealed_address, column="push_subscriptions.sealed_address")
    assert vault.open(renewed, column="push_subscriptions.sealed_address").startswith(b'{"endpoint"')
