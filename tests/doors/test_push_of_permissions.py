"""A permission comes by the way that the guardian chose, and after their quiet hours."""

import pytest
from apiflask import APIFlask
from sqlalchemy import select

from app.register.store.transaction import db
from app.register.tables.messages import Message
from app.rules.messages import FAMILY_PERMISSION
from app.rules.people.ages import NORWAY
from app.work.pushing import send_one_push
from app.work.sending import send_one
from tests.conftest import Clock
from tests.doors.reminding import BY_PUSH, choose
from tests.doors.visits import CHILD, GUARDIAN, log_in, submit

NUMBER, _PIN = GUARDIAN


def give_permission(new_browser) -> None:
    child = new_browser()
    log_in(child, *CHILD)
    submit(child, "/my/settings", guardian_card_number=NUMBER)


def work(app: APIFlask) -> None:
    with app.app_context():
        while send_one():
            pass
        while send_one_push():
            pass


def test_a_permission_comes_as_a_notification_and_not_by_email(app, new_browser, service, browser):
    give_permission(new_browser)
    work(app)
    (got,) = service.received
    assert browser.read(got.body) == b'{"kind": "permission", "lang": "en"}'
    assert [letter.subject for letter in app.extensions["post"].read() if letter.to == "kari@example.org"] == []


def test_a_permission_waits_for_the_end_of_quiet_hours(app, phone, new_browser, service, browser, clock: Clock):
    hour = clock().astimezone(NORWAY).hour
    choose(phone, **BY_PUSH, quiet="y", quiet_from=str(hour), quiet_to=str((hour + 2) % 24))
    give_permission(new_browser)
    work(app)
    assert service.received == []
    clock.turn(seconds=2 * 3600)
    work(app)
    assert len(service.received) == 1


def test_a_permission_is_not_lost_where_the_portal_has_no_key_for_notifications_any_more(
    app, new_browser, service, browser
):
    app.extensions["push"] = None
    give_permission(new_browser)
    work(app)
    told = [letter for letter in app.extensions["post"].read() if "tillatelse" in letter.body]
    assert [letter.channel for letter in told] == ["email"]


def test_nobody_is_told_of_a_permission_who_does_not_want_to_be(app, phone, new_browser, service, browser):
    choose(phone, **BY_PUSH | {"permission": "none"})
    give_permission(new_browser)
    work(app)
    assert service.received == []
    with app.app_context():
        assert not db.session.scalars(select(Message).where(Message.kind == FAMILY_PERMISSION)).all()


@pytest.mark.parametrize(("way", "channel"), [("sms", "sms"), ("email", "email"), ("push", "email")])
def test_a_permission_comes_by_the_way_that_was_chosen_or_as_other_messages(
    app, phone, new_browser, service, way, channel
):
    choose(phone, **BY_PUSH | {"permission": way})
    give_permission(new_browser)
    work(app)
    told = [
        letter for letter in app.extensions["post"].read() if "lar deg se" in letter.body or "tillatelse" in letter.body
    ]
    assert [letter.channel for letter in told] == [channel]
