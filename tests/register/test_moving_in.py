"""Moving in: each row of a library's file once, told by line; of strangers nothing."""

from datetime import date

import pytest
from sqlalchemy import select

from app.register.card.cards import report_lost
from app.register.change.freezing import freeze_card
from app.register.moving import imports
from app.register.moving.imports import (
    HERE,
    NEW,
    PERSON,
    REFUSED,
)
from app.register.moving.known import list_asking
from app.register.patron.numbers import reserve_series
from app.register.patron.patrons import find_by_national_id, list_affiliations
from app.register.store.transaction import db, writing
from app.register.tables.messages import Message
from app.register.tables.patrons import Patron
from app.rules.people.national_id import parse_national_id
from tests.register.moving import NUMBER, TUVA, enrol, lines_of, work_through
from tests.register.people import MULLSJO, ULLENSAKER, count_rows


def test_a_row_becomes_a_patron_of_the_library_without_a_pin(move_in):
    before = count_rows("patrons")
    told, done = move_in(TUVA)
    assert told == done == {2: (NEW, "")}
    assert count_rows("patrons") == before + 1
    patron = db.session.scalars(select(Patron).order_by(Patron.id.desc())).first()
    assert (patron.name, patron.birth_date, patron.phone) == ("Tuva Moen", date(2003, 3, 1), "+4799900077")
    assert list(list_affiliations(patron_ids=[patron.id])[patron.id]) == [ULLENSAKER]
    assert patron.awaits_first_link
    assert patron.proven_email is None


def test_checking_adds_nobody(upload, rules):
    before = count_rows("patrons"), count_rows("messages")
    import_id = upload(TUVA)
    work_through(rules())
    assert lines_of(import_id) == {2: (NEW, "")}
    assert (count_rows("patrons"), count_rows("messages")) == before


def test_a_file_that_is_imported_twice_adds_nobody(move_in):
    rows = [TUVA, "1002;Ola Lie;1980-05-05;;;ola@example.org;;;;", ";Per Dal;1981-05-05;;;per@example.org;;;;"]
    assert {outcome for outcome, _why in move_in(*rows)[1].values()} == {NEW}
    before = count_rows("patrons"), count_rows("messages")
    told, done = move_in(*rows)
    assert {outcome for outcome, _why in told.values()} == {HERE}
    assert told == done
    assert (count_rows("patrons"), count_rows("messages")) == before


def test_each_bad_row_is_told_by_line_and_costs_no_good_one(move_in):
    told, done = move_in(
        TUVA,
        "1002;;1980-05-05;;;;;;;",
        "1003;Ola Lie;05.05.80;;;;;;;",
        "1004;Ola Lie;1980-05-05;01831050028;12;ola@;;;;",
        "1005;Too few",
        "1006;Per Dal;1981-05-05;;;;;;;",
    )
    assert told == done
    assert done == {
        2: (NEW, ""),
        3: (REFUSED, "name:missing"),
        4: (REFUSED, "birth_date:short-year"),
        5: (REFUSED, "email:not-valid phone:not-valid national_id:not-valid"),
        6: (REFUSED, "row:not-valid"),
        7: (NEW, ""),
    }


def test_two_rows_with_one_number_are_one_patron(move_in):
    told, done = move_in(TUVA, TUVA.replace("1001", "1002"), "1001;Ola Lie;1980-05-05;;;;;;;")
    assert told == done == {2: (NEW, ""), 3: (REFUSED, "row:repeats:2"), 4: (REFUSED, "row:repeats:2")}


def test_a_stranger_is_told_as_somebody_new_and_asked_to_join(move_in, clock):
    known = enrol(clock)
    before = count_rows("patrons")
    told, done = move_in(TUVA)
    assert told == done == {2: (NEW, "")}
    assert count_rows("patrons") == before
    assert list(list_affiliations(patron_ids=[known.patron_id])[known.patron_id]) == [MULLSJO]
    assert db.session.get_one(Patron, known.patron_id).email == "elsewhere@example.org"
    kinds = db.session.scalars(select(Message.kind).where(Message.patron_id == known.patron_id)).all()
    assert kinds[-1] == "asked-to-join"
    assert list(list_asking(patron_id=known.patron_id)) == [ULLENSAKER]


def test_a_patron_of_the_library_stays_as_the_register_has_them(move_in, clock):
    known = enrol(clock, library_id=ULLENSAKER)
    assert move_in(TUVA)[1] == {2: (HERE, "")}
    assert db.session.get_one(Patron, known.patron_id).email == "elsewhere@example.org"


def test_the_same_name_and_birth_date_at_the_library_are_left_to_a_person(move_in, clock):
    enrol(clock, library_id=ULLENSAKER, national_id="")
    before = count_rows("patrons")
    assert move_in(TUVA.replace("Tuva Moen", "MOEN, Tuva"))[1] == {2: (PERSON, "")}
    assert count_rows("patrons") == before


def test_the_same_name_and_birth_date_further_down_in_the_file_are_told_by_the_check_too(move_in):
    others = [f"{2000 + each};Ola Lie{each};1980-05-05;;;;;;;" for each in range(imports.BATCH)]
    told, done = move_in(TUVA, "1002;MOEN, Tuva;2003-03-01;;;;;;;", *others, "1003;Tuva Moen;2003-03-01;;;;;;;")
    assert told == done
    assert [told[line] for line in (2, 3, imports.BATCH + 4)] == [(NEW, ""), (PERSON, ""), (PERSON, "")]


def test_the_same_name_and_birth_date_as_a_strangers_row_are_told_as_with_anybodys(move_in, clock):
    enrol(clock)
    others = [f"{2000 + each};Ola Lie{each};1980-05-05;;;;;;;" for each in range(imports.BATCH)]
    told, done = move_in(TUVA, *others, "1003;Tuva Moen;2003-03-01;;;;;;;")
    assert told == done
    assert done[imports.BATCH + 3] == (PERSON, "")


def test_the_same_name_and_birth_date_elsewhere_are_nobodys_business(move_in, clock):
    enrol(clock, national_id="")
    assert move_in(TUVA)[1] == {2: (NEW, "")}


def test_a_number_that_the_library_reserved_stays_on_the_card(move_in, clock):
    with writing():
        series = reserve_series(library_id=ULLENSAKER, count=10, now=clock())
    assert move_in(TUVA.replace("1001", series.first))[1] == {2: (NEW, "")}
    whose = find_by_national_id(parse_national_id(NUMBER, today=date(2026, 11, 22), allow_synthetic=True))
    assert db.session.get_one(Patron, whose).card_number == series.first
    said = move_in(f"{series.last};Ola Lie;1980-05-05;;;;;;;", f"{series.first};Per Dal;1981-05-05;;;;;;;")[1]
    assert said == {2: (NEW, ""), 3: (HERE, "")}


def test_a_national_number_of_a_card_finds_its_holder_only_with_name_and_birth_date(move_in, clock):
    known = enrol(clock, national_id="")
    before = count_rows("patrons")
    assert move_in(f"{known.card_number};Tuva Moen;2003-03-01;;;;;;;")[1] == {2: (NEW, "")}
    assert count_rows("patrons") == before
    assert move_in(f"{known.card_number};Ola Lie;1980-05-05;;;;;;;", library_id=MULLSJO)[1] == {2: (NEW, "")}
    assert count_rows("patrons") == before + 1


@pytest.mark.parametrize("act", [None, freeze_card, report_lost], ids=["in-use", "frozen", "lost"])
def test_the_count_of_messages_says_nothing_of_a_strangers_card(move_in, clock, act):
    known = enrol(clock)
    if act is not None:
        with writing():
            act(patron_id=known.patron_id, now=clock())
    move_in(TUVA, "1002;Ola Lie;1980-05-05;;;ola@example.org;;;;", "1003;Per Dal;1981-05-05;;;;;;;")
    (shown,) = imports.list_imports(library_id=ULLENSAKER)
    assert (shown.counts[NEW], shown.messages) == (3, 3)


def test_a_hidden_address_is_in_no_table(move_in):
    move_in(TUVA + "ja")
    patron = db.session.scalars(select(Patron).order_by(Patron.id.desc())).first()
    assert (patron.address, patron.postcode, patron.place, patron.address_hidden) == (None, None, None, True)


def test_a_child_needs_the_consent_that_the_library_vouches_for(move_in, clock):
    child = "1009;Liv Moen;2018-06-01;;;;;;;"
    assert move_in(child, consent=False)[1] == {2: (REFUSED, "birth_date:consent")}
    assert move_in(child)[1] == {2: (NEW, "")}
    assert db.session.scalar(select(Patron.guardian_consent_at).where(Patron.name == "Liv Moen")) == clock()


def test_messages_are_paced_by_day(move_in, clock):
    move_in(*(f"{2000 + each};Ola Lie{each};1980-05-05;;;ola{each}@example.org;;;;" for each in range(5)), by_day=2)
    due = db.session.scalars(select(Message.due_at).where(Message.kind == "moved-in").order_by(Message.id)).all()
    assert [(at - clock()).days for at in due] == [0, 0, 1, 1, 2]
