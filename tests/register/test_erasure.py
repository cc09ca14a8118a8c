"""Erasing somebody everywhere: what goes, what stays, and what comes too late."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import delete, insert, inspect, select, update

from app.register.cards import replace_card, report_lost
from app.register.changes import ERASED, LEFT, NUMBER_COLUMN
from app.register.corrections import Correction, correct_patron
from app.register.erasure import erase_patron
from app.register.families import (
    give_permission,
    list_received,
    look_at_family,
    switch,
    withdraw_permission,
)
from app.register.feed import read_changes
from app.register.fetching import PatronGone, look_again
from app.register.freezing import freeze_card
from app.register.kept_answers import take_key
from app.register.membership import end_affiliation, opt_out
from app.register.notices import GONE_NUMBERS, list_due_notices, mark_told
from app.register.numbers import NumberWasIssued, is_gone, note_number
from app.register.own_data import OWN_TABLES
from app.register.patrons import NoSuchPatron
from app.register.pins import Origin, SignInRefused, sign_in
from app.register.retention import purge
from app.register.scans import scan
from app.register.tables import (
    AccessLogEntry,
    Base,
    Credential,
    Erasure,
    FamilyPermission,
    LibraryNotice,
    Patron,
    PinOrder,
)
from app.register.transaction import db
from app.register.vault import vault
from app.rules.contact import Contact
from app.rules.scan import Reason
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
    make_phone,
    patron_id,
    read_register,
    terminal,
)
from tests.register.test_lines import wait_until_it_waits

# All that may stay of somebody, without a word of who it was.
STAY = {"issued_numbers", "library_notices", "machine_answers"}


def erase(card_number=GUARDIAN, *, now, reason="asked"):
    code = erase_patron(patron_id=patron_id(card_number), reason=reason, now=now)
    db.session.commit()
    return code


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
    look_at_family(guardian_id=guardian, now=clock())
    withdraw_permission(patron_id=child, permission_id=received.id, now=clock())
    number = replace_card(patron_id=guardian, now=clock())
    db.session.commit()
    for library in (ULLENSAKER, MULLSJO):
        for one in list_due_notices(library_id=library, now=clock(), limit=100):
            mark_told(notice_id=one.id, kept=[], now=clock())
    purge(now=clock.turn(days=100))
    erase(number, now=clock())
    looked = db.session.execute(
        select(AccessLogEntry.at, AccessLogEntry.actor).where(AccessLogEntry.role == "guardian")
    )
    assert looked.all() == [(START, "")]
    db.session.rollback()
    assert GUARDIAN not in repr(read_register())


def test_each_library_is_told_by_the_number_it_knows_and_the_number_goes_a_week_after_its_answer(clock):
    erase(now=clock())
    notices = db.session.scalars(
        select(LibraryNotice).where(LibraryNotice.kind == ERASED).order_by(LibraryNotice.library_id)
    ).all()
    assert [notice.library_id for notice in notices] == [ULLENSAKER, MULLSJO]
    assert {vault.open(notice.sealed_number, column=NUMBER_COLUMN).decode() for notice in notices} == {GUARDIAN}
    assert len({notice.erasure_id for notice in notices}) == 1
    db.session.rollback()
    for library in (ULLENSAKER, MULLSJO):
        told = list_due_notices(library_id=library, now=clock(), limit=100)
        assert [(one.kind, one.card_number) for one in told if one.kind == ERASED] == [(ERASED, GUARDIAN)]
        for one in told:
            mark_told(notice_id=one.id, kept=["open_loans"] if one.kind == ERASED else [], now=clock())
    sealed = select(LibraryNotice.kind).where(LibraryNotice.sealed_number.is_not(None))
    purge(now=clock() + GONE_NUMBERS - timedelta(seconds=1))
    assert db.session.scalars(sealed).all() == [ERASED, ERASED]
    purge(now=clock() + GONE_NUMBERS)
    assert db.session.scalars(sealed).all() == []


def test_a_library_that_still_waits_for_a_new_number_learns_both_before_it_forgets(clock):
    fill_every_table(GUARDIAN, now=clock())
    erase(now=clock())
    told = list_due_notices(library_id=ULLENSAKER, now=clock(), limit=100)
    theirs = [(one.kind, one.former_number, one.card_number) for one in told if one.kind in ("renumbered", ERASED)]
    assert theirs == [("renumbered", "N000199999", GUARDIAN), (ERASED, None, GUARDIAN)]
    for one in told + list_due_notices(library_id=MULLSJO, now=clock(), limit=100):
        mark_told(notice_id=one.id, now=clock())
    kinds = db.session.scalars(select(LibraryNotice.kind).where(LibraryNotice.sealed_number.is_not(None))).all()
    assert kinds == [ERASED, ERASED]


def test_a_number_that_a_library_had_been_told_before_goes_at_once(clock):
    fill_every_table(GUARDIAN, now=clock())
    for library in (ULLENSAKER, MULLSJO):
        for one in list_due_notices(library_id=library, now=clock(), limit=100):
            mark_told(notice_id=one.id, now=clock())
    erase(now=clock())
    kinds = db.session.scalars(select(LibraryNotice.kind).where(LibraryNotice.sealed_number.is_not(None))).all()
    assert kinds == [ERASED, ERASED]


def test_a_library_that_was_left_and_told_a_minute_ago_may_still_fetch_the_number_for_a_week(clock):
    end_affiliation(patron_id=patron_id(GUARDIAN), library_id=MULLSJO, now=clock())
    db.session.commit()
    for one in list_due_notices(library_id=MULLSJO, now=clock(), limit=100):
        mark_told(notice_id=one.id, now=clock())
    erase(now=clock.turn(seconds=60))
    (left,) = [
        notice for notice in read_changes(library_id=MULLSJO, after=None, limit=100).notices if notice.kind == LEFT
    ]
    assert left.card_number == GUARDIAN
    purge(now=START + GONE_NUMBERS)
    at_mullsjo = select(LibraryNotice.sealed_number).where(LibraryNotice.library_id == MULLSJO)
    assert set(db.session.scalars(at_mullsjo)) == {None}


def test_the_number_of_a_library_that_was_left_and_told_a_week_ago_goes_with_the_rest(clock):
    end_affiliation(patron_id=patron_id(GUARDIAN), library_id=MULLSJO, now=clock())
    db.session.commit()
    for one in list_due_notices(library_id=MULLSJO, now=clock(), limit=100):
        mark_told(notice_id=one.id, now=clock())
    erase(now=clock() + GONE_NUMBERS)
    at_mullsjo = select(LibraryNotice.sealed_number).where(LibraryNotice.library_id == MULLSJO)
    assert set(db.session.scalars(at_mullsjo)) == {None}


def test_the_number_is_never_issued_again_and_says_that_its_holder_is_gone(clock):
    assert not is_gone(GUARDIAN)
    erase(now=clock())
    assert is_gone(GUARDIAN)
    assert not is_gone(CHILD)
    with pytest.raises(NumberWasIssued):
        note_number(GUARDIAN)


def test_a_former_number_is_gone_too(clock):
    fill_every_table(GUARDIAN, now=clock())
    erase(now=clock())
    assert is_gone("N000199999")


def test_a_former_number_that_only_a_childs_permission_remembers_is_gone_too(clock):
    guardian, child, teen = patron_id(GUARDIAN), patron_id(CHILD), patron_id(TEEN)
    give_permission(patron_id=child, guardian_card_number=GUARDIAN, now=clock())
    number = replace_card(patron_id=guardian, now=clock())
    db.session.execute(delete(LibraryNotice))
    # Somebody else entered it when nobody had it yet.
    db.session.execute(insert(FamilyPermission).values(patron_id=teen, guardian_card_number=GUARDIAN, given_at=clock()))
    db.session.commit()
    erase(number, now=clock())
    assert is_gone(GUARDIAN)
    assert GUARDIAN not in repr(read_register())


def test_an_erasure_says_when_and_why_and_not_whose(clock):
    code = erase(now=clock(), reason="inactive")
    (erasure,) = db.session.scalars(select(Erasure)).all()
    assert (erasure.reason, erasure.erased_at) == ("inactive", clock())
    assert code.replace("-", "") not in repr(read_register())
    assert {column.name for column in inspect(Erasure).columns} == {"id", "receipt_hash", "reason", "erased_at"}


def test_a_request_that_is_sent_again_brings_nobody_back(clock):
    gone = fill_every_table(GUARDIAN, now=clock())
    erase(now=clock())
    kept = take_key(username=SYSTEM, key=KEY, asked=ASKED, now=clock())
    assert (kept.status, kept.headers, kept.body, kept.patron_id) == (410, {}, None, gone)
    with pytest.raises(PatronGone):
        look_again(patron_id=gone, looker=terminal().looker, library_id=ULLENSAKER, now=clock())


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


def at_once(app, *acts):
    """Do all acts at the same moment; return what each raised, or None."""
    start, raised = threading.Barrier(len(acts)), [None] * len(acts)

    def do(place, act):
        with app.app_context():
            start.wait()
            try:
                act()
                db.session.commit()
            except Exception as error:
                db.session.rollback()
                raised[place] = error
            finally:
                db.session.remove()

    threads = [threading.Thread(target=do, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_of_erasures_at_the_same_moment_one_is_done(app, clock):
    gone = patron_id(GUARDIAN)
    raised = at_once(app, *[lambda: erase_patron(patron_id=gone, reason="asked", now=clock())] * 4)
    assert sorted(type(error).__name__ for error in raised) == ["NoSuchPatron"] * 3 + ["NoneType"]
    assert count_rows("erasures") == 1


def test_changes_at_the_same_moment_come_before_it_or_find_nobody(app, clock):
    gone = patron_id(GUARDIAN)
    changes = [
        lambda: correct_patron(patron_id=gone, changes=Correction(language="en"), now=clock()),
        lambda: freeze_card(patron_id=gone, now=clock()),
        lambda: report_lost(patron_id=gone, now=clock()),
    ]
    raised = at_once(app, lambda: erase_patron(patron_id=gone, reason="asked", now=clock()), *changes * 2)
    assert raised[0] is None
    assert {type(error).__name__ for error in raised[1:]} <= {"NoSuchPatron", "NoneType"}
    assert db.session.get(Patron, gone) is None


def test_scans_at_the_same_moment_are_accepted_before_it_or_find_no_card(app, clock):
    phones = [make_phone(GUARDIAN, now=clock(), token=f"phone {number}").id for number in range(6)]
    codes = [code_on(phone, now=clock()) for phone in phones]
    gone, answers = patron_id(GUARDIAN), []

    def show(code, kiosk):
        answers.append(scan(payload=code, terminal=terminal(kiosk), now=clock()))

    shown = [lambda code=code, kiosk=kiosk: show(code, kiosk) for kiosk, code in enumerate(codes)]
    raised = at_once(app, *shown[:3], lambda: erase_patron(patron_id=gone, reason="asked", now=clock()), *shown[3:])
    assert raised == [None] * 7
    assert {getattr(answer, "reason", None) for answer in answers} <= {None, Reason.UNKNOWN}
    for table in ("presented_steps", "credentials", "devices"):
        assert count_rows(table) == 0
    assert db.session.scalars(select(AccessLogEntry).where(AccessLogEntry.patron_id == gone)).all() == []


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_a_scan_that_has_taken_its_step_is_let_end_before_anything_goes(app, clock):
    """The scan holds the card's key and still needs the patron's row, so an erasure that took that first would wait."""
    phone = make_phone(GUARDIAN, now=clock()).id
    gone, raised = patron_id(GUARDIAN), []
    with db.engine.connect() as scanning:
        scanning.execute(update(Credential).where(Credential.device_id == phone).values(last_step=1))
        erasing = threading.Thread(
            target=lambda: raised.extend(
                at_once(app, lambda: erase_patron(patron_id=gone, reason="asked", now=clock()))
            )
        )
        erasing.start()
        wait_until_it_waits()
        told = {"at": clock(), "patron_id": gone, "role": "kiosk", "actor": "kiosk1", "purpose": "scan"}
        scanning.execute(insert(AccessLogEntry).values(told | {"library_id": ULLENSAKER, "fields": "name"}))
        scanning.commit()
    erasing.join(60)
    assert raised == [None]
    assert count_rows("credentials") == 0
