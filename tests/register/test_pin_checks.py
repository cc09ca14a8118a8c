"""Whose PIN a library's machines may ask about: of who joined the library, and of who is there now."""

from collections.abc import Callable

import pytest
from sqlalchemy import delete, update

from app.register.card.scans import Accepted, scan
from app.register.desk.visits import open_visit
from app.register.keys.vault import Vault
from app.register.limits.budgets import TooManyAttempts
from app.register.log.access_log import Viewer
from app.register.sign_in.pin_checks import check_pin, enter_pin
from app.register.staff.machines import SignedInMachine, terminal_of
from app.register.store.transaction import db
from app.register.tables.devices import Credential, PresentedStep
from app.register.tables.patrons import DeskVisit
from tests.conftest import Clock
from tests.register.people import CHILD, GUARDIAN, MULLSJO, PINS, ULLENSAKER, code_on, make_phone, patron_id, terminal

SYSTEM = terminal_of(SignedInMachine(username="Mull", library_id=MULLSJO, kind="system")).viewer
Check = Callable[..., bool]


@pytest.fixture
def check(clock: Clock) -> Check:
    """Check a PIN as Mullsjö's system does, where the child has never been."""

    def ask(card_number: str = CHILD, pin: str = "", *, viewer: Viewer = SYSTEM, library_id: str = MULLSJO) -> bool:
        right = pin or PINS[card_number]
        return check_pin(card_number=card_number, pin=right, viewer=viewer, library_id=library_id, now=clock())

    return ask


@pytest.fixture
def held_against(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Note for each PIN that is worked out whether it was held against somebody's own verifier."""
    seen: list[bool] = []
    verify_pin = Vault.verify_pin

    def note(vault: Vault, pin: str, verifier: str | None, key_id: int | None) -> bool:
        seen.append(verifier is not None)
        return verify_pin(vault, pin, verifier, key_id)

    monkeypatch.setattr(Vault, "verify_pin", note)
    return seen


def show_card(clock: Clock, *, library_id: str = MULLSJO) -> None:
    phone = make_phone(CHILD, now=clock())
    outcome = scan(payload=code_on(phone.id, now=clock()), terminal=terminal(library_id=library_id), now=clock())
    assert isinstance(outcome, Accepted)


def test_of_who_never_was_there_a_library_learns_nothing_and_nothing_is_evaluated(
    check: Check, held_against: list[bool]
) -> None:
    assert not check(CHILD)
    assert not check(CHILD, "0001")
    assert not check("N099999999", "0001")
    assert held_against == [False] * 3
    assert check(GUARDIAN)
    assert held_against[3:] == [True]


def test_a_right_pin_of_a_stranger_uses_up_the_tries_of_a_wrong_one(check: Check) -> None:
    for _ in range(5):
        assert not check(CHILD)
    with pytest.raises(TooManyAttempts):
        check(CHILD)


def test_somebody_who_has_just_scanned_the_card_there_is_answered_for_as_long_as_the_session(
    check: Check, clock: Clock
) -> None:
    show_card(clock)
    assert check(CHILD)
    clock.turn(seconds=299)
    assert check(CHILD)
    clock.turn(seconds=1)
    assert not check(CHILD)


def test_a_right_pin_does_not_make_the_session_any_longer(check: Check, clock: Clock) -> None:
    show_card(clock)
    for _ in range(3):
        clock.turn(seconds=99)
        assert check(CHILD)
    clock.turn(seconds=99)
    assert not check(CHILD)


def test_a_scan_at_one_library_opens_nothing_at_another(check: Check, clock: Clock) -> None:
    show_card(clock, library_id=ULLENSAKER)
    assert not check(CHILD)


def test_whom_a_desk_of_the_library_serves_is_answered(check: Check, clock: Clock) -> None:
    open_visit(patron_id=patron_id(CHILD), terminal=terminal(library_id=MULLSJO), now=clock())
    db.session.commit()
    assert check(CHILD)
    clock.turn(seconds=300)
    assert not check(CHILD)


def test_a_scan_of_a_clock_that_was_wrong_opens_nothing(check: Check, clock: Clock) -> None:
    show_card(clock)
    later = clock().replace(year=clock().year + 1)
    db.session.execute(update(PresentedStep).values(presented_at=later, expires_at=later))
    db.session.commit()
    assert not check(CHILD)
    db.session.execute(delete(Credential))
    open_visit(patron_id=patron_id(CHILD), terminal=terminal(library_id=MULLSJO), now=later)
    db.session.commit()
    assert db.session.query(DeskVisit).count() == 1
    db.session.rollback()
    assert not check(CHILD)


def test_a_pin_is_entered_by_anybody_who_joins(clock: Clock, held_against: list[bool]) -> None:
    assert enter_pin(card_number=CHILD, pin=PINS[CHILD], viewer=SYSTEM, library_id=MULLSJO, now=clock())
    assert not enter_pin(card_number=CHILD, pin="0001", viewer=SYSTEM, library_id=MULLSJO, now=clock())
    assert held_against == [True] * 2
