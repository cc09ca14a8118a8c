"""Where a card counts: opting out, coming back, and leaving one library."""

import pytest
from sqlalchemy import select

from app.register.card.families import give_permission
from app.register.change.membership import LastLibrary, end_affiliation, opt_out, upgrade_to_national
from app.register.keys.vault import vault
from app.register.patron.changes import NUMBER_COLUMN
from app.register.patron.patrons import NotJoined, list_affiliations
from app.register.store.transaction import db
from app.register.tables.library import LibraryNotice
from app.register.tables.patrons import FamilyPermission, Patron
from tests.register.people import AT_MULLSJO, CHILD, GUARDIAN, MULLSJO, ULLENSAKER, patron_id


@pytest.fixture
def guardian():
    return patron_id(GUARDIAN)


def standing(patron):
    db.session.expire_all()
    found = db.session.get_one(Patron, patron)
    return found.local_to, found.home_library_id, list(list_affiliations(patron_ids=[patron])[patron])


@pytest.fixture
def told(guardian):
    """Return what libraries are told from here on: library, kind and the former number."""
    known = set(db.session.scalars(select(LibraryNotice.id)))
    db.session.rollback()

    def read():
        rows = db.session.scalars(select(LibraryNotice).order_by(LibraryNotice.id)).all()
        return [
            (
                row.library_id,
                row.kind,
                row.sealed_number and vault.open(row.sealed_number, column=NUMBER_COLUMN).decode(),
            )
            for row in rows
            if row.id not in known
        ]

    return read


def test_who_opts_out_has_a_card_of_one_library_and_the_others_are_told(guardian, told, clock):
    opt_out(patron_id=guardian, library_id=MULLSJO, now=clock())
    db.session.commit()
    assert standing(guardian) == (MULLSJO, MULLSJO, [MULLSJO])
    assert told() == [(ULLENSAKER, "left", GUARDIAN), (MULLSJO, "changed", None)]


def test_opting_out_twice_is_the_same_as_once(guardian, told, clock):
    for _ in range(2):
        opt_out(patron_id=guardian, library_id=MULLSJO, now=clock())
        db.session.commit()
    assert len(told()) == 2


def test_permissions_in_the_family_folder_outlive_an_opt_out(guardian, clock):
    child = patron_id(CHILD)
    give_permission(patron_id=child, guardian_card_number=GUARDIAN, now=clock())
    opt_out(patron_id=guardian, library_id=MULLSJO, now=clock())
    opt_out(patron_id=child, library_id=ULLENSAKER, now=clock())
    db.session.commit()
    assert db.session.scalars(select(FamilyPermission.guardian_id)).all() == [guardian]


def test_nobody_opts_out_at_a_library_that_they_have_not_joined(clock):
    patron = patron_id(AT_MULLSJO)
    with pytest.raises(NotJoined):
        opt_out(patron_id=patron, library_id=ULLENSAKER, now=clock())
    assert standing(patron) == (None, MULLSJO, [MULLSJO])


def test_a_local_card_may_become_a_national_one(guardian, told, clock):
    opt_out(patron_id=guardian, library_id=MULLSJO, now=clock())
    for _ in range(2):
        upgrade_to_national(patron_id=guardian, now=clock())
        db.session.commit()
    assert standing(guardian) == (None, MULLSJO, [MULLSJO])
    assert told()[2:] == [(MULLSJO, "changed", None)]


def test_a_library_that_is_left_is_told_and_another_becomes_the_home(guardian, told, clock):
    end_affiliation(patron_id=guardian, library_id=ULLENSAKER, now=clock())
    db.session.commit()
    assert standing(guardian) == (None, MULLSJO, [MULLSJO])
    assert told() == [(ULLENSAKER, "left", GUARDIAN), (MULLSJO, "changed", None)]


def test_leaving_another_library_than_home_keeps_the_home(guardian, clock):
    end_affiliation(patron_id=guardian, library_id=MULLSJO, now=clock())
    db.session.commit()
    assert standing(guardian) == (None, ULLENSAKER, [ULLENSAKER])


def test_the_last_library_is_not_left_but_by_erasure(guardian, clock):
    end_affiliation(patron_id=guardian, library_id=ULLENSAKER, now=clock())
    db.session.commit()
    with pytest.raises(LastLibrary):
        end_affiliation(patron_id=guardian, library_id=MULLSJO, now=clock())
    with pytest.raises(NotJoined):
        end_affiliation(patron_id=guardian, library_id=ULLENSAKER, now=clock())


def test_every_change_counts_in_the_order_in_which_libraries_apply_them(guardian, clock):
    before = db.session.get_one(Patron, guardian).version
    opt_out(patron_id=guardian, library_id=MULLSJO, now=clock())
    upgrade_to_national(patron_id=guardian, now=clock())
    db.session.commit()
    versions = db.session.scalars(
        select(LibraryNotice.patron_version).where(LibraryNotice.patron_id == guardian).order_by(LibraryNotice.id)
    ).all()
    assert versions == sorted(set(versions))
    assert db.session.get_one(Patron, guardian).version == before + 3
