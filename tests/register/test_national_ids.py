"""National numbers of somebody who has a card: several of one person, and each of one person only."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from app.register.change.enrolment import AlreadyRegistered
from app.register.change.national_ids import MOST_NUMBERS, TooManyNumbers, add_national_id
from app.register.patron.patrons import NoSuchPatron, count_numbers, find_by_national_id
from app.register.store.transaction import db
from app.rules.people.national_id import parse_national_id
from tests.register.people import AT_MULLSJO, GUARDIAN, HIDDEN, patron_id


def number(serial: int) -> str:
    """Return the serial-th synthetic number of somebody born on 1 March 1990."""
    found = [each for each in (f"018390{tail:05}" for tail in range(1, 40000)) if is_valid(each)]
    return found[serial]


def is_valid(text: str) -> bool:
    digits = [int(digit) for digit in text]
    first = sum(a * b for a, b in zip(digits, (3, 7, 6, 1, 8, 9, 4, 5, 2, 1), strict=False))
    second = sum(a * b for a, b in zip(digits, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1), strict=True))
    return first % 11 == 0 and second % 11 == 0


def parsed(text: str):
    return parse_national_id(text, today=date(2026, 11, 22), allow_synthetic=True)


def test_a_former_number_leads_to_the_patron_as_the_new_one_does():
    whose = patron_id(GUARDIAN)
    new = parsed(number(0))
    add_national_id(patron_id=whose, national_id=new)
    add_national_id(patron_id=whose, national_id=new)
    db.session.commit()
    assert find_by_national_id(new) == find_by_national_id(parsed("12848430062")) == whose
    assert count_numbers(patron_id=whose) == 2


def test_a_number_stays_with_somebody_who_has_it():
    with pytest.raises(AlreadyRegistered) as refused:
        add_national_id(patron_id=patron_id(HIDDEN), national_id=parsed("12848430062"))
    assert refused.value.patron_id == patron_id(GUARDIAN)


def test_nobody_has_more_numbers_than_a_person_can_have():
    whose = patron_id(HIDDEN)
    for serial in range(MOST_NUMBERS - 1):
        add_national_id(patron_id=whose, national_id=parsed(number(serial)))
    with pytest.raises(TooManyNumbers):
        add_national_id(patron_id=whose, national_id=parsed(number(MOST_NUMBERS)))


def test_somebody_who_is_gone_gets_none():
    with pytest.raises(NoSuchPatron):
        add_national_id(patron_id=999_999, national_id=parsed(number(0)))


def test_of_two_desks_that_note_one_number_at_once_one_is_told_of_the_other(app):
    new, rivals = parsed(number(0)), [patron_id(GUARDIAN), patron_id(HIDDEN), patron_id(AT_MULLSJO)]

    def note(whose: int) -> str:
        with app.app_context():
            try:
                add_national_id(patron_id=whose, national_id=new)
                db.session.commit()
            except AlreadyRegistered:
                db.session.rollback()
                return "refused"
            return "noted"

    with ThreadPoolExecutor(3) as desks:
        told = sorted(desks.map(note, rivals))
    assert told == ["noted", "refused", "refused"]
    assert find_by_national_id(new) in rivals
