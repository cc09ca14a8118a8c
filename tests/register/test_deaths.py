"""A library reports a death: the card stops at once, the report can be taken back, and then everything goes."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.register.card.cards import replace_card, report_found, report_lost
from app.register.card.scans import Accepted, scan
from app.register.change.deaths import DEATH_WAITS, NotYourReport, report_death, withdraw_death_report
from app.register.leaving.erasure import erase_patron
from app.register.library.fetching import fetch_patron
from app.register.log.access_log import Viewer
from app.register.messages.message_queue import mark_sent
from app.register.messages.outbox import ask_for_message
from app.register.patron.card_status import status_of
from app.register.patron.patrons import NoSuchPatron, NotJoined
from app.register.sign_in.one_time import draw_link, find_link
from app.register.sign_in.pins import Origin, SignInRefused, sign_in
from app.register.sign_in.sessions import OWN_DEVICE, find_session, start_session
from app.register.store.transaction import db
from app.register.tables.library import LibraryNotice
from app.register.tables.messages import Message
from app.register.tables.patrons import Patron
from app.rules.card.scan import Cause, Reason, Refused
from app.rules.card.status import CardRefused
from app.rules.messages import CARD_REPLACED
from tests.register.people import (
    AT_MULLSJO,
    GUARDIAN,
    LOST,
    MULLSJO,
    PINS,
    ULLENSAKER,
    code_on,
    make_phone,
    patron_id,
    read_register,
    terminal,
)

SYSTEM = Viewer(role="system", actor=ULLENSAKER, library_id=ULLENSAKER)


@pytest.fixture
def report(clock):
    def report(card_number=GUARDIAN, library_id=ULLENSAKER):
        report_death(patron_id=patron_id(card_number), library_id=library_id, now=clock())
        db.session.commit()

    return report


@pytest.fixture
def withdraw(clock):
    def withdraw(card_number=GUARDIAN, library_id=ULLENSAKER):
        withdraw_death_report(patron_id=patron_id(card_number), library_id=library_id, now=clock())
        db.session.commit()

    return withdraw


def standing(card_number=GUARDIAN):
    db.session.expire_all()
    patron = db.session.scalars(select(Patron).where(Patron.card_number == card_number)).one()
    return status_of(patron).state, patron.erase_reason, patron.erase_at, patron.death_reported_by


def test_the_card_is_refused_from_that_second_on(report, clock):
    phone = make_phone(GUARDIAN, now=clock()).id
    report()
    refused = scan(payload=code_on(phone, now=clock()), terminal=terminal(), now=clock())
    assert refused == Refused(Reason.REVOKED, Cause.DECEASED)
    with pytest.raises(SignInRefused):
        sign_in(card_number=GUARDIAN, pin=PINS[GUARDIAN], origin=Origin("203.0.113.7"), now=clock())


def test_every_sign_in_and_link_ends(report, clock):
    whose = patron_id(GUARDIAN)
    token, _session = start_session(lasting=OWN_DEVICE, now=clock(), patron_id=whose)
    link = draw_link(patron_id=whose, lasting=timedelta(hours=1), now=clock())
    db.session.commit()
    report()
    assert find_session(token=token, last_used_at=clock(), now=clock()) is None
    assert find_link(token=link, now=clock()) is None


def test_a_link_of_before_opens_nothing_when_the_report_is_taken_back(report, withdraw, clock):
    link = draw_link(patron_id=patron_id(GUARDIAN), lasting=timedelta(hours=1), now=clock())
    db.session.commit()
    report()
    withdraw()
    assert find_link(token=link, now=clock()) is None


def test_nothing_more_is_sent_to_the_address(report, clock):
    for sent in (True, False):
        ask_for_message(patron_id=patron_id(GUARDIAN), kind=CARD_REPLACED, now=clock())
        db.session.commit()
        if sent:
            mark_sent(message_id=db.session.scalars(select(Message.id)).one(), now=clock())
    report()
    assert [message.sent_at for message in db.session.scalars(select(Message))] == [clock()]


def test_everything_is_erased_within_a_day(report, clock):
    report()
    assert standing() == ("deceased", "death", clock() + DEATH_WAITS, ULLENSAKER)
    assert timedelta(hours=22) < DEATH_WAITS < timedelta(hours=24)


def test_libraries_are_told_and_learn_no_more_than_the_minimum(report, clock):
    before = db.session.scalars(select(LibraryNotice.id)).all()
    db.session.rollback()
    report()
    told = db.session.scalars(select(LibraryNotice).where(LibraryNotice.id.not_in(before))).all()
    assert sorted((notice.library_id, notice.kind) for notice in told) == [
        (ULLENSAKER, "changed"),
        (MULLSJO, "changed"),
    ]
    db.session.rollback()
    fetched = fetch_patron(card_number=GUARDIAN, viewer=SYSTEM, library_id=ULLENSAKER, now=clock())
    assert fetched.minimum is not None
    assert (fetched.minimum.card_state, fetched.details) == ("deceased", None)


def test_reporting_it_again_changes_nothing_somebody_who_does(report, clock):
    report()
    before = read_register()
    clock.turn(seconds=3600)
    report()
    report(library_id=MULLSJO)
    assert read_register() == before


def test_only_a_library_that_the_patron_has_joined_may_report_it(report):
    before = read_register()
    with pytest.raises(NotJoined):
        report(AT_MULLSJO, ULLENSAKER)
    db.session.rollback()
    assert read_register() == before


def test_a_mistake_is_taken_back_and_the_card_works_again(report, withdraw, clock):
    phone = make_phone(GUARDIAN, now=clock()).id
    report()
    withdraw()
    assert standing() == ("active", None, None, None)
    assert isinstance(scan(payload=code_on(phone, now=clock()), terminal=terminal(), now=clock()), Accepted)
    assert sign_in(card_number=GUARDIAN, pin=PINS[GUARDIAN], origin=Origin("203.0.113.7"), now=clock())


def test_taking_it_back_twice_or_for_nothing_changes_nothing(report, withdraw):
    withdraw()
    report()
    withdraw()
    before = read_register()
    withdraw()
    assert read_register() == before


def test_another_library_takes_nothing_back(report, withdraw):
    report()
    before = read_register()
    with pytest.raises(NotYourReport):
        withdraw(library_id=MULLSJO)
    db.session.rollback()
    assert read_register() == before


def test_a_card_that_was_lost_is_lost_after_the_mistake_too(report, withdraw):
    report(LOST)
    assert standing(LOST)[:2] == ("deceased", "death")
    withdraw(LOST)
    assert standing(LOST)[:2] == ("lost", None)


@pytest.mark.parametrize("number", [GUARDIAN, LOST])
def test_no_desk_brings_the_card_back_by_another_way(report, number, clock):
    report(number)
    whose = patron_id(number)
    for act in (replace_card, report_found):
        with pytest.raises(CardRefused):
            act(patron_id=whose, now=clock())
        db.session.rollback()
    report_lost(patron_id=whose, now=clock())
    db.session.commit()
    assert standing(number)[0] == "deceased"


def test_a_planned_deletion_for_lack_of_use_becomes_one_within_a_day(report, withdraw, clock):
    patron = db.session.get_one(Patron, patron_id(GUARDIAN))
    patron.erase_at, patron.erase_reason = clock() + timedelta(days=60), "inactive"
    db.session.commit()
    report()
    assert standing()[1:3] == ("death", clock() + DEATH_WAITS)
    withdraw()
    assert standing()[1:3] == (None, None)


def test_nothing_is_taken_back_once_all_is_erased(report, clock):
    report()
    whose = patron_id(GUARDIAN)
    erase_patron(patron_id=whose, reason="death", now=clock())
    db.session.commit()
    with pytest.raises(NoSuchPatron):
        withdraw_death_report(patron_id=whose, library_id=ULLENSAKER, now=clock())
    db.session.rollback()
    with pytest.raises(NoSuchPatron):
        report_death(patron_id=whose, library_id=ULLENSAKER, now=clock())
