"""Looking a patron up: two criteria, few hits, little told, and each look written down first."""

from datetime import date

import pytest
from sqlalchemy import select, text, update

from app.demo.accounts import PATRONS
from app.register.change.freezing import freeze_card
from app.register.desk.lookup import Criteria, CriteriaNotValid, TooLittleToGoBy, TooManyAlike, look_up
from app.register.limits.budgets import TooManyAttempts
from app.register.log.access_log import AccessNotLogged, Viewer
from app.register.patron.patrons import register_patron
from app.register.store.transaction import db
from app.register.tables.log import AccessLogEntry
from app.register.tables.patrons import AttemptCount, Patron
from app.rules.people.ages import AgeBand
from app.rules.people.contact import Contact
from tests.register.counting import statements_sent
from tests.register.people import AT_MULLSJO, CHILD, GUARDIAN, MULLSJO, TEEN, ULLENSAKER, patron_id, reading

AT = {library: Viewer(role="staff", actor=f"desk-{library}", library_id=library) for library in (ULLENSAKER, MULLSJO)}
BORN = {patron.card_number: patron.birth_date(date(2026, 11, 22)) for patron in PATRONS}


@pytest.fixture
def find(clock):
    def find(library_id=ULLENSAKER, **criteria):
        return look_up(criteria=Criteria(**criteria), viewer=AT[library_id], library_id=library_id, now=clock())

    return find


def names(found):
    return [hit.name for hit in found.hits]


def looks():
    with reading() as connection:
        rows = connection.execute(select(AccessLogEntry).order_by(AccessLogEntry.id))
        return [(row.patron_id, row.library_id, row.role, row.actor, row.purpose, row.fields) for row in rows]


@pytest.mark.parametrize(
    "criteria",
    [
        {"name": "solvang ingr", "birth_date": BORN[GUARDIAN]},
        {"name": "Ingrid", "phone": "999 00 001"},
        {"name": "Ingrid", "phone": "+47 99900001"},
        {"name": "Ingrid", "email": "Guardian@Example.org"},
        {"card_number": "000100001", "name": "solvang"},
        {"card_number": "n 000 100 001", "birth_date": BORN[GUARDIAN]},
        {"email": "guardian@example.org", "phone": "99900001"},
        {"postcode": " 2050 ", "name": "INGRID"},
        {"postcode": "2050", "birth_date": BORN[GUARDIAN], "name": "sólvang", "phone": "99900001"},
    ],
)
def test_two_criteria_that_fit_find_the_patron(find, criteria):
    assert names(find(**criteria)) == ["Ingrid Solvang"]


def test_a_family_at_one_postcode_is_found_together(find):
    assert names(find(name="solvang", postcode="2050")) == ["Ingrid Solvang", "Jonas Solvang", "Nora Solvang"]


def test_a_swedish_postcode_is_the_same_with_and_without_its_space(find):
    for postcode in ("565 31", "56531"):
        assert names(find(MULLSJO, name="Åsa", postcode=postcode)) == ["Åsa Lindqvist"]


@pytest.mark.parametrize(
    "criteria",
    [
        {"name": "Ingrid", "birth_date": date(1990, 1, 1)},
        {"name": "Per", "phone": "99900001"},
        {"card_number": GUARDIAN, "postcode": "0001"},
        {"email": "guardian@example.org", "birth_date": BORN[CHILD]},
    ],
)
def test_all_that_is_given_must_fit(find, criteria):
    found = find(**criteria)
    assert (found.hits, found.more) == ((), False)
    assert looks() == []


@pytest.mark.parametrize(
    "criteria",
    [{}, {"name": "Ingrid"}, {"name": "Ingrid Solvang"}, {"birth_date": BORN[GUARDIAN]}, {"card_number": GUARDIAN},
     {"email": "guardian@example.org", "name": " - "}, {"postcode": "2050", "name": ""}],
)  # fmt: skip
def test_one_criterion_is_too_little_and_so_is_a_name_alone(find, criteria):
    with pytest.raises(TooLittleToGoBy):
        find(**criteria)
    assert looks() == []


def test_what_cannot_be_an_address_is_said_to_be_wrong_by_field(find):
    with pytest.raises(CriteriaNotValid) as refused:
        find(name="Ingrid", email="guardian", phone="12", card_number="N1")
    assert set(refused.value.fields) == {"email", "phone", "card_number"}


def test_of_somebody_who_has_not_joined_only_the_minimum_is_told(find):
    (hit,) = find(name="Lindqvist", birth_date=BORN[AT_MULLSJO]).hits
    assert (hit.age_band, hit.home_library, hit.activated_here) == (AgeBand.ADULT, "Mullsjö bibliotek", False)
    assert (hit.birth_date, hit.place) == (None, None)
    (hit,) = find(MULLSJO, name="Lindqvist", birth_date=BORN[AT_MULLSJO]).hits
    assert (hit.activated_here, hit.birth_date, hit.place) == (True, BORN[AT_MULLSJO], "Mullsjö")


def test_of_somebody_who_froze_the_card_only_the_minimum_is_told(find, clock):
    freeze_card(patron_id=patron_id(GUARDIAN), now=clock())
    db.session.commit()
    (hit,) = find(name="Ingrid", phone="99900001").hits
    assert (hit.activated_here, hit.birth_date, hit.place) == (True, None, None)


def test_every_hit_is_written_down_with_what_was_told(find):
    find(name="Lindqvist", birth_date=BORN[AT_MULLSJO])
    find(name="Nora", email="teen@example.org")
    stranger = (5, ULLENSAKER, "staff", "desk-2023500", "look-up", "name, age band, home library")
    ours = (3, ULLENSAKER, "staff", "desk-2023500", "look-up", "name, birth date, place, home library")
    assert looks() == [stranger, ours]


def test_without_a_log_nothing_is_told(find):
    with db.engine.begin() as connection:
        connection.execute(text("ALTER TABLE access_log RENAME TO access_log_that_is_full"))
    with pytest.raises(AccessNotLogged):
        find(name="Nora", email="teen@example.org")


@pytest.fixture
def crowd(clock):
    """Thirty people of one family name and birthday, of whom the first are the library's own."""
    for number in range(30):
        register_patron(
            name=f"Kim {chr(65 + number % 26)}{number} Berg",
            birth_date=date(1980, 1, 1),
            gender="unknown",
            home_library_id=ULLENSAKER if number < 3 else MULLSJO,
            contact=Contact(),
            national_id=None,
            now=clock(),
        )
    db.session.commit()


@pytest.mark.usefixtures("crowd")
def test_of_many_twenty_are_shown_the_librarys_own_first_and_the_rest_is_said_to_be_there(find):
    found = find(name="berg", birth_date=date(1980, 1, 1))
    assert (len(found.hits), found.more) == (20, True)
    assert [hit.activated_here for hit in found.hits] == [True] * 3 + [False] * 17
    assert len(looks()) == 20
    assert not find(name="berg b1", birth_date=date(1980, 1, 1)).more


@pytest.mark.usefixtures("crowd")
def test_who_gives_what_fits_half_the_country_is_asked_for_more(find, monkeypatch):
    monkeypatch.setattr("app.register.desk.lookup.MOST_ROWS", 29)
    with pytest.raises(TooManyAlike):
        find(name="berg", birth_date=date(1980, 1, 1))
    assert looks() == []


def test_a_staff_member_looks_up_three_hundred_times_an_hour(find, clock):
    find(name="Nora", email="teen@example.org")
    with reading() as connection:
        connection.execute(update(AttemptCount).values(taken=300))
    with pytest.raises(TooManyAttempts):
        find(name="Nora", email="teen@example.org")
    assert names(find(MULLSJO, name="Åsa", postcode="56531")) == ["Åsa Lindqvist"]
    clock.turn(seconds=3600)
    assert names(find(name="Nora", email="teen@example.org")) == ["Nora Solvang"]


@pytest.mark.usefixtures("crowd")
def test_a_look_up_asks_as_often_however_many_it_finds(find):
    crowd, one = {"name": "berg", "birth_date": date(1980, 1, 1)}, {"name": "Nora", "email": "teen@example.org"}
    # The budget is read and taken, then come the names, the rows of those who have it, and the log; patrons of other
    # libraries are counted by hour, and against a budget by day.
    for criteria, asked in ((crowd, 5 + 3), (one, 5)):
        with statements_sent(db.engine) as statements:
            find(**criteria)
        assert len(statements) == asked


def test_every_criterion_but_the_name_has_an_index():
    indexed = {column.name for index in Patron.__table__.indexes for column in list(index.columns)[:1]}
    assert indexed | {"card_number"} >= {"birth_date", "phone", "email", "postcode", "card_number"}


def test_a_hidden_person_is_found_by_what_is_stored_and_the_teen_by_her_own(find):
    assert names(find(name="Kari", phone="999 00 006")) == ["Kari Lunde"]
    assert names(find(name="Nora", birth_date=BORN[TEEN])) == ["Nora Solvang"]
