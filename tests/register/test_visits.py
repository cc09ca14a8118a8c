"""Serving at the desk: whom a scan or a visit names, to which terminal, for how long, and what is seen."""

from datetime import date

import pytest
from sqlalchemy import select

from app.register.card.cards import report_found, report_lost
from app.register.card.scans import scan
from app.register.change.enrolment import note_guardian_consent
from app.register.change.freezing import freeze_card
from app.register.change.membership import opt_out
from app.register.desk.lookup import Criteria, find_hit, look_up
from app.register.desk.patron_view import view_patron
from app.register.desk.visits import NoOpenVisit, NotLookedUp, open_visit, open_visit_of_hit, use_visit
from app.register.log.access_log import Terminal, Viewer
from app.register.patron.card_status import status_of
from app.register.store.transaction import db
from app.register.tables.library import LibraryNotice
from app.register.tables.log import AccessLogEntry
from app.register.tables.patrons import Patron
from app.rules.card.status import DEATH, CardRefused, State
from tests.register.people import (
    AT_MULLSJO,
    CHILD,
    GUARDIAN,
    LOST,
    MULLSJO,
    ULLENSAKER,
    code_on,
    make_phone,
    patron_id,
    reading,
)

ALL, LITTLE = "name, birth date, address", "name"


def desk(number=1, *, library_id=ULLENSAKER, actor="desk-2023500"):
    return Terminal(
        scope=f"desk:{number}",
        viewer=Viewer(role="staff", actor=actor, library_id=library_id),
        library_id=library_id,
    )


@pytest.fixture
def open_for(clock):
    def open_for(card_number, terminal=None):
        session = open_visit(patron_id=patron_id(card_number), terminal=terminal or desk(), now=clock())
        db.session.commit()
        return session

    return open_for


@pytest.fixture
def serving(clock):
    def serving(session, terminal=None, *, extend=False):
        return use_visit(
            session=session, terminal=terminal or desk(), fields=ALL, minimum=LITTLE, extend=extend, now=clock()
        )

    return serving


def last_look():
    with reading() as connection:
        row = connection.execute(select(AccessLogEntry).order_by(AccessLogEntry.id.desc()).limit(1)).one()
        return row.patron_id, row.purpose, row.fields


def test_a_visit_names_its_patron_as_a_scan_does(open_for, serving, clock):
    device = make_phone(GUARDIAN, now=clock())
    scanned = serving(scan(payload=code_on(device.id, now=clock()), terminal=desk(), now=clock()).session)
    visited = serving(open_for(GUARDIAN))
    assert (scanned.patron_id, scanned.card_number, scanned.looked_up) == (1, GUARDIAN, False)
    assert (visited.patron_id, visited.card_number, visited.looked_up) == (1, GUARDIAN, True)
    assert last_look() == (1, "counter", ALL)


def test_a_visit_is_one_terminals(open_for, serving):
    session = open_for(GUARDIAN)
    with pytest.raises(NoOpenVisit):
        serving(session, desk(2))
    with pytest.raises(NoOpenVisit):
        serving("x" * 32)


def test_looking_alone_does_not_prolong_a_visit_and_each_act_does(open_for, serving, clock):
    session = open_for(GUARDIAN)
    clock.turn(seconds=200)
    serving(session)
    clock.turn(seconds=99)
    serving(session, extend=True)
    clock.turn(seconds=299)
    serving(session)
    clock.turn(seconds=1)
    with pytest.raises(NoOpenVisit):
        serving(session, extend=True)


def test_no_visit_is_longer_than_half_an_hour(open_for, serving, clock):
    session = open_for(GUARDIAN)
    for _ in range(7):
        clock.turn(seconds=250)
        serving(session, extend=True)
    clock.turn(seconds=50)
    with pytest.raises(NoOpenVisit):
        serving(session, extend=True)


def test_only_who_looked_a_patron_up_may_open_the_visit_and_only_for_a_while(clock):
    def open_it(**terminal):
        opened = open_visit_of_hit(patron_id=patron_id(GUARDIAN), terminal=desk(**terminal), now=clock())
        db.session.commit()
        return opened

    with pytest.raises(NotLookedUp):
        open_it()
    look_up(
        criteria=Criteria(name="Ingrid", phone="99900001"), viewer=desk().viewer, library_id=ULLENSAKER, now=clock()
    )
    assert open_it()
    for other in ({"actor": "desk-colleague"}, {"library_id": MULLSJO}):
        with pytest.raises(NotLookedUp):
            open_it(**other)
    clock.turn(seconds=600)
    with pytest.raises(NotLookedUp):
        open_it()


def test_a_scan_elsewhere_opens_no_visit(clock):
    device = make_phone(GUARDIAN, now=clock())
    scan(payload=code_on(device.id, now=clock()), terminal=desk(), now=clock())
    with pytest.raises(NotLookedUp):
        open_visit_of_hit(patron_id=patron_id(GUARDIAN), terminal=desk(), now=clock())


def test_a_known_person_who_was_to_be_enrolled_is_a_hit(clock):
    hit = find_hit(patron_id=patron_id(AT_MULLSJO), viewer=desk().viewer, library_id=ULLENSAKER, now=clock())
    assert (hit.name, hit.birth_date) == ("Åsa Lindqvist", None)
    assert last_look() == (hit.patron_id, "look-up", "name, age band, home library")
    assert open_visit_of_hit(patron_id=hit.patron_id, terminal=desk(), now=clock())


@pytest.mark.parametrize(("number", "in_full", "fields"), [(GUARDIAN, True, ALL), (AT_MULLSJO, False, LITTLE)])
def test_what_is_shown_and_written_down_depends_on_having_joined(open_for, serving, clock, number, in_full, fields):
    served = serving(open_for(number))
    assert (served.activated_here, served.in_full) == (in_full, in_full)
    assert last_look()[2] == fields
    seen = view_patron(patron_id=served.patron_id, library_id=ULLENSAKER, in_full=served.in_full, now=clock())
    assert (seen.in_full is not None) == in_full


def test_of_a_frozen_card_only_the_minimum_is_shown(open_for, serving, clock):
    freeze_card(patron_id=patron_id(GUARDIAN), now=clock())
    db.session.commit()
    served = serving(open_for(GUARDIAN))
    assert (served.activated_here, served.in_full) == (True, False)
    assert last_look()[2] == LITTLE


def test_what_is_seen_in_full_is_what_stands_in_the_register(clock):
    make_phone(GUARDIAN, now=clock())
    note_guardian_consent(patron_id=patron_id(CHILD), now=clock())
    guardian = view_patron(patron_id=patron_id(GUARDIAN), library_id=ULLENSAKER, in_full=True, now=clock())
    assert guardian.in_full is not None
    assert (guardian.in_full.contact.phone, guardian.in_full.libraries) == ("+4799900001", 2)
    assert [device.label for device in guardian.in_full.devices] == ["Firefox, Android"]
    assert not guardian.in_full.needs_consent
    note_guardian_consent(patron_id=patron_id(CHILD), now=clock())
    child = view_patron(patron_id=2, library_id=ULLENSAKER, in_full=True, now=clock())
    assert child.in_full is not None
    assert (child.in_full.needs_consent, child.in_full.guardian_consent_at) == (True, clock())
    assert child.in_full.birth_date < date(2018, 1, 1)


def test_a_local_card_is_seen_to_be_one(clock):
    opt_out(patron_id=patron_id(GUARDIAN), library_id=MULLSJO, now=clock())
    seen = view_patron(patron_id=1, library_id=ULLENSAKER, in_full=False, now=clock())
    assert (seen.only_at, seen.status.local_to) == ("Mullsjö bibliotek", MULLSJO)


def test_a_lost_card_that_is_found_works_again_and_its_library_is_told_of_both(clock):
    owner = patron_id(GUARDIAN)
    before = db.session.get_one(Patron, owner).version
    for state, act in (
        ("lost", report_lost),
        ("lost", report_lost),
        ("active", report_found),
        ("active", report_found),
    ):
        act(patron_id=owner, now=clock())
        db.session.commit()
        assert db.session.get_one(Patron, owner).card_state == state
    told = select(LibraryNotice.library_id).where(
        LibraryNotice.patron_id == owner, LibraryNotice.patron_version > before
    )
    assert sorted(db.session.scalars(told)) == [ULLENSAKER, ULLENSAKER, MULLSJO, MULLSJO]


def test_finding_a_card_brings_nobody_back_to_life(clock):
    patron = db.session.get_one(Patron, patron_id(LOST))
    patron.erase_reason = DEATH
    with pytest.raises(CardRefused):
        report_found(patron_id=patron.id, now=clock())
    report_lost(patron_id=patron.id, now=clock())
    assert status_of(patron).state is State.DECEASED
