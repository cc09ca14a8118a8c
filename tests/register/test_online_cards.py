"""Cards for the young, what was only said of somebody, and activating online."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import select, update

from app.register.change.enrolment import ConsentMissing, activate_here, note_guardian_consent
from app.register.desk.patron_view import view_patron
from app.register.online.online_cards import (
    NoChild,
    NotActivatedOnline,
    NotAnAdult,
    NotFinished,
    activate_online,
    check_adult,
    find_own_card,
)
from app.register.online.registrations import CHILD, Form, SamePerson, name_child, note_guardian
from app.register.patron.patrons import activate_card, find_by_national_id, list_affiliations
from app.register.store.transaction import db
from app.register.tables.library import Library
from app.register.tables.patrons import FamilyPermission, Patron
from tests.register.people import CHILD as YOUNG_CARD
from tests.register.people import MULLSJO, ULLENSAKER, patron_id
from tests.register.test_registrations import ANNE, EMIL, FILLED_IN, LARS, MINA, TOLD, YOUNG, begin, half, make

__all__ = ["begin", "make"]

# --- the young, and their guardians ---


def test_a_guardian_gets_a_child_a_card_and_no_right_to_look(begin, make, clock):
    handle = begin(LARS, kind=CHILD, form=Form(), **FILLED_IN)
    name_child(handle=handle, national_id=EMIL, name="Emil Dahl", birth_date=date(2017, 6, 3), now=clock())
    db.session.commit()
    made = make(handle)
    child = db.session.get_one(Patron, made.patron_id)
    assert (child.name, child.guardian_consent_at, child.stated_at) == ("Emil Dahl", clock(), clock())
    assert find_by_national_id(EMIL) == child.id
    assert find_by_national_id(LARS) is None
    assert not db.session.scalars(select(FamilyPermission.id)).all()


def test_after_one_child_comes_the_next(begin, make, clock):
    handle = begin(LARS, kind=CHILD, form=Form(), **FILLED_IN)
    name_child(handle=handle, national_id=EMIL, name="Emil Dahl", birth_date=date(2017, 6, 3), now=clock())
    make(handle)
    again = half(begin(LARS, kind=CHILD, form=Form()), clock)
    assert (again.knows_child, again.patron_id, again.form.name) == (False, None, "")


def test_nobody_is_their_own_child(begin, clock):
    handle = begin(LARS, kind=CHILD, form=Form())
    with pytest.raises(SamePerson):
        name_child(handle=handle, national_id=LARS, name="Lars", birth_date=date(2017, 6, 3), now=clock())


def test_a_guardian_gets_no_card_for_somebody_who_is_old_enough(begin, make, clock):
    handle = begin(LARS, kind=CHILD, form=Form(), **FILLED_IN)
    name_child(handle=handle, national_id=ANNE, name="Anne Dahl", birth_date=date(2011, 11, 22), now=clock())
    with pytest.raises(NoChild):
        make(handle)


def test_a_young_person_waits_for_a_guardian_under_the_age_limit_of_the_library(begin, make, clock):
    handle = begin(MINA, form=YOUNG, **FILLED_IN)
    with pytest.raises(NotFinished):
        make(handle)
    db.session.rollback()
    with pytest.raises(SamePerson):
        note_guardian(handle=handle, national_id=MINA, now=clock())
    db.session.rollback()
    note_guardian(handle=handle, national_id=LARS, now=clock())
    db.session.commit()
    patron = db.session.get_one(Patron, make(handle).patron_id)
    assert (patron.name, patron.guardian_consent_at, patron.stated_at) == ("Mina Berg", clock(), None)


def test_from_the_limit_on_a_young_person_does_it_alone(begin, make, clock):
    db.session.execute(update(Library).where(Library.id == ULLENSAKER).values(consent_age=14))
    db.session.commit()
    patron = db.session.get_one(Patron, make(begin(MINA, form=YOUNG, **FILLED_IN)).patron_id)
    assert patron.guardian_consent_at is None


def test_a_guardian_is_of_age_where_the_service_tells(clock):
    check_adult(birth_date=date(2008, 11, 22), now=clock())
    check_adult(birth_date=None, now=clock())
    with pytest.raises(NotAnAdult):
        check_adult(birth_date=date(2008, 11, 23), now=clock())


# --- what was only said gives way to what is proved ---


@pytest.fixture
def stated(begin, make, clock):
    """A card that a guardian got for somebody with Mina's number."""
    handle = begin(LARS, kind=CHILD, form=Form(), **FILLED_IN)
    name_child(handle=handle, national_id=MINA, name="Mina Berg", birth_date=date(2012, 3, 17), now=clock())
    db.session.commit()
    return make(handle).patron_id


def test_a_number_that_a_guardian_typed_is_taken_off_the_card_when_its_owner_proves_it(stated, begin, make, clock):
    assert find_by_national_id(MINA) == stated
    assert find_own_card(national_id=MINA) is None
    db.session.commit()
    handle = begin(MINA, form=YOUNG, **FILLED_IN)
    note_guardian(handle=handle, national_id=LARS, now=clock())
    own = make(handle).patron_id
    assert own != stated
    assert find_by_national_id(MINA) == own


def test_a_card_whose_name_its_owner_typed_stays_theirs_and_marked(begin, make, clock):
    handle = begin(form=replace(TOLD, stated=True, name_verified=False), **FILLED_IN)
    patron_id = make(handle).patron_id
    holder = find_own_card(national_id=ANNE)
    assert holder is not None
    assert holder.patron_id == patron_id
    assert db.session.get_one(Patron, patron_id).stated_at == clock()


def test_a_desk_is_told_to_look_at_papers_until_one_has(stated, clock):
    def is_stated() -> bool:
        return view_patron(patron_id=stated, library_id=ULLENSAKER, in_full=False, now=clock()).is_stated

    assert is_stated()
    activate_here(patron_id=stated, library_id=ULLENSAKER, guardian_consent=False, now=clock())
    assert not is_stated()


def test_a_number_that_a_desk_has_seen_papers_for_stays_on_that_card(stated, clock):
    activate_card(patron_id=stated, library_id=ULLENSAKER, now=clock())
    holder = find_own_card(national_id=MINA)
    assert holder is not None
    assert holder.patron_id == stated


# --- activating online ---


def test_a_library_that_allows_it_is_joined_online_and_another_is_not(begin, make, clock):
    made = make(begin(**FILLED_IN))
    activate_online(patron_id=made.patron_id, library_id=MULLSJO, now=clock())
    db.session.commit()
    assert list(list_affiliations(patron_ids=[made.patron_id])[made.patron_id]) == [MULLSJO]
    for library_id in (ULLENSAKER, "nowhere"):
        with pytest.raises(NotActivatedOnline):
            activate_online(patron_id=made.patron_id, library_id=library_id, now=clock())


def test_a_card_whose_papers_nobody_has_seen_is_activated_at_a_desk_first(stated, clock):
    with pytest.raises(NotActivatedOnline):
        activate_online(patron_id=stated, library_id=MULLSJO, now=clock())
    activate_card(patron_id=stated, library_id=ULLENSAKER, now=clock())
    activate_online(patron_id=stated, library_id=MULLSJO, now=clock())


def test_a_child_without_a_guardians_consent_is_activated_at_a_desk(clock):
    child = patron_id(YOUNG_CARD)
    with pytest.raises(ConsentMissing):
        activate_online(patron_id=child, library_id=MULLSJO, now=clock())
    note_guardian_consent(patron_id=child, now=clock())
    activate_online(patron_id=child, library_id=MULLSJO, now=clock())
