"""A young patron becomes an adult, or decides alone: told a month before, ended on the day, unless it is renewed."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, update

from app.register.card.carrying import carry_cards
from app.register.card.families import (
    NoSuchPermission,
    give_permission,
    list_given,
    list_received,
    switch,
    view_family,
)
from app.register.change.coming_of_age import come_of_age, renew_permission
from app.register.change.freezing import freeze_card, thaw_card
from app.register.messages.message_queue import take_due_message
from app.register.store.transaction import db
from app.register.tables.devices import Credential
from app.register.tables.library import Library
from app.register.tables.messages import Message
from app.register.tables.patrons import FamilyPermission, Patron
from app.rules.messages import CONSENT_ENDS, FAMILY_ENDS
from tests.register.people import AT_MULLSJO as OTHER
from tests.register.people import CHILD, GUARDIAN, make_phone, patron_id

BORN = date(2009, 3, 15)
GIVEN = datetime(2026, 6, 1, 12, tzinfo=UTC)
MONTH_BEFORE = datetime(2027, 2, 14, 23, 0, tzinfo=UTC)
"""The first moment of 15 February in Norway."""
ADULT = datetime(2027, 3, 14, 23, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def born():
    """Let the child be born on this day, and nobody else be young."""
    db.session.execute(update(Patron).values(birth_date=date(1980, 1, 1), guardian_consent_at=None))
    change(birth_date=BORN)


def change(card_number=CHILD, **columns):
    db.session.execute(update(Patron).where(Patron.card_number == card_number).values(**columns))
    db.session.commit()


def permit(*, guardian=GUARDIAN, child=CHILD, now=GIVEN):
    give_permission(patron_id=patron_id(child), guardian_card_number=guardian, may_carry_card=True, now=now)
    db.session.commit()
    permission_id = db.session.scalars(select(FamilyPermission.id).order_by(FamilyPermission.id.desc())).first()
    switch(guardian_id=patron_id(guardian), permission_id=permission_id, on=True, now=now)
    db.session.commit()
    return permission_id


def grow(now, *, adult_age=18):
    come_of_age(adult_age=adult_age, now=now)


def told(kinds=FAMILY_ENDS):
    rows = select(Patron.card_number, Message.kind).join(Patron, Patron.id == Message.patron_id).order_by(Message.id)
    found = [tuple(row) for row in db.session.execute(rows.where(Message.kind.in_(kinds)))]
    db.session.rollback()
    return found


def ends(child=CHILD):
    found = [given.ends_on for given in list_given(patron_id=patron_id(child))]
    db.session.rollback()
    return found


def seen(now):
    found = [person.card_number for person in view_family(guardian_id=patron_id(GUARDIAN), now=now)]
    db.session.rollback()
    return found


def test_both_are_told_once_a_month_before_the_birthday_and_not_a_second_earlier():
    permit()
    grow(MONTH_BEFORE - SECOND)
    assert told() == []
    for later in range(4):
        grow(MONTH_BEFORE + timedelta(days=9 * later))
    assert told() == [(CHILD, "family-ends-to-young"), (GUARDIAN, "family-ends-to-guardian")]
    assert [person.ends_on for person in list_received(guardian_id=patron_id(GUARDIAN))] == ends()


def test_every_guardian_is_told_and_the_young_patron_once():
    permit()
    permit(guardian=OTHER)
    grow(MONTH_BEFORE)
    assert sorted(told()) == sorted(
        [(CHILD, "family-ends-to-young"), (GUARDIAN, "family-ends-to-guardian"), (OTHER, "family-ends-to-guardian")]
    )


def test_on_the_birthday_the_guardian_sees_nothing_any_more():
    permit()
    grow(MONTH_BEFORE)
    grow(ADULT - SECOND)
    assert seen(ADULT - SECOND) == [GUARDIAN, CHILD]
    grow(ADULT)
    grow(ADULT)
    assert seen(ADULT) == [GUARDIAN]
    assert ends() == []


def test_the_card_leaves_the_guardians_phone_on_the_birthday():
    permit()
    device_id = make_phone(GUARDIAN, now=ADULT - timedelta(days=40)).id
    until = ADULT + timedelta(days=40)
    carry_cards(guardian_id=patron_id(GUARDIAN), device_id=device_id, expires_at=until, now=MONTH_BEFORE)
    db.session.commit()
    of_the_child = select(Credential.revoked_at).where(Credential.patron_id == patron_id(CHILD))
    for now, revoked_at in ((MONTH_BEFORE, None), (ADULT, ADULT)):
        grow(now)
        assert db.session.scalars(of_the_child).all() == [revoked_at]
        db.session.rollback()


def test_what_the_young_patron_renews_stands():
    permission, other = permit(), permit(guardian=OTHER)
    grow(MONTH_BEFORE)
    with pytest.raises(NoSuchPermission):
        renew_permission(patron_id=patron_id(GUARDIAN), permission_id=permission, now=MONTH_BEFORE)
    db.session.rollback()
    for _ in range(2):
        renew_permission(patron_id=patron_id(CHILD), permission_id=permission, now=MONTH_BEFORE)
        db.session.commit()
    for later in (timedelta(), timedelta(days=400)):
        grow(ADULT + later)
        assert seen(ADULT + later) == [GUARDIAN, CHILD]
    assert db.session.get(FamilyPermission, other) is None
    assert len(told()) == 3


def test_a_permission_is_not_renewed_before_it_is_about_to_end():
    permission = permit()
    renew_permission(patron_id=patron_id(CHILD), permission_id=permission, now=GIVEN)
    db.session.commit()
    grow(MONTH_BEFORE)
    assert ends() == [BORN.replace(year=2027)]


def test_what_an_adult_gives_does_not_end():
    permit(now=ADULT)
    for days in (0, 1, 400):
        grow(ADULT + timedelta(days=days))
    assert (told(), ends()) == ([], [None])


def test_what_is_given_in_the_last_month_is_told_of_and_ends_too():
    grow(MONTH_BEFORE)
    permit(now=ADULT - timedelta(days=3))
    grow(ADULT - timedelta(days=2))
    assert len(told()) == 2
    grow(ADULT)
    assert ends() == []


def test_of_what_an_adult_gave_as_a_child_both_are_told_before_it_ends():
    permit()
    later = ADULT + timedelta(days=1000)
    grow(later)
    assert len(told()) == 2
    assert ends() == [date(2030, 1, 9)]
    grow(later + timedelta(days=28))
    assert ends() != []
    grow(later + timedelta(days=31))
    assert ends() == []


def test_the_age_is_a_setting():
    permit()
    grow(MONTH_BEFORE, adult_age=19)
    assert ends() == [None]
    grow(MONTH_BEFORE.replace(year=2028), adult_age=19)
    assert ends() == [BORN.replace(year=2028)]


def test_a_frozen_card_waits_until_it_is_thawed():
    permit()
    freeze_card(patron_id=patron_id(CHILD), now=MONTH_BEFORE)
    db.session.commit()
    grow(MONTH_BEFORE)
    assert told() == []
    thaw_card(patron_id=patron_id(CHILD), now=MONTH_BEFORE)
    db.session.commit()
    grow(MONTH_BEFORE)
    assert len(told()) == 2


def test_a_number_that_nobody_has_is_told_of_alike():
    give_permission(patron_id=patron_id(CHILD), guardian_card_number="N999999990", now=GIVEN)
    db.session.commit()
    grow(MONTH_BEFORE)
    assert told() == [(CHILD, "family-ends-to-young")]
    assert ends() == [BORN.replace(year=2027)]


def taken(now):
    found = []
    while (due := take_due_message(channels=("email", "sms", "letter"), now=now)) is not None:
        found.append(due)
    return [due for due in found if due.kind in (*FAMILY_ENDS, *CONSENT_ENDS)]


def test_the_messages_name_the_day_and_the_young_patron():
    permit()
    grow(MONTH_BEFORE)
    name = db.session.scalar(select(Patron.name).where(Patron.card_number == CHILD))
    db.session.rollback()
    young, guardian = sorted(taken(MONTH_BEFORE), key=lambda due: due.kind, reverse=True)
    assert (young.kind, young.about, young.day) == ("family-ends-to-young", None, BORN.replace(year=2027))
    assert (guardian.about, guardian.day) == (name, BORN.replace(year=2027))


def test_a_message_about_what_was_renewed_meanwhile_is_not_sent():
    permission = permit()
    grow(MONTH_BEFORE)
    renew_permission(patron_id=patron_id(CHILD), permission_id=permission, now=MONTH_BEFORE)
    db.session.commit()
    assert taken(MONTH_BEFORE) == []
    assert told() == []


def consent(card_number=CHILD):
    found = db.session.execute(
        select(Patron.guardian_consent_at, Patron.consent_ends_on).where(Patron.card_number == card_number)
    ).one()
    db.session.rollback()
    return tuple(found)


AT_15 = ADULT.replace(year=2024)
MONTH_BEFORE_15 = MONTH_BEFORE.replace(year=2024)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def test_a_guardians_consent_is_deleted_on_the_day_that_it_is_needed_no_longer():
    change(guardian_consent_at=LONG_AGO)
    permit(now=LONG_AGO)
    grow(MONTH_BEFORE_15 - SECOND)
    assert told(CONSENT_ENDS) == []
    for _ in range(2):
        grow(MONTH_BEFORE_15)
    assert told(CONSENT_ENDS) == [(CHILD, "consent-ends-to-young"), (GUARDIAN, "consent-ends-to-guardian")]
    assert {due.day for due in taken(MONTH_BEFORE_15)} == {BORN.replace(year=2024)}
    grow(AT_15 - SECOND)
    assert consent() == (LONG_AGO, BORN.replace(year=2024))
    grow(AT_15)
    assert consent() == (None, BORN.replace(year=2024))
    assert seen(AT_15) == [GUARDIAN, CHILD]


def test_the_strictest_of_the_libraries_says_until_when_a_consent_is_needed():
    change(guardian_consent_at=LONG_AGO)
    grow(MONTH_BEFORE_15)
    db.session.execute(update(Library).values(consent_age=16))
    db.session.commit()
    grow(AT_15)
    assert consent()[0] == LONG_AGO
    grow(MONTH_BEFORE_15.replace(year=2025))
    assert consent() == (LONG_AGO, BORN.replace(year=2025))
    grow(AT_15.replace(year=2025))
    assert consent() == (None, BORN.replace(year=2025))


def test_who_is_past_the_age_already_is_not_written_to():
    change(guardian_consent_at=LONG_AGO)
    grow(AT_15 + timedelta(days=100))
    assert (consent(), told(CONSENT_ENDS)) == ((None, BORN.replace(year=2024)), [])
