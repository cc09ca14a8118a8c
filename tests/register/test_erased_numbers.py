"""The card numbers of the erased: libraries learn which to forget, and nobody gets one again."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, insert, select

from app.register.card.cards import replace_card
from app.register.card.families import (
    give_permission,
)
from app.register.change.membership import end_affiliation
from app.register.keys.vault import vault
from app.register.leaving.retention import purge
from app.register.library.feed import read_changes
from app.register.library.notices import GONE_NUMBERS, list_due_notices, mark_delivered
from app.register.patron.changes import ERASED, LEFT, NUMBER_COLUMN
from app.register.patron.numbers import NumberWasIssued, is_gone, note_number
from app.register.store.transaction import db
from app.register.tables.library import LibraryNotice
from app.register.tables.patrons import FamilyPermission
from tests.conftest import START
from tests.register.leftovers import fill_every_table
from tests.register.people import (
    CHILD,
    GUARDIAN,
    MULLSJO,
    TEEN,
    ULLENSAKER,
    erase,
    patron_id,
    read_register,
)


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
            mark_delivered(notice_id=one.id, kept=["open_loans"] if one.kind == ERASED else [], now=clock())
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
        mark_delivered(notice_id=one.id, now=clock())
    kinds = db.session.scalars(select(LibraryNotice.kind).where(LibraryNotice.sealed_number.is_not(None))).all()
    assert kinds == [ERASED, ERASED]


def test_a_number_that_a_library_had_been_told_before_goes_at_once(clock):
    fill_every_table(GUARDIAN, now=clock())
    for library in (ULLENSAKER, MULLSJO):
        for one in list_due_notices(library_id=library, now=clock(), limit=100):
            mark_delivered(notice_id=one.id, now=clock())
    erase(now=clock())
    kinds = db.session.scalars(select(LibraryNotice.kind).where(LibraryNotice.sealed_number.is_not(None))).all()
    assert kinds == [ERASED, ERASED]


def test_a_library_that_was_left_and_told_a_minute_ago_may_still_fetch_the_number_for_a_week(clock):
    end_affiliation(patron_id=patron_id(GUARDIAN), library_id=MULLSJO, now=clock())
    db.session.commit()
    for one in list_due_notices(library_id=MULLSJO, now=clock(), limit=100):
        mark_delivered(notice_id=one.id, now=clock())
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
        mark_delivered(notice_id=one.id, now=clock())
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
