"""Getting a card online: gone on with by whoever identifies themself, made once, worth nothing anywhere yet."""

import secrets
import threading
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import exc, select, text

from app.register.change.enrolment import AlreadyRegistered, enrol_patron
from app.register.leaving.retention import purge_registrations
from app.register.online.online_cards import (
    NotFinished,
    make_card,
)
from app.register.online.registrations import (
    CHILD,
    OWN,
    Form,
    RegistrationGone,
    begin_registration,
    fill_in,
    find_registration,
    give_up,
)
from app.register.patron.patrons import activate_card, find_by_national_id, list_affiliations
from app.register.sign_in.pins import Origin, sign_in
from app.register.store.transaction import db
from app.register.tables.library import LibraryNotice
from app.register.tables.messages import Message
from app.register.tables.patrons import NationalIdToken, Patron, Registration
from app.rules.people.contact import Contact
from app.rules.people.national_id import NationalId, parse_national_id
from tests.register.people import MULLSJO, ULLENSAKER, count_rows, reading

TODAY = date(2026, 11, 22)


def number(digits: str) -> NationalId:
    return parse_national_id(digits, today=TODAY, allow_synthetic=True)


ANNE, LARS, EMIL, MINA = map(number, ("14859030085", "22898431049", "03861770027", "17831272090"))
_BOTH = {"name_verified": True, "birth_date_verified": True}
TOLD = Form(name="Anne Dahl", birth_date=date(1990, 5, 14), gender="female", **_BOTH)
YOUNG = Form(name="Mina Berg", birth_date=date(2012, 3, 17), gender="female", **_BOTH)
FILLED_IN = {"email": "anne@example.org", "library_id": ULLENSAKER, "confirmed_email": "anne@example.org"}
PIN = "7194"


@pytest.fixture
def begin(clock):
    def begin(national_id=ANNE, *, kind=OWN, form=TOLD, **filled_in):
        handle = begin_registration(national_id=national_id, kind=kind, form=form, now=clock())
        if filled_in:
            fill_in(handle=handle, now=clock(), **filled_in)
        db.session.commit()
        return handle

    return begin


@pytest.fixture
def make(clock):
    def make(handle, pin=PIN):
        made = make_card(handle=handle, pin=pin, now=clock())
        db.session.commit()
        return made

    return make


def half(handle, clock):
    found = find_registration(handle=handle, now=clock())
    db.session.rollback()
    assert found is not None
    return found


# --- going on ---


def test_somebody_who_identifies_themself_again_goes_on_where_they_were(begin, clock):
    first = begin(email="anne@example.org")
    second = begin()
    assert half(second, clock).form.email == "anne@example.org"
    assert find_registration(handle=first, now=clock()) is None
    assert count_rows("registrations") == 1


def test_what_the_service_tells_is_taken_anew_and_what_was_filled_in_stays(begin, clock):
    begin(**FILLED_IN)
    handle = begin(form=replace(TOLD, name="Anne Dahl Berg"))
    form = half(handle, clock).form
    assert (form.name, form.library_id) == ("Anne Dahl Berg", ULLENSAKER)


def test_what_was_typed_stays_where_the_service_tells_only_the_rest_again(begin, clock):
    told = Form(name="Anne Dahl", name_verified=True, stated=True)
    begin(form=told, birth_date=date(1990, 5, 14))
    form = half(begin(form=told), clock).form
    assert (form.name, form.birth_date, form.stated) == ("Anne Dahl", date(1990, 5, 14), True)
    assert not half(begin(form=TOLD), clock).form.stated


def test_a_card_of_ones_own_and_one_for_a_child_go_on_side_by_side(begin, clock):
    own, child = begin(), begin(kind=CHILD, form=Form())
    assert (half(own, clock).kind, half(child, clock).kind) == (OWN, CHILD)


def test_nothing_of_it_can_be_read_in_the_database(begin):
    begin(**FILLED_IN, phone="+4799900123", address="Storgata 2")
    with reading() as connection:
        row = repr(connection.execute(text("SELECT * FROM registrations")).one())
    for told in ("Anne", "anne@", "1990-05", "99900123", "Storgata", "14859030085", ULLENSAKER):
        assert told not in row


def test_a_handle_that_is_not_there_leads_nowhere(clock):
    assert find_registration(handle="", now=clock()) is None
    with pytest.raises(RegistrationGone):
        fill_in(handle="nothing", email="a@example.org", now=clock())


def test_a_day_later_nothing_is_left(begin, clock):
    handle = begin(**FILLED_IN)
    clock.turn(days=1)
    assert find_registration(handle=handle, now=clock()) is None
    db.session.rollback()
    assert purge_registrations(now=clock()) == 1
    db.session.commit()
    assert count_rows("registrations") == 0


def test_a_registration_that_was_begun_again_lasts_from_then_on(begin, clock):
    begin(**FILLED_IN)
    clock.turn(days=0.9)
    handle = begin()
    clock.turn(days=0.9)
    assert purge_registrations(now=clock()) == 0
    assert half(handle, clock).form.email == "anne@example.org"


def test_what_was_too_old_is_not_found_again(begin, clock):
    begin(**FILLED_IN)
    clock.turn(days=1, seconds=1)
    assert half(begin(), clock).form.email is None


def test_giving_up_deletes_it(begin):
    give_up(handle=begin(**FILLED_IN))
    db.session.commit()
    assert count_rows("registrations") == 0


# --- the card ---


def test_a_card_is_made_with_its_pin_and_is_activated_nowhere(begin, make, clock):
    made = make(begin(**FILLED_IN, phone="99900123"))
    patron = db.session.get_one(Patron, made.patron_id)
    assert (patron.name, patron.birth_date, patron.gender) == ("Anne Dahl", date(1990, 5, 14), "female")
    assert (patron.home_library_id, patron.stated_at, patron.guardian_consent_at) == (ULLENSAKER, None, None)
    assert list_affiliations(patron_ids=[patron.id]) == {patron.id: {}}
    assert not db.session.scalars(select(LibraryNotice.id).where(LibraryNotice.patron_id == patron.id)).all()
    assert not db.session.scalars(select(Message.id).where(Message.patron_id == patron.id)).all()
    assert find_by_national_id(ANNE) == patron.id
    db.session.rollback()
    origin = Origin(address="192.0.2.1")
    assert sign_in(card_number=made.card_number, pin=PIN, origin=origin, now=clock()) == made.patron_id


def test_the_first_desk_that_activates_it_tells_its_system(begin, make, clock):
    made = make(begin(**FILLED_IN))
    activate_card(patron_id=made.patron_id, library_id=MULLSJO, now=clock())
    notices = db.session.execute(
        select(LibraryNotice.library_id, LibraryNotice.kind).where(LibraryNotice.patron_id == made.patron_id)
    )
    assert notices.all() == [(MULLSJO, "joined")]


def test_to_finish_twice_makes_one_card_and_forgets_what_was_filled_in(begin, make):
    handle = begin(**FILLED_IN)
    assert make(handle) == make(handle, pin="8025")
    assert count_rows("registrations") == 1
    row = db.session.scalars(select(Registration)).one()
    assert row.patron_id is not None
    assert row.code_token is None


@pytest.mark.parametrize(
    "missing",
    [{"email": None}, {"library_id": ""}, {"confirmed_email": None}, {"confirmed_email": "other@example.org"}],
)
def test_nothing_is_made_while_something_is_missing(begin, make, missing):
    handle = begin(**FILLED_IN | missing)
    with pytest.raises(NotFinished):
        make(handle)
    db.session.rollback()
    assert not db.session.scalars(select(Patron.id).where(Patron.name == "Anne Dahl")).all()


def enrol_at_desk(national_id, clock, **changes):
    who = {
        "library_id": ULLENSAKER,
        "name": "Anne Dahl",
        "birth_date": date(1990, 5, 14),
        "gender": "female",
        "contact": Contact(),
        "language": "nb",
        "guardian_consent": False,
        "card_number": None,
    }
    enrolled = enrol_patron(**who | changes, national_id=national_id, now=clock())
    db.session.commit()
    return enrolled


def test_somebody_who_gets_a_card_at_a_desk_meanwhile_gets_no_second_one(begin, make, clock):
    handle = begin(**FILLED_IN)
    enrol_at_desk(ANNE, clock)
    with pytest.raises(AlreadyRegistered):
        make(handle)


def test_a_hundred_who_press_at_once_get_one_card(app, begin, clock, engine):
    handle = begin(**FILLED_IN)
    made, faults, together = [], [], threading.Barrier(100)

    def press():
        def make():
            made.append(make_card(handle=handle, pin=PIN, now=clock()))
            db.session.commit()

        with app.app_context():
            together.wait()
            try:
                press_again_until_there_is_a_connection(make)
            except Exception as error:
                faults.append(error)
            finally:
                db.session.remove()

    run([press] * 100)
    assert not faults
    assert len(made) == 100
    assert len(set(made)) == 1
    assert len(db.session.scalars(select(Patron.id).where(Patron.name == "Anne Dahl")).all()) == 1


def test_a_hundred_who_come_from_the_beginning_at_once_get_one_card(app, clock, engine):
    outcomes, together = [], threading.Barrier(100)

    def come():
        def register():
            handle = begin_registration(national_id=ANNE, kind=OWN, form=TOLD, now=clock())
            fill_in(handle=handle, now=clock(), **FILLED_IN)
            db.session.commit()
            make_card(handle=handle, pin=PIN, now=clock())
            db.session.commit()
            outcomes.append("made")

        with app.app_context():
            together.wait()
            try:
                press_again_until_there_is_a_connection(register)
            except (RegistrationGone, NotFinished, AlreadyRegistered) as refusal:
                outcomes.append(refusal.code)
            finally:
                db.session.remove()

    run([come] * 100)
    assert len(outcomes) == 100, outcomes
    assert "made" in outcomes
    assert len(db.session.scalars(select(Patron.id).where(Patron.name == "Anne Dahl")).all()) == 1
    assert len(db.session.scalars(select(NationalIdToken.token)).all()) == 8


def press_again_until_there_is_a_connection(act):
    """Do it as somebody who is told, after two seconds without a connection, to try again."""
    while True:
        try:
            return act()
        except exc.TimeoutError:
            db.session.remove()


def run(jobs):
    threads = [threading.Thread(target=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_handles_are_long_and_none_comes_twice(begin):
    handles = {begin(number) for number in (ANNE, LARS)} | {begin()}
    assert len(handles) == 3
    assert all(len(handle) >= len(secrets.token_urlsafe(32)) for handle in handles)
