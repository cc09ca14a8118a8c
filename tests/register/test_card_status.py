"""Every combination of what can be true of a card, against everybody who reads it and every act that uses it."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import pytest
from sqlalchemy import select, update

from app.register.card.cards import replace_card
from app.register.card.carrying import list_carried
from app.register.card.families import act_in_family, give_permission, list_received, switch, view_family
from app.register.card.scans import Accepted, scan
from app.register.card.wallet_passes import allowed_passes, issue_pass
from app.register.change.enrolment import activate_here
from app.register.desk.lookup import Criteria, look_up
from app.register.library.fetching import fetch_patron
from app.register.log.access_log import Viewer
from app.register.patron.card_status import is_at_rest, is_in_use, is_taken_at, may_sign_in, state_at, status_of
from app.register.patron.patrons import NoSuchPatron, get_patron
from app.register.sign_in.one_time import draw_link, find_link
from app.register.sign_in.pin_checks import check_pin
from app.register.sign_in.pin_orders import send_new_pin_link
from app.register.sign_in.pins import Origin, SignInRefused, sign_in
from app.register.store.transaction import db
from app.register.tables.patrons import FamilyPermission, Patron
from app.rules.card.code import Kind
from app.rules.card.status import CardRefused, CardStatus, State
from app.rules.errors import RuleBroken
from tests.register.people import CHILD, GUARDIAN, MULLSJO, PINS, ULLENSAKER, code_on, make_phone, patron_id, terminal

STAFF = Viewer(role="staff", actor="kari", library_id=ULLENSAKER)


class Combination(NamedTuple):
    dead: bool
    lost: bool
    frozen: bool
    local: bool

    @property
    def status(self) -> CardStatus:
        return CardStatus(self.dead, self.lost, self.frozen, local_to=MULLSJO if self.local else None)


EVERY = [Combination(*each) for each in product((False, True), repeat=4)]


@pytest.fixture(params=EVERY, ids=lambda each: "+".join(n for n, is_so in each._asdict().items() if is_so) or "active")
def combination(request: pytest.FixtureRequest) -> Combination:
    return request.param


def put(card_number: str, combination: Combination, *, now: Any) -> int:
    """Let all that is true of a combination be true of a patron's card."""
    whose = patron_id(card_number)
    db.session.execute(
        update(Patron)
        .where(Patron.id == whose)
        .values(
            card_state="lost" if combination.lost else "active",
            frozen_at=now if combination.frozen else None,
            erase_reason="death" if combination.dead else None,
            erase_at=now + timedelta(hours=23) if combination.dead else None,
            local_to=MULLSJO if combination.local else None,
        )
    )
    db.session.commit()
    return whose


def refuses(act: Callable[[], object], error: type[RuleBroken] = CardRefused) -> bool:
    """Tell whether an act is refused; what it did is undone."""
    db.session.rollback()
    try:
        act()
    except error:
        return True
    finally:
        db.session.rollback()
    return False


def test_the_statement_says_what_the_rule_says(combination, clock):
    whose = put(GUARDIAN, combination, now=clock())
    status = combination.status

    said = db.session.execute(
        select(state_at(ULLENSAKER), is_in_use(), may_sign_in(), is_at_rest(), is_taken_at(ULLENSAKER)).where(
            Patron.id == whose
        )
    ).one()

    assert status_of(db.session.get_one(Patron, whose)) == status
    assert State(said[0]) is status.at(ULLENSAKER)
    assert [bool(each) for each in said[1:]] == [
        status.in_use,
        status.may_sign_in,
        status.at_rest,
        status.is_taken_at(ULLENSAKER),
    ]


def test_scan_sign_in_and_pin_check_agree(combination, clock):
    phone = make_phone(GUARDIAN, now=clock()).id
    whose = put(GUARDIAN, combination, now=clock())
    status = combination.status
    at_the_desk = scan(payload=code_on(phone, now=clock()), terminal=terminal(), now=clock())

    def sign() -> int:
        return sign_in(card_number=GUARDIAN, pin=PINS[GUARDIAN], origin=Origin("203.0.113.7"), now=clock())

    assert status.at(ULLENSAKER) is (State.ACTIVE if isinstance(at_the_desk, Accepted) else State(at_the_desk.cause))
    assert refuses(sign, SignInRefused) is not status.may_sign_in
    assert get_patron(patron_id=whose).block == (None if status.in_use else status.state)
    db.session.rollback()
    kiosk = Viewer(role="kiosk", actor="k", library_id=ULLENSAKER)
    right = check_pin(card_number=GUARDIAN, pin=PINS[GUARDIAN], viewer=kiosk, library_id=ULLENSAKER, now=clock())
    assert right is (status.at(ULLENSAKER) is State.ACTIVE)


def test_libraries_are_told_the_same_state_and_details_of_no_card_at_rest(combination, clock):
    put(GUARDIAN, combination, now=clock())
    status = combination.status
    system = Viewer(role="system", actor="2023500", library_id=ULLENSAKER)

    def fetch():
        return fetch_patron(card_number=GUARDIAN, viewer=system, library_id=ULLENSAKER, now=clock())

    if not status.is_taken_at(ULLENSAKER):
        with pytest.raises(NoSuchPatron):
            fetch()
        return
    minimum = fetch().minimum
    assert minimum is not None
    assert minimum.card_state == status.state
    assert (fetch().details is None) is status.at_rest


def test_the_desk_finds_everybody_and_sees_no_more_than_the_minimum_of_a_card_at_rest(combination, clock):
    put(GUARDIAN, combination, now=clock())
    birth_date = db.session.scalar(select(Patron.birth_date).where(Patron.card_number == GUARDIAN))
    db.session.rollback()

    found = look_up(
        criteria=Criteria(card_number=GUARDIAN, birth_date=birth_date),
        viewer=STAFF,
        library_id=ULLENSAKER,
        now=clock(),
    )

    assert (found.hits[0].birth_date is None) is combination.status.at_rest


def test_nothing_new_is_made_of_a_card_that_is_not_in_use(combination, clock):
    whose = put(GUARDIAN, combination, now=clock())
    status = combination.status

    def activate() -> None:
        activate_here(patron_id=whose, library_id=ULLENSAKER, guardian_consent=False, now=clock())

    assert allowed_passes(patron_id=whose).rotating is status.in_use
    assert (
        refuses(partial(issue_pass, kind=Kind.ROTATING, patron_id=whose, channel=None, now=clock()))
        is not status.in_use
    )
    assert (
        refuses(lambda: send_new_pin_link(patron_id=whose, library_id=ULLENSAKER, by_letter=False, now=clock()))
        is not status.in_use
    )
    assert refuses(activate) is (status.at(ULLENSAKER) is not State.ACTIVE)
    assert refuses(lambda: replace_card(patron_id=whose, now=clock())) is status.dead


def test_a_link_to_a_new_pin_opens_for_somebody_who_may_sign_in(combination, clock):
    link = draw_link(patron_id=patron_id(GUARDIAN), lasting=timedelta(hours=1), now=clock())
    db.session.commit()
    put(GUARDIAN, combination, now=clock())

    assert (find_link(token=link, now=clock()) is not None) is combination.status.may_sign_in


@pytest.fixture
def permission(clock) -> int:
    """The child lets the guardian see its loans and have its card, and the guardian has switched that on."""
    guardian = patron_id(GUARDIAN)
    give_permission(patron_id=patron_id(CHILD), guardian_card_number=GUARDIAN, may_carry_card=True, now=clock())
    db.session.flush()
    number = db.session.scalars(select(FamilyPermission.id)).one()
    switch(guardian_id=guardian, permission_id=number, on=True, now=clock())
    db.session.commit()
    return number


def test_a_guardian_sees_no_child_at_rest_and_acts_on_cards_in_use_alone(combination, permission, clock):
    guardian = patron_id(GUARDIAN)
    put(CHILD, combination, now=clock())
    status = combination.status

    def act() -> None:
        act_in_family(guardian_id=guardian, permission_id=permission, now=clock())

    db.session.rollback()
    seen = [each.card_number for each in view_family(guardian_id=guardian, now=clock())]
    assert (CHILD in seen) is not status.at_rest
    assert bool(list_received(guardian_id=guardian)) is not status.at_rest
    assert bool(list_carried(guardian_id=guardian)) is status.in_use
    assert refuses(act, RuleBroken) is not status.in_use


def test_a_guardian_whose_own_card_is_not_in_use_has_no_child(combination, permission, clock):
    guardian = put(GUARDIAN, combination, now=clock())
    status = combination.status

    def act() -> None:
        act_in_family(guardian_id=guardian, permission_id=None, now=clock())

    db.session.rollback()
    seen = [each.card_number for each in view_family(guardian_id=guardian, now=clock())]
    assert (CHILD in seen) is status.in_use
    assert bool(list_carried(guardian_id=guardian)) is status.in_use
    assert refuses(act) is not status.in_use
