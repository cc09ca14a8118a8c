"""In the last month before they are adults, the young find in the settings what ends, and renew it there."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.register.store.transaction import db
from app.register.tables.patrons import Patron
from app.work.worker import DUTIES, do_duty
from tests.conftest import START
from tests.doors.visits import CHILD, GUARDIAN, log_in, submit

(COME_OF_AGE,) = (duty for duty in DUTIES if duty.name == "come of age")
DAYS_LEFT = 20


@pytest.fixture
def young(app, client, clock):
    """Return the browser of somebody who is an adult in twenty days, and lets a guardian see the loans."""
    born = (START + timedelta(days=DAYS_LEFT)).date()
    with app.app_context():
        changed = update(Patron).where(Patron.card_number == CHILD[0])
        db.session.execute(changed.values(birth_date=born.replace(year=born.year - 18)))
        db.session.commit()
    log_in(client, *CHILD)
    assert submit(client, "/my/settings", guardian_card_number=GUARDIAN[0]).status_code == 302
    assert "/renew" not in client.get("/my/settings").text
    do_duty(app, COME_OF_AGE)
    return client


def test_the_page_says_when_a_permission_ends(young):
    page = young.get("/my/settings").text
    assert "This permission ends on" in page
    assert "Renew permission" in page


def test_what_is_renewed_is_there_after_the_birthday(app, clock, young):
    assert submit(young, "/my/settings/permissions/1/renew", page="/my/settings").status_code == 302
    page = young.get("/my/settings").text
    assert f"The permission to {GUARDIAN[0]} is renewed." in page
    assert "Renew permission" not in page
    clock.turn(days=DAYS_LEFT)
    do_duty(app, COME_OF_AGE)
    log_in(young, *CHILD)
    assert GUARDIAN[0] in young.get("/my/settings").text


def test_what_is_not_renewed_is_gone_on_the_birthday(app, clock, young):
    clock.turn(days=DAYS_LEFT)
    do_duty(app, COME_OF_AGE)
    log_in(young, *CHILD)
    assert GUARDIAN[0] not in young.get("/my/settings").text


def test_nobody_renews_what_another_gave(app, young):
    somebody = app.test_client()
    log_in(somebody, *GUARDIAN)
    submit(somebody, "/my/settings/permissions/1/renew", page="/my/settings")
    assert "Renew permission" in young.get("/my/settings").text
