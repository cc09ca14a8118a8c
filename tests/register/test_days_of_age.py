"""From which moment on a young patron is an adult, who is told of it when, and what another birth date changes."""

from datetime import UTC, date, datetime, timedelta

import pytest

from app.register.card.families import give_permission
from app.register.change.corrections import Correction, correct_patron
from app.register.messages.clocks import bring_forward
from app.register.messages.reminders import choose_reminders
from app.register.store.transaction import db
from app.rules.messages import CONSENT_ENDS, FAMILY_ENDS
from app.rules.people.reminders import Choices
from tests.register.people import CHILD, GUARDIAN, patron_id
from tests.register.test_coming_of_age import (
    ADULT,
    BORN,
    GIVEN,
    LONG_AGO,
    MONTH_BEFORE,
    MONTH_BEFORE_15,
    SECOND,
    born,  # noqa: F401 - a fixture
    change,
    consent,
    ends,
    grow,
    permit,
    seen,
    taken,
    told,
)


def test_the_guardian_sees_nothing_from_midnight_on_though_the_worker_is_late():
    permit()
    grow(MONTH_BEFORE)
    assert seen(ADULT - SECOND) == [GUARDIAN, CHILD]
    assert seen(ADULT) == [GUARDIAN]


def test_who_has_not_switched_it_on_may_be_a_stranger_and_is_not_told():
    give_permission(patron_id=patron_id(CHILD), guardian_card_number=GUARDIAN, now=LONG_AGO)
    change(guardian_consent_at=LONG_AGO)
    grow(MONTH_BEFORE_15)
    grow(MONTH_BEFORE)
    assert [whose for whose, _kind in told(FAMILY_ENDS + CONSENT_ENDS)] == [CHILD, CHILD]
    grow(ADULT)
    assert ends() == []


@pytest.mark.parametrize(
    ("birth_date", "midnight"),
    [
        (date(2008, 2, 29), datetime(2026, 2, 28, 23, tzinfo=UTC)),
        (date(2010, 2, 28), datetime(2028, 2, 27, 23, tzinfo=UTC)),
        (date(2010, 3, 28), datetime(2028, 3, 27, 22, tzinfo=UTC)),
        (date(2008, 10, 25), datetime(2026, 10, 24, 22, tzinfo=UTC)),
        (date(2008, 12, 31), datetime(2026, 12, 30, 23, tzinfo=UTC)),
    ],
)
def test_the_birthday_begins_at_midnight_in_norway_also_in_leap_years_and_when_clocks_change(birth_date, midnight):
    change(birth_date=birth_date)
    permit(now=midnight - timedelta(days=300))
    grow(midnight - timedelta(days=40))
    assert told() == []
    grow(midnight - timedelta(days=27))
    assert len(told()) == 2
    grow(midnight - SECOND)
    assert seen(midnight - SECOND) == [GUARDIAN, CHILD]
    grow(midnight)
    assert (seen(midnight), ends()) == ([GUARDIAN], [])


def test_a_birth_date_that_is_corrected_counts_and_the_wrong_one_does_not():
    permit()
    change(guardian_consent_at=LONG_AGO, consent_ends_on=date(2027, 3, 20))
    grow(MONTH_BEFORE)
    assert ends() == [BORN.replace(year=2027)]
    right = Correction(birth_date=date(2012, 8, 1))
    correct_patron(patron_id=patron_id(CHILD), changes=right, library_id="2023500", now=MONTH_BEFORE)
    db.session.commit()
    assert consent() == (LONG_AGO, None)
    grow(ADULT + timedelta(days=9))
    assert seen(ADULT + timedelta(days=9)) == [GUARDIAN, CHILD]
    assert ends() == [None]


def test_the_messages_are_not_sent_in_the_night_to_who_wants_none_then():
    permit()
    night = {"quiet_from": 21, "quiet_to": 8}
    by_email = Choices(due="email", ready="email", overdue="email", permission="email", days_before=3, **night)
    for card_number in (CHILD, GUARDIAN):
        choose_reminders(patron_id=patron_id(card_number), choices=by_email, now=GIVEN)
        db.session.commit()
    grow(MONTH_BEFORE)
    assert taken(MONTH_BEFORE) == []
    bring_forward(now=MONTH_BEFORE + timedelta(minutes=1))
    db.session.commit()
    morning = MONTH_BEFORE + timedelta(hours=8)
    assert taken(morning - SECOND) == []
    assert len(taken(morning)) == 2
