"""A frozen card: everything is kept, nothing is used, and its holder can thaw it."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.register.card.families import (
    NoSuchPermission,
    act_in_family,
    advise_older_children,
    give_permission,
    list_received,
    switch,
    view_family,
)
from app.register.card.scans import scan
from app.register.change.freezing import freeze_card, thaw_card
from app.register.library.fetching import fetch_patron
from app.register.log.access_log import Viewer
from app.register.patron.patrons import NoSuchPatron
from app.register.sign_in.pins import Origin, sign_in
from app.register.store.transaction import db
from app.register.tables.messages import Message
from app.register.tables.patrons import FamilyPermission, Patron
from app.rules.card.status import CardRefused
from tests.conftest import START
from tests.register.people import (
    CHILD,
    GUARDIAN,
    PINS,
    TEEN,
    ULLENSAKER,
    code_on,
    count_rows,
    make_phone,
    patron_id,
    read_register,
    terminal,
)

LATER = START + timedelta(hours=1)
SYSTEM = Viewer(role="system", actor=ULLENSAKER, library_id=ULLENSAKER)


def freeze(card_number: str = GUARDIAN) -> None:
    freeze_card(patron_id=patron_id(card_number), now=LATER)
    db.session.commit()


def thaw(card_number: str = GUARDIAN) -> None:
    thaw_card(patron_id=patron_id(card_number), now=LATER)
    db.session.commit()


def permit(child: str) -> int:
    child_id, guardian_id = patron_id(child), patron_id(GUARDIAN)
    give_permission(patron_id=child_id, guardian_card_number=GUARDIAN, now=START)
    db.session.flush()
    permission = db.session.scalars(select(FamilyPermission.id).where(FamilyPermission.patron_id == child_id)).one()
    switch(guardian_id=guardian_id, permission_id=permission, on=True, now=START)
    db.session.commit()
    return permission


def seen_by_the_guardian() -> list[str]:
    return [seen.card_number for seen in view_family(guardian_id=patron_id(GUARDIAN), now=LATER)]


def test_freezing_keeps_everything_and_tells_the_libraries_that_something_changed():
    before = read_register()
    freeze()
    after = read_register()
    assert {table for table in after if after[table] != before[table]} == {
        "patrons",
        "library_notices",
        "library_queues",
        "messages",
    }
    assert list(db.session.scalars(select(Message.kind))) == ["card-frozen"]
    db.session.rollback()
    notices = count_rows("library_notices")
    freeze()
    assert read_register() == after
    thaw()
    thaw()
    assert count_rows("library_notices") == notices + 2
    assert db.session.get_one(Patron, patron_id(GUARDIAN)).frozen_at is None


def test_a_frozen_card_is_refused_until_it_is_thawed(clock):
    device = make_phone(GUARDIAN, now=clock()).id
    freeze()
    refused = scan(payload=code_on(device, now=clock()), terminal=terminal(), now=clock())
    assert (refused.reason, refused.cause) == ("REVOKED", "frozen")
    thaw()
    accepted = scan(payload=code_on(device, now=clock()), terminal=terminal(), now=clock())
    assert accepted.patron.name == "Ingrid Solvang"


def test_the_holder_of_a_frozen_card_still_signs_in():
    freeze()
    origin = Origin(address="192.0.2.1")
    assert sign_in(card_number=GUARDIAN, pin=PINS[GUARDIAN], origin=origin, now=LATER) == patron_id(GUARDIAN)


def test_a_library_gets_no_details_of_a_frozen_card(clock):
    freeze()
    found = fetch_patron(card_number=GUARDIAN, viewer=SYSTEM, library_id=ULLENSAKER, now=clock())
    assert found.minimum is not None
    assert (found.minimum.name, found.details) == ("Ingrid Solvang", None)
    thaw()
    found = fetch_patron(card_number=GUARDIAN, viewer=SYSTEM, library_id=ULLENSAKER, now=clock())
    assert found.details is not None


def test_a_guardian_sees_nothing_of_a_frozen_child():
    permission = permit(CHILD)
    permit(TEEN)
    freeze(CHILD)
    assert seen_by_the_guardian() == [GUARDIAN, TEEN]
    assert [child.name for child in list_received(guardian_id=patron_id(GUARDIAN))] == ["Nora Solvang"]
    with pytest.raises(NoSuchPermission):
        act_in_family(guardian_id=patron_id(GUARDIAN), permission_id=permission, now=LATER)
    thaw(CHILD)
    assert seen_by_the_guardian() == [GUARDIAN, CHILD, TEEN]


def test_a_look_that_did_not_happen_is_not_written_down():
    permit(CHILD)
    freeze(CHILD)
    before = count_rows("access_log")
    seen_by_the_guardian()
    assert count_rows("access_log") == before


def test_a_guardian_whose_card_is_frozen_sees_no_childs_loans():
    permission = permit(CHILD)
    freeze()
    assert seen_by_the_guardian() == [GUARDIAN]
    with pytest.raises(CardRefused):
        act_in_family(guardian_id=patron_id(GUARDIAN), permission_id=permission, now=LATER)


def test_nobody_is_written_to_about_a_frozen_child():
    permit(TEEN)
    db.session.execute(update(FamilyPermission).values(advised_at=None))
    db.session.commit()
    freeze(TEEN)
    assert advise_older_children(now=LATER) == 0
    thaw(TEEN)
    assert advise_older_children(now=LATER) == 1


@pytest.mark.parametrize("change", [freeze_card, thaw_card])
def test_nobody_freezes_or_thaws_who_is_gone(change):
    with pytest.raises(NoSuchPatron):
        change(patron_id=4711, now=LATER)
