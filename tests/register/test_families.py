"""The family folder at the register: who may see whose loans, and when."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.register.card.cards import replace_card
from app.register.card.families import (
    NoSuchPermission,
    NotToOneself,
    TooManyPermissions,
    act_in_family,
    advise_older_children,
    give_permission,
    list_given,
    list_received,
    switch,
    view_family,
    withdraw_permission,
)
from app.register.patron.numbers import reserve_series
from app.register.store.transaction import db
from app.register.tables.log import AccessLogEntry
from app.register.tables.messages import Message
from app.register.tables.patrons import FamilyPermission, Patron
from app.rules.card.number import NotACardNumber
from tests.conftest import START
from tests.register.test_queue_locks import wait_until_it_waits

GUARDIAN, CHILD, TEEN, OTHER = "N000100001", "N000100002", "N000100003", "N000100006"


def patron_id(card_number: str) -> int:
    found = db.session.scalars(select(Patron.id).where(Patron.card_number == card_number)).one()
    db.session.rollback()
    return found


def permit(child: str, guardian: str, *, switched_on: bool = True) -> int:
    give_permission(patron_id=patron_id(child), guardian_card_number=guardian, now=START)
    db.session.commit()
    permission = db.session.scalars(
        select(FamilyPermission.id).where(
            FamilyPermission.patron_id == patron_id(child), FamilyPermission.guardian_card_number == guardian
        )
    ).one()
    if switched_on:
        switch(guardian_id=patron_id(guardian), permission_id=permission, on=True, now=START)
    db.session.commit()
    return permission


def seen_by(card_number: str) -> list[str]:
    return [seen.card_number for seen in view_family(guardian_id=patron_id(card_number), now=START)]


def test_a_permission_alone_shows_nothing():
    permit(CHILD, GUARDIAN, switched_on=False)
    assert seen_by(GUARDIAN) == [GUARDIAN]


def test_a_guardian_who_switches_on_sees_every_child_that_permits_it():
    permit(CHILD, GUARDIAN)
    permit(TEEN, GUARDIAN)
    assert seen_by(GUARDIAN) == [GUARDIAN, CHILD, TEEN]
    assert seen_by(CHILD) == [CHILD]


def test_a_guardian_with_a_new_card_is_shown_by_its_number_alone():
    permit(CHILD, GUARDIAN)
    permit(TEEN, GUARDIAN, switched_on=False)
    new = replace_card(patron_id=patron_id(GUARDIAN), now=START)
    db.session.commit()
    assert [given.guardian_card_number for given in list_given(patron_id=patron_id(CHILD))] == [new]
    assert seen_by(new) == [new, CHILD]
    # It is not told whether the number that was entered is anybody's.
    assert [given.guardian_card_number for given in list_given(patron_id=patron_id(TEEN))] == [GUARDIAN]


def test_a_guardian_who_switches_on_with_a_new_card_is_shown_by_its_number():
    permission = permit(CHILD, GUARDIAN, switched_on=False)
    permit(TEEN, GUARDIAN)
    new = replace_card(patron_id=patron_id(GUARDIAN), now=START)
    db.session.commit()
    for on in (True, False, True):
        switch(guardian_id=patron_id(new), permission_id=permission, on=on, now=START)
        db.session.commit()
        for child in (CHILD, TEEN):
            assert [given.guardian_card_number for given in list_given(patron_id=patron_id(child))] == [new]
    assert seen_by(new) == [new, CHILD, TEEN]


def test_a_number_that_a_child_entered_before_it_was_issued_does_not_keep_the_guardian_from_it():
    new = reserve_series(library_id="2023500", count=100, now=START).first
    db.session.commit()
    permit(CHILD, GUARDIAN)
    permit(CHILD, new, switched_on=False)
    replace_card(patron_id=patron_id(GUARDIAN), library_id="2023500", card_number=new, now=START)
    db.session.commit()
    assert [given.guardian_card_number for given in list_given(patron_id=patron_id(CHILD))] == [new]


def told() -> list[str]:
    """Return the card numbers of those who were told of a permission, in the order in which they were."""
    asked = select(Patron.card_number).join(Message, Message.patron_id == Patron.id).order_by(Message.id)
    found = db.session.scalars(asked.where(Message.kind == "family-permission")).all()
    db.session.rollback()
    return list(found)


def test_the_guardian_is_told_of_a_permission_once_a_day():
    for later in (timedelta(), timedelta(hours=1), timedelta(days=2)):
        give_permission(patron_id=patron_id(CHILD), guardian_card_number=GUARDIAN, now=START + later)
        db.session.commit()
        (given,) = list_given(patron_id=patron_id(CHILD))
        withdraw_permission(patron_id=patron_id(CHILD), permission_id=given.id, now=START + later)
        db.session.commit()
    assert told() == [GUARDIAN, GUARDIAN]


def test_nobody_sends_messages_to_one_number_after_the_other():
    others = (GUARDIAN, "N000100005", OTHER, "N000100003")
    db.session.execute(update(Patron).values(email="somebody@example.org"))
    db.session.commit()
    for number in others:
        give_permission(patron_id=patron_id(CHILD), guardian_card_number=number, now=START)
        db.session.commit()
    assert told() == list(others[:3])


def test_a_permission_to_somebody_without_an_address_or_a_card_costs_no_letter():
    db.session.execute(update(Patron).values(email=None, phone=None, proven_email=None, proven_phone=None))
    db.session.commit()
    for number in (GUARDIAN, "N000999999"):
        give_permission(patron_id=patron_id(CHILD), guardian_card_number=number, now=START)
        db.session.commit()
    assert told() == []


def test_switching_off_ends_the_view_and_keeps_the_permission():
    permission = permit(CHILD, GUARDIAN)
    switch(guardian_id=patron_id(GUARDIAN), permission_id=permission, on=False, now=START)
    db.session.commit()
    assert seen_by(GUARDIAN) == [GUARDIAN]
    assert [received.switched_on for received in list_received(guardian_id=patron_id(GUARDIAN))] == [False]


def test_withdrawing_ends_the_view_at_once():
    permission = permit(CHILD, GUARDIAN)
    withdraw_permission(patron_id=patron_id(CHILD), permission_id=permission, now=START)
    db.session.commit()
    assert seen_by(GUARDIAN) == [GUARDIAN]
    assert list_received(guardian_id=patron_id(GUARDIAN)) == []


def test_nobody_but_the_guardian_named_can_switch_it_on():
    permission = permit(CHILD, GUARDIAN, switched_on=False)
    for somebody_else in (OTHER, CHILD):
        with pytest.raises(NoSuchPermission):
            switch(guardian_id=patron_id(somebody_else), permission_id=permission, on=True, now=START)
        db.session.rollback()


def test_nobody_but_the_giver_can_withdraw_it():
    permission = permit(CHILD, GUARDIAN)
    with pytest.raises(NoSuchPermission):
        withdraw_permission(patron_id=patron_id(GUARDIAN), permission_id=permission, now=START)


def test_a_number_that_nobody_has_is_kept_and_shown_like_any_other():
    for number in (GUARDIAN, "N999999999"):
        give_permission(patron_id=patron_id(CHILD), guardian_card_number=number, now=START)
        db.session.commit()
    known, unknown = list_given(patron_id=patron_id(CHILD))
    assert (known.guardian_card_number, unknown.guardian_card_number) == (GUARDIAN, "N999999999")
    assert (known.given_at, known.switched_on, known.last_looked_at) == (
        unknown.given_at,
        unknown.switched_on,
        unknown.last_looked_at,
    )


def test_somebody_who_gets_that_number_later_gets_no_permission_with_it():
    give_permission(patron_id=patron_id(CHILD), guardian_card_number="N999999999", now=START)
    db.session.get_one(Patron, patron_id(OTHER)).card_number = "N999999999"
    db.session.commit()
    assert list_received(guardian_id=patron_id("N999999999")) == []


def test_giving_twice_is_giving_once():
    permission = permit(CHILD, GUARDIAN)
    assert permit(CHILD, GUARDIAN) == permission
    assert len(list_given(patron_id=patron_id(CHILD))) == 1


def test_nobody_permits_oneself():
    with pytest.raises(NotToOneself):
        give_permission(patron_id=patron_id(CHILD), guardian_card_number=CHILD.lower(), now=START)


def test_a_text_that_is_no_number_is_refused():
    with pytest.raises(NotACardNumber):
        give_permission(patron_id=patron_id(CHILD), guardian_card_number="mamma", now=START)


def test_ten_permissions_are_enough():
    for tail in range(10):
        give_permission(patron_id=patron_id(CHILD), guardian_card_number=f"N55500000{tail}", now=START)
        db.session.commit()
    with pytest.raises(TooManyPermissions):
        give_permission(patron_id=patron_id(CHILD), guardian_card_number=GUARDIAN, now=START)


def test_the_child_sees_when_the_guardian_looked():
    permit(CHILD, GUARDIAN)
    assert list_given(patron_id=patron_id(CHILD))[0].last_looked_at is None
    seen_by(GUARDIAN)
    assert list_given(patron_id=patron_id(CHILD))[0].last_looked_at == START


def test_looking_at_oneself_is_not_written_down():
    seen_by(GUARDIAN)
    assert db.session.scalars(select(AccessLogEntry)).all() == []


def test_acting_for_a_child_needs_the_same_permission():
    permission = permit(CHILD, GUARDIAN)
    guardian = patron_id(GUARDIAN)
    assert act_in_family(guardian_id=guardian, permission_id=permission, now=START).card_number == CHILD
    assert act_in_family(guardian_id=guardian, permission_id=None, now=START).card_number == GUARDIAN
    switch(guardian_id=guardian, permission_id=permission, on=False, now=START)
    db.session.commit()
    with pytest.raises(NoSuchPermission):
        act_in_family(guardian_id=guardian, permission_id=permission, now=START)


def test_nobody_acts_by_a_permission_that_was_given_to_somebody_else():
    permission = permit(CHILD, GUARDIAN)
    for somebody_else in (OTHER, TEEN, CHILD):
        with pytest.raises(NoSuchPermission):
            act_in_family(guardian_id=patron_id(somebody_else), permission_id=permission, now=START)
    assert db.session.scalars(select(AccessLogEntry)).all() == []


def test_a_child_past_the_12th_year_is_advised_once_and_nothing_is_switched():
    permit(TEEN, GUARDIAN)
    for _ in range(2):
        advise_older_children(now=START)
        db.session.commit()
    kinds = db.session.scalars(select(Message.kind).order_by(Message.kind)).all()
    assert kinds == ["family-advice-to-child", "family-advice-to-guardian", "family-permission"]
    db.session.rollback()
    assert seen_by(GUARDIAN) == [GUARDIAN, TEEN]


def test_a_younger_child_is_advised_on_the_day_it_turns_13():
    permit(CHILD, GUARDIAN)
    birth_date = db.session.get_one(Patron, patron_id(CHILD)).birth_date
    birthday = START.replace(year=birth_date.year + 13, month=birth_date.month, day=birth_date.day, hour=12)
    assert advise_older_children(now=birthday.replace(hour=0, day=birthday.day - 1)) == 0
    assert advise_older_children(now=birthday) == 1


def test_a_permission_that_is_sent_twice_at_once_is_one(app):
    child, outcome = patron_id(CHILD), []

    def send() -> None:
        with app.app_context():
            give_permission(patron_id=child, guardian_card_number=GUARDIAN, now=START)
            db.session.commit()
            outcome.append("sent")

    give_permission(patron_id=child, guardian_card_number=GUARDIAN, now=START)
    db.session.flush()
    again = threading.Thread(target=send)
    again.start()
    if db.engine.dialect.name == "postgresql":
        wait_until_it_waits()
    db.session.commit()
    again.join()
    assert outcome == ["sent"]
    assert len(list_given(patron_id=child)) == 1
