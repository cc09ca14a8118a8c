"""Enrolling: one person has one card, a child's guardian consents, and a number is the library's own or drawn."""

import threading
from datetime import date

import pytest
from sqlalchemy import select

from app.register.change.enrolment import AlreadyRegistered, ConsentMissing, enrol_patron, note_guardian_consent
from app.register.change.membership import opt_out
from app.register.patron.numbers import NumberNotReserved, NumberWasIssued, reserve_series
from app.register.patron.patrons import activate_card, list_affiliations
from app.register.store.transaction import db
from app.register.tables.library import LibraryNotice
from app.register.tables.messages import Message
from app.register.tables.patrons import Patron
from app.rules.card.number import NotACardNumber
from app.rules.card.status import CardRefused
from app.rules.people.contact import Contact, ContactNotValid
from app.rules.people.national_id import parse_national_id
from app.rules.people.person import PersonNotValid
from tests.register.people import GUARDIAN, MULLSJO, ULLENSAKER, count_rows, patron_id, read_register

NUMBER = parse_national_id("01831050027", today=date(2026, 11, 22), allow_synthetic=True)
TUVA = {
    "library_id": ULLENSAKER,
    "name": " Tuva  Moen ",
    "birth_date": date(2003, 3, 1),
    "gender": "female",
    "contact": Contact(email="tuva@example.org", phone="999 00 077", preferred_contact="email"),
    "language": "nn",
    "national_id": NUMBER,
    "guardian_consent": False,
    "card_number": None,
}
CHILD = {"birth_date": date(2018, 6, 1), "contact": Contact(), "national_id": None}


@pytest.fixture
def enrol(clock):
    def enrol(**changes):
        enrolled = enrol_patron(**TUVA | {"now": clock()} | changes)
        db.session.commit()
        return enrolled

    return enrol


def read_patron(number):
    return db.session.scalars(select(Patron).where(Patron.card_number == number)).one()


def test_somebody_new_gets_a_card_here_and_the_library_is_told(enrol):
    enrolled = enrol()
    patron = read_patron(enrolled.card_number)
    assert (patron.id, patron.name, patron.language) == (enrolled.patron_id, "Tuva Moen", "nn")
    assert (patron.phone, patron.home_library_id, patron.local_to) == ("+4799900077", ULLENSAKER, None)
    assert list(list_affiliations(patron_ids=[patron.id])[patron.id]) == [ULLENSAKER]
    notices = db.session.execute(
        select(LibraryNotice.library_id, LibraryNotice.kind).where(LibraryNotice.patron_id == patron.id)
    )
    assert notices.all() == [(ULLENSAKER, "joined")]


def test_the_number_that_is_drawn_comes_from_no_librarys_series(enrol):
    assert enrol().card_number < "N500000000"


def test_a_welcome_is_asked_for_where_there_is_a_way_to_send_it(enrol):
    enrolled = enrol()
    asked = db.session.execute(select(Message.kind).where(Message.patron_id == enrolled.patron_id)).scalars().all()
    assert asked == ["welcome"]
    child = enrol(**CHILD, guardian_consent=True)
    assert not db.session.scalar(select(Message.id).where(Message.patron_id == child.patron_id))


def test_the_same_person_has_one_card_wherever_they_come(enrol):
    first = enrol()
    with pytest.raises(AlreadyRegistered) as refused:
        enrol(library_id=MULLSJO, name="T. Moen")
    assert refused.value.patron_id == first.patron_id
    assert "01831050027" not in repr(vars(refused.value)) + repr(refused.value.args)


def test_two_desks_that_enrol_one_person_at_once_make_one_patron(app, clock):
    before = count_rows("patrons")
    gate, outcomes = threading.Barrier(4), []

    def enrol_at(library_id):
        with app.app_context():
            gate.wait()
            try:
                outcome = enrol_patron(**TUVA | {"library_id": library_id}, now=clock()).patron_id
                db.session.commit()
            except AlreadyRegistered as known:
                outcome = -known.patron_id
            outcomes.append(outcome)
            db.session.remove()

    desks = [threading.Thread(target=enrol_at, args=(library,)) for library in (ULLENSAKER, MULLSJO) * 2]
    for desk in desks:
        desk.start()
    for desk in desks:
        desk.join()
    assert count_rows("patrons") == before + 1
    (new,) = [outcome for outcome in outcomes if outcome > 0]
    assert sorted(outcomes) == [-new] * 3 + [new]


def test_nothing_is_left_of_an_enrolment_that_lost_the_race(app, clock, monkeypatch):
    enrol_patron(**TUVA, now=clock())
    db.session.commit()
    # The other desk's work is committed between the look and the write.
    answers = iter([None])
    find = "app.register.change.enrolment.find_by_national_id"
    monkeypatch.setattr(find, lambda number: next(answers, patron_id_of_tuva()))
    before = read_register()
    with pytest.raises(AlreadyRegistered):
        enrol_patron(**TUVA, now=clock())
    db.session.commit()
    assert read_register() == before


def patron_id_of_tuva():
    return db.session.scalar(select(Patron.id).where(Patron.name == "Tuva Moen"))


def test_a_child_needs_a_guardians_consent_which_is_noted(enrol, clock):
    with pytest.raises(ConsentMissing):
        enrol(**CHILD)
    enrolled = enrol(**CHILD, guardian_consent=True)
    assert read_patron(enrolled.card_number).guardian_consent_at == clock()


@pytest.mark.parametrize(("born", "needed"), [(date(2011, 11, 22), False), (date(2011, 11, 23), True)])
def test_the_age_is_that_of_the_library_and_counts_to_the_day(enrol, born, needed):
    if needed:
        with pytest.raises(ConsentMissing):
            enrol(birth_date=born)
    else:
        assert read_patron(enrol(birth_date=born, guardian_consent=True).card_number).guardian_consent_at is None


def test_a_consent_may_be_noted_later_and_the_first_one_stays(enrol, clock):
    enrolled = enrol()
    first = clock()
    for _ in range(2):
        note_guardian_consent(patron_id=enrolled.patron_id, now=clock())
        db.session.commit()
        clock.turn(days=1)
    patron = read_patron(enrolled.card_number)
    assert (patron.guardian_consent_at, patron.version) == (first, 2)


def test_a_library_may_give_a_number_that_it_reserved(enrol, clock):
    series = reserve_series(library_id=ULLENSAKER, count=2, now=clock())
    assert enrol(card_number=f" {series.first.lower()} ").card_number == series.first
    with pytest.raises(NumberWasIssued):
        enrol(card_number=series.first, national_id=None)
    db.session.rollback()
    with pytest.raises(NumberNotReserved):
        enrol(card_number=series.last, national_id=None, library_id=MULLSJO)


def test_a_number_that_nobody_reserved_is_not_given(enrol):
    with pytest.raises(NumberNotReserved):
        enrol(card_number="N000106188")
    with pytest.raises(NotACardNumber):
        enrol(card_number="106188")


def test_what_cannot_be_right_is_refused_before_anything_is_written(enrol):
    before = read_register()
    with pytest.raises(PersonNotValid):
        enrol(name="", birth_date=date(2030, 1, 1))
    with pytest.raises(ContactNotValid):
        enrol(contact=Contact(email="tuva", preferred_contact="email"))
    db.session.rollback()
    assert read_register() == before


def test_a_local_card_is_not_activated_at_another_library(clock):
    patron = patron_id(GUARDIAN)
    opt_out(patron_id=patron, library_id=ULLENSAKER, now=clock())
    with pytest.raises(CardRefused):
        activate_card(patron_id=patron, library_id=MULLSJO, now=clock())
    activate_card(patron_id=patron, library_id=ULLENSAKER, now=clock())
