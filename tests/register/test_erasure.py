"""Erasing somebody everywhere: what goes, what stays, and what comes too late."""

import pytest
from sqlalchemy import inspect, select

from app.register.card.cards import replace_card, report_lost
from app.register.card.families import (
    give_permission,
    list_received,
    switch,
    view_family,
    withdraw_permission,
)
from app.register.card.scans import scan
from app.register.change.corrections import Correction, correct_patron
from app.register.change.freezing import freeze_card
from app.register.change.membership import opt_out
from app.register.keys.vault import vault
from app.register.leaving.erasure import erase_patron
from app.register.leaving.own_data import OWN_TABLES
from app.register.leaving.retention import purge
from app.register.library.fetching import fetch_again
from app.register.library.kept_answers import take_key
from app.register.library.notices import list_due_notices, mark_delivered
from app.register.patron.changes import ERASED
from app.register.patron.numbers import PatronGone, is_gone
from app.register.patron.patrons import NoSuchPatron
from app.register.sign_in.pins import Origin, SignInRefused, sign_in
from app.register.store.transaction import db
from app.register.tables.columns import Base
from app.register.tables.library import LibraryNotice
from app.register.tables.log import AccessLogEntry, Erasure
from app.register.tables.messages import PinOrder
from app.register.tables.patrons import Patron
from app.rules.card.scan import Reason
from app.rules.people.contact import Contact
from tests.conftest import START
from tests.register.leftovers import ASKED, KEY, SYSTEM, fill_every_table
from tests.register.people import (
    CHILD,
    GUARDIAN,
    HIDDEN,
    LOST,
    MULLSJO,
    TEEN,
    ULLENSAKER,
    code_on,
    count_rows,
    erase,
    make_phone,
    patron_id,
    read_register,
    terminal,
)

# All that may stay of somebody, without a word of who it was.
STAY = {"issued_numbers", "library_notices", "machine_answers"}


def test_every_row_about_somebody_is_gone_in_every_table(clock):
    gone = fill_every_table(GUARDIAN, now=clock())
    erase(now=clock())
    assert db.session.get(Patron, gone) is None
    for name, own in OWN_TABLES.items():
        if own.table.__tablename__ not in STAY:
            left = select(own.table).where(own.rows(Patron(id=gone, card_number=GUARDIAN)))
            assert db.session.execute(left).all() == [], name


def test_every_table_that_can_name_a_patron_is_tried(clock):
    named = {
        table.name
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if column.name.endswith("patron_id") or column.name == "guardian_id" or column.name == "sealed_number"
    }
    assert named - {own.table.__tablename__ for own in OWN_TABLES.values()} == {"pin_orders"}


def test_neither_the_name_nor_the_number_is_left_anywhere(clock):
    fill_every_table(GUARDIAN, now=clock())
    patron = db.session.scalars(select(Patron).where(Patron.card_number == GUARDIAN)).one()
    words = [GUARDIAN, patron.name, patron.email, "before@example.org", "N000199999"]
    db.session.rollback()
    before = repr(read_register())
    erase(now=clock())
    after = repr(read_register())
    assert all(word in before for word in (GUARDIAN, words[1]))
    assert [word for word in words if word in after] == []


def test_nobody_else_loses_anything_but_what_named_the_erased(clock):
    whose = fill_every_table(GUARDIAN, now=clock())
    before = read_register()
    erase(now=clock())
    after = read_register()
    assert len(before["patrons"]) - len(after["patrons"]) == 1
    for table in ("affiliations", "pin_verifiers", "national_id_tokens", "devices", "credentials", "sessions"):
        index = [column.name for column in Base.metadata.tables[table].columns].index("patron_id")
        assert after[table] == [row for row in before[table] if row[index] != whose], table
    assert count_rows("family_permissions") == 0
    # The child still sees that a guardian looked, and when.
    looked = db.session.execute(select(AccessLogEntry.actor).where(AccessLogEntry.patron_id == patron_id(CHILD)))
    assert looked.scalars().all() == [""]


def test_a_former_guardian_is_named_in_no_childs_log_whatever_became_of_permission_and_number(clock):
    guardian, child = patron_id(GUARDIAN), patron_id(CHILD)
    give_permission(patron_id=child, guardian_card_number=GUARDIAN, now=clock())
    db.session.flush()
    (received,) = list_received(guardian_id=guardian)
    switch(guardian_id=guardian, permission_id=received.id, on=True, now=clock())
    db.session.commit()
    view_family(guardian_id=guardian, now=clock())
    withdraw_permission(patron_id=child, permission_id=received.id, now=clock())
    number = replace_card(patron_id=guardian, now=clock())
    db.session.commit()
    for library in (ULLENSAKER, MULLSJO):
        for one in list_due_notices(library_id=library, now=clock(), limit=100):
            mark_delivered(notice_id=one.id, kept=[], now=clock())
    purge(now=clock.turn(days=100))
    erase(number, now=clock())
    looked = db.session.execute(
        select(AccessLogEntry.at, AccessLogEntry.actor).where(AccessLogEntry.role == "guardian")
    )
    assert looked.all() == [(START, "")]
    db.session.rollback()
    assert GUARDIAN not in repr(read_register())


def test_an_erasure_says_when_and_why_and_not_whose(clock):
    code = erase(now=clock(), reason="inactive")
    (erasure,) = db.session.scalars(select(Erasure)).all()
    assert (erasure.reason, erasure.erased_at) == ("inactive", clock())
    assert code.replace("-", "") not in repr(read_register())
    kept = {column.name for column in inspect(Erasure).columns if getattr(erasure, column.name) is not None}
    assert kept == {"id", "receipt_hash", "reason", "erased_at", "entry_id"}


def test_a_request_that_is_sent_again_brings_nobody_back(clock):
    gone = fill_every_table(GUARDIAN, now=clock())
    erase(now=clock())
    kept = take_key(username=SYSTEM, key=KEY, asked=ASKED, now=clock())
    assert (kept.status, kept.headers, kept.body, kept.patron_id) == (410, {}, None, gone)
    with pytest.raises(PatronGone):
        fetch_again(patron_id=gone, viewer=terminal().viewer, library_id=ULLENSAKER, now=clock())


def test_only_the_erased_ones_orders_for_a_new_pin_go(clock):
    for number in (GUARDIAN, CHILD):
        sealed = vault.seal(number.encode(), column="pin_orders.sealed_number")
        db.session.add(PinOrder(sealed_number=sealed, asked_at=clock()))
    db.session.add(PinOrder(sealed_number=b"\x09 under a key that is not here", asked_at=clock()))
    db.session.commit()
    erase(now=clock())
    assert count_rows("pin_orders") == 2


@pytest.mark.parametrize(
    "late",
    [
        lambda gone, now: correct_patron(patron_id=gone, changes=Correction(contact=Contact(email="a@b.no")), now=now),
        lambda gone, now: freeze_card(patron_id=gone, now=now),
        lambda gone, now: opt_out(patron_id=gone, library_id=ULLENSAKER, now=now),
        lambda gone, now: report_lost(patron_id=gone, now=now),
        lambda gone, now: erase_patron(patron_id=gone, reason="asked", now=now),
    ],
    ids=["correct", "freeze", "opt out", "lost", "erase again"],
)
def test_what_comes_too_late_finds_nobody_and_changes_nothing(late, clock):
    gone = patron_id(GUARDIAN)
    erase(now=clock())
    before = read_register()
    with pytest.raises(NoSuchPatron):
        late(gone, clock())
    db.session.rollback()
    assert read_register() == before


def test_neither_card_nor_pin_opens_anything_any_more(clock):
    phone = make_phone(GUARDIAN, now=clock()).id
    digits = code_on(phone, now=clock())
    erase(now=clock())
    assert scan(payload=digits, terminal=terminal(), now=clock()).reason is Reason.UNKNOWN
    with pytest.raises(SignInRefused):
        sign_in(card_number=GUARDIAN, pin="4719", origin=Origin("203.0.113.7"), now=clock())


def test_an_erasure_that_is_undone_leaves_everything_as_it_was(clock):
    fill_every_table(GUARDIAN, now=clock())
    before = read_register()
    erase_patron(patron_id=patron_id(GUARDIAN), reason="asked", now=clock())
    db.session.rollback()
    assert read_register() == before


@pytest.mark.parametrize("number", [CHILD, TEEN, LOST, HIDDEN])
def test_everybody_may_go_children_and_holders_of_lost_cards_too(number, clock):
    erase(number, now=clock())
    assert is_gone(number)
    assert count_rows("erasures") == 1


def test_a_local_card_leaves_its_one_library(clock):
    opt_out(patron_id=patron_id(GUARDIAN), library_id=MULLSJO, now=clock())
    db.session.commit()
    erase(now=clock())
    erased = select(LibraryNotice.library_id).where(LibraryNotice.kind == ERASED)
    assert db.session.scalars(erased).all() == [MULLSJO]
