"""Once a guardian's consent has ended, the patron's own acceptance of the rules stands in its place."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, update

from app.register.change.coming_of_age import accept_rules, awaits_acceptance, come_of_age
from app.register.change.enrolment import note_guardian_consent
from app.register.store.transaction import db
from app.register.tables.patrons import Patron
from tests.register.people import CHILD, patron_id

DAY = date(2024, 3, 15)
AT_15 = datetime(2024, 3, 14, 23, tzinfo=UTC)
"""The first moment of that day in Norway."""
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def born():
    db.session.execute(
        update(Patron).where(Patron.card_number == CHILD).values(birth_date=date(2009, 3, 15), guardian_consent_at=None)
    )
    db.session.commit()


def agreed():
    columns = (Patron.guardian_consent_at, Patron.consent_ends_on, Patron.rules_accepted_at)
    found = db.session.execute(select(*columns).where(Patron.card_number == CHILD)).one()
    db.session.rollback()
    return tuple(found)


def consent(now):
    note_guardian_consent(patron_id=patron_id(CHILD), now=now)
    db.session.commit()


def accept(now):
    accept_rules(patron_id=patron_id(CHILD), now=now)
    db.session.commit()


def is_asked():
    return awaits_acceptance(patron_id=patron_id(CHILD))


def test_it_is_asked_for_once_the_guardians_word_counts_no_longer():
    consent(LONG_AGO)
    come_of_age(adult_age=18, now=AT_15 - timedelta(days=20))
    accept(AT_15 - timedelta(days=20))
    assert (is_asked(), agreed()) == (False, (LONG_AGO, DAY, None))
    come_of_age(adult_age=18, now=AT_15)
    assert (is_asked(), agreed()) == (True, (None, DAY, None))
    for later in range(3):
        accept(AT_15 + timedelta(days=later))
    assert (is_asked(), agreed()) == (False, (None, None, AT_15))
    come_of_age(adult_age=18, now=AT_15 + timedelta(days=5))
    assert agreed() == (None, None, AT_15)


def test_where_no_guardian_consented_nothing_is_asked():
    come_of_age(adult_age=18, now=AT_15)
    accept(AT_15)
    assert (is_asked(), agreed()) == (False, (None, None, None))


def test_a_library_that_asks_for_a_guardian_for_longer_ends_the_question():
    consent(LONG_AGO)
    come_of_age(adult_age=18, now=AT_15)
    assert is_asked()
    consent(AT_15)
    accept(AT_15)
    assert (is_asked(), agreed()) == (False, (AT_15, None, None))
