"""The card on a device: issued once, shown in steps, taken off one device alone, and blocked when lost."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.register.card import cards
from app.register.card.cards import NumberTaken, issue_card, report_lost, revoke_device, show_codes
from app.register.patron.patrons import list_libraries
from app.register.sign_in.devices import NoSuchDevice, admit_device, list_devices, recognise_device
from app.register.sign_in.sessions import OWN_DEVICE, find_session, start_session
from app.register.store.transaction import db
from app.register.tables.devices import Credential
from app.register.tables.patrons import Patron
from app.rules.card.code import parse, step_at
from tests.register.people import CHILD, GUARDIAN, NINETY_DAYS, make_phone, patron_id, read_register


@pytest.fixture
def owner() -> int:
    return patron_id(GUARDIAN)


def issue(owner, device_id, *, now, lasts=NINETY_DAYS):
    credential = issue_card(patron_id=owner, device_id=device_id, expires_at=now + lasts, now=now)
    db.session.commit()
    return credential.number


def numbers_in(now, device_id):
    return {parse(code.digits).credential for code in show_codes(device_id=device_id, now=now)}


def test_a_browser_that_is_known_is_the_same_device(owner, clock):
    first = make_phone(GUARDIAN, now=clock(), token="a token").id
    assert make_phone(GUARDIAN, now=clock(), token="a token").id == first
    assert make_phone(GUARDIAN, now=clock(), token="another token").id != first
    assert recognise_device(patron_id=owner, token="a token").id == first


@pytest.mark.parametrize("token", [None, "", "a token that nobody has"])
def test_a_browser_without_a_known_token_is_no_device(owner, clock, token):
    make_phone(GUARDIAN, now=clock())
    assert recognise_device(patron_id=owner, token=token) is None


def test_one_browser_is_another_device_for_each_patron_who_uses_it(owner, clock):
    mine = make_phone(GUARDIAN, now=clock(), token="the family's tablet").id
    hers = make_phone(CHILD, now=clock(), token="the family's tablet").id
    assert mine != hers
    assert recognise_device(patron_id=owner, token="the family's tablet").id == mine


def test_the_token_of_a_browser_is_not_kept(clock):
    make_phone(GUARDIAN, now=clock(), token="a token that only the browser has")
    assert "a token that only the browser has" not in repr(read_register())


def test_a_device_that_shows_the_card_keeps_its_number_and_only_lasts_longer(owner, clock):
    device = make_phone(GUARDIAN, now=clock()).id
    number = db.session.scalars(select(Credential.number)).one()
    later = clock.turn(days=30)
    assert issue(owner, device, now=later) == number
    assert issue(owner, device, now=later, lasts=timedelta(hours=12)) == number
    assert db.session.scalars(select(Credential.expires_at)).one() == later + NINETY_DAYS


def test_a_device_whose_card_has_expired_gets_a_new_number(owner, clock):
    device = make_phone(GUARDIAN, now=clock()).id
    (old,) = numbers_in(clock(), device)
    later = clock.turn(days=90)
    assert show_codes(device_id=device, now=later) == []
    assert issue(owner, device, now=later) != old


def draw(monkeypatch, *numbers):
    drawn = iter(numbers)
    monkeypatch.setattr(cards.secrets, "randbelow", lambda _limit: next(drawn))


def test_a_number_that_is_taken_is_drawn_again(owner, clock, monkeypatch):
    draw(monkeypatch, 7, 7, 7, 8)
    first = make_phone(GUARDIAN, now=clock(), token="one").id
    second = make_phone(GUARDIAN, now=clock(), token="two").id
    assert (numbers_in(clock(), first), numbers_in(clock(), second)) == ({"000000000007"}, {"000000000008"})


def test_a_register_that_finds_no_free_number_says_so(owner, clock, monkeypatch):
    draw(monkeypatch, *[7] * 6)
    make_phone(GUARDIAN, now=clock(), token="one")
    with pytest.raises(NumberTaken):
        make_phone(GUARDIAN, now=clock(), token="two")
    db.session.rollback()


def test_a_device_shows_this_steps_code_and_those_that_follow(clock):
    device = make_phone(GUARDIAN, now=clock()).id
    now = clock.turn(seconds=12)
    shown = show_codes(device_id=device, now=now, count=3)
    assert len({code.digits for code in shown}) == 3
    assert [step_at(code.valid_from) for code in shown] == [step_at(now) + n for n in range(3)]
    assert shown[0].valid_from <= now < shown[0].valid_until == shown[1].valid_from


@pytest.mark.parametrize("device_id", [None, 0, 999])
def test_no_device_shows_no_card(device_id, clock):
    assert show_codes(device_id=device_id, now=clock()) == []


def test_two_phones_of_one_patron_show_different_numbers(owner, clock):
    one, two = (make_phone(GUARDIAN, now=clock(), token=token).id for token in ("one", "two"))
    assert not numbers_in(clock(), one) & numbers_in(clock(), two)


def test_a_revoked_device_is_forgotten_in_every_way_and_another_one_is_not(owner, clock):
    lost = make_phone(GUARDIAN, now=clock(), token="lost").id
    kept = make_phone(GUARDIAN, now=clock(), token="kept").id
    session, _ = start_session(lasting=OWN_DEVICE, now=clock(), patron_id=owner, device_id=lost)
    revoke_device(patron_id=owner, device_id=lost, now=clock())
    db.session.commit()
    assert show_codes(device_id=lost, now=clock()) == []
    assert recognise_device(patron_id=owner, token="lost") is None
    assert [device.id for device in list_devices(patron_id=owner, now=clock())] == [kept]
    db.session.rollback()
    assert find_session(token=session, last_used_at=clock(), now=clock()) is None
    assert show_codes(device_id=kept, now=clock())


def test_nobody_revokes_anothers_device(clock):
    device = make_phone(GUARDIAN, now=clock()).id
    with pytest.raises(NoSuchDevice):
        revoke_device(patron_id=patron_id(CHILD), device_id=device, now=clock())
    assert show_codes(device_id=device, now=clock())


def test_a_lost_card_is_off_every_device(owner, clock):
    devices = [make_phone(GUARDIAN, now=clock(), token=token).id for token in ("one", "two")]
    report_lost(patron_id=owner, now=clock())
    db.session.commit()
    assert [show_codes(device_id=device, now=clock()) for device in devices] == [[], []]
    assert db.session.get_one(Patron, owner).card_state == "lost"


def test_the_devices_are_listed_newest_first_with_the_time_they_show_the_card(owner, clock):
    make_phone(GUARDIAN, now=clock(), token="old")
    later = clock.turn(days=1)
    make_phone(GUARDIAN, now=later, token="new")
    admit_device(patron_id=owner, token="without a card", label="Firefox, Linux", now=later)
    listed = list_devices(patron_id=owner, now=later)
    assert [device.first_seen_at for device in listed] == [later, later - timedelta(days=1)]
    assert listed[0].shows_card_until == later + NINETY_DAYS


def test_the_libraries_are_listed_home_library_first(owner):
    assert list_libraries(patron_id=owner) == ["Ullensaker bibliotek", "Mullsjö bibliotek"]
