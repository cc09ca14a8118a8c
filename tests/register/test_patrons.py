"""Patrons: what is kept of them, and that a national number is not."""

from datetime import date

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from app.demo.accounts import DESKS, MACHINES, PATRONS
from app.register.keys.vault import vault
from app.register.patron.numbers import NumberWasIssued
from app.register.patron.patrons import activate_card, get_patron, list_affiliations, register_patron
from app.register.store.transaction import db
from app.register.tables.patrons import NationalIdToken, Patron
from app.rules.people.contact import Contact
from app.rules.people.national_id import parse_national_id
from tests.register.people import AT_MULLSJO, GUARDIAN, MULLSJO, ULLENSAKER, count_rows, patron_id, read_register

NUMBER = parse_national_id("01831050027", today=date(2026, 11, 22), allow_synthetic=True)


@pytest.fixture
def register(clock):
    def register(*, card_number="N000900001", national_id=NUMBER, **changes):
        new_id = register_patron(
            **{
                "card_number": card_number,
                "name": "Tuva Moen",
                "birth_date": date(2010, 3, 1),
                "gender": "unknown",
                "home_library_id": ULLENSAKER,
                "contact": Contact(email="tuva@example.org", preferred_contact="email"),
                "national_id": national_id,
                "now": clock(),
            }
            | changes
        ).id
        db.session.commit()
        return new_id

    return register


def test_a_new_patron_belongs_to_the_home_library_from_the_start(register):
    shown = get_patron(patron_id=register())
    assert (shown.name, shown.card_number, shown.home_library) == ("Tuva Moen", "N000900001", "Ullensaker bibliotek")
    assert list_affiliations(patron_ids=[shown.id]) == {shown.id: {ULLENSAKER: "Ullensaker bibliotek"}}


def test_a_national_number_is_kept_as_a_keyed_token_and_in_no_other_way(register):
    new = register()
    token = db.session.scalars(select(NationalIdToken.token).where(NationalIdToken.patron_id == new)).one()
    assert token == vault.token(purpose="national id", text="NO:01831050027")
    db.session.rollback()
    assert "01831050027" not in repr(read_register())


def test_birth_date_and_gender_are_what_was_said_and_not_what_a_number_seems_to_say(register):
    new = register(birth_date=date(1950, 12, 24), gender="male")
    patron = db.session.get_one(Patron, new)
    assert (patron.birth_date, patron.gender) == (date(1950, 12, 24), "male")


def test_one_national_number_has_one_card(register):
    register()
    with pytest.raises(IntegrityError, match="national_id_tokens"):
        register(card_number="N000900002")
    db.session.rollback()


def test_somebody_without_a_national_number_gets_a_card_too(register):
    assert get_patron(patron_id=register(national_id=None)).card_number == "N000900001"


def test_no_card_number_is_given_twice(register):
    with pytest.raises(NumberWasIssued):
        register(card_number=GUARDIAN)


@pytest.mark.parametrize("wrong", [{"gender": "x"}, {"contact": Contact(preferred_contact="pigeon")}])
def test_the_database_itself_refuses_what_no_field_may_hold(register, wrong):
    with pytest.raises(IntegrityError, match="ck_patrons"):
        register(**wrong)
    db.session.rollback()


def test_activating_a_card_twice_is_the_same_as_once(clock):
    patron = patron_id(AT_MULLSJO)
    for _ in range(2):
        activate_card(patron_id=patron, library_id=ULLENSAKER, now=clock())
        db.session.commit()
    assert list(list_affiliations(patron_ids=[patron])[patron]) == [MULLSJO, ULLENSAKER]


def test_with_a_patron_goes_everything_that_was_theirs(register):
    new = register()
    before = count_rows("national_id_tokens"), count_rows("affiliations")
    with db.engine.begin() as connection:
        connection.execute(text("DELETE FROM patrons WHERE id = :id"), {"id": new})
    assert (count_rows("national_id_tokens"), count_rows("affiliations")) == (before[0] - 1, before[1] - 1)


def test_a_dump_of_the_database_gives_back_no_number_password_or_secret():
    dump = repr(read_register())
    assert PATRONS[0].name in dump
    for secret in (
        *(patron.national_id for patron in PATRONS),
        *(machine.password for machine in MACHINES),
        *(desk.password for desk in DESKS),
        *(desk.totp_secret for desk in DESKS),
    ):
        assert secret not in dump
