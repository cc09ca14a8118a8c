"""The month of the last use at each library: coarse, of joined libraries alone, and never going back."""

from datetime import date

import pytest
from sqlalchemy import select, update

from app.register.card.scans import Accepted, scan
from app.register.desk.visits import open_visit
from app.register.leaving.inactivity import gather_uses
from app.register.log.access_log import Viewer
from app.register.patron.patrons import activate_card
from app.register.sign_in.pin_checks import check_pin
from app.register.sign_in.sessions import DESK, start_session
from app.register.store.transaction import db
from app.register.tables.patrons import Affiliation
from app.work.clean_up import clean_up
from tests.register.people import CHILD, GUARDIAN, MULLSJO, PINS, ULLENSAKER, code_on, make_phone, patron_id, terminal


@pytest.fixture(autouse=True)
def unknown():
    """Let no month be known."""
    db.session.execute(update(Affiliation).values(last_used_month=None))
    db.session.commit()


def months(card_number=GUARDIAN):
    joined = select(Affiliation.library_id, Affiliation.last_used_month)
    rows = db.session.execute(joined.where(Affiliation.patron_id == patron_id(card_number))).all()
    found = {row.library_id: row.last_used_month for row in rows}
    db.session.rollback()
    return found


def scan_at(library_id, *, now, card_number=GUARDIAN):
    phone = make_phone(card_number, now=now, token=f"a phone on {now}")
    assert isinstance(
        scan(payload=code_on(phone.id, now=now), terminal=terminal(library_id=library_id), now=now), Accepted
    )
    db.session.rollback()


def test_a_scan_counts_at_its_library_alone_once_it_is_gathered(clock):
    scan_at(MULLSJO, now=clock())
    assert months() == {ULLENSAKER: None, MULLSJO: None}
    gather_uses(now=clock())
    assert months() == {ULLENSAKER: None, MULLSJO: clock().date().replace(day=1)}


def test_the_daily_work_keeps_the_month_when_the_scan_is_deleted(clock, app):
    month = clock().date().replace(day=1)
    scan_at(ULLENSAKER, now=clock())
    clock.turn(days=2)
    clean_up(rewrite=False)
    assert months()[ULLENSAKER] == month


def test_the_month_never_goes_back(clock):
    db.session.execute(update(Affiliation).values(last_used_month=date(2030, 1, 1)))
    db.session.commit()
    scan_at(ULLENSAKER, now=clock())
    gather_uses(now=clock())
    assert set(months().values()) == {date(2030, 1, 1)}


def test_a_scan_at_a_library_that_was_not_joined_is_kept_nowhere(clock):
    scan_at(MULLSJO, now=clock(), card_number=CHILD)
    gather_uses(now=clock())
    assert months(CHILD) == {ULLENSAKER: None}


def test_a_visit_at_a_desk_counts_there(clock):
    open_visit(patron_id=patron_id(GUARDIAN), terminal=terminal(), now=clock())
    db.session.commit()
    gather_uses(now=clock())
    assert months() == {ULLENSAKER: clock().date().replace(day=1), MULLSJO: None}


def test_signing_in_is_a_use_at_no_library(clock):
    start_session(lasting=DESK, now=clock(), patron_id=patron_id(GUARDIAN))
    db.session.commit()
    gather_uses(now=clock())
    assert set(months().values()) == {None}


def test_a_pin_that_a_library_checks_counts_there(clock):
    viewer = Viewer("kiosk", "2023500-kiosk1", ULLENSAKER)
    asked = {"card_number": GUARDIAN, "viewer": viewer, "library_id": ULLENSAKER, "now": clock()}
    assert not check_pin(pin="0000", **asked)
    assert set(months().values()) == {None}
    assert check_pin(pin=PINS[GUARDIAN], **asked)
    assert months() == {ULLENSAKER: clock().date().replace(day=1), MULLSJO: None}


def test_joining_is_the_first_use(clock):
    activate_card(patron_id=patron_id(CHILD), library_id=MULLSJO, now=clock())
    db.session.commit()
    assert months(CHILD) == {ULLENSAKER: None, MULLSJO: clock().date().replace(day=1)}
