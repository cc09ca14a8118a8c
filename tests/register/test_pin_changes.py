"""A new PIN: past the blocklist, never the one of today; with the old one end its sessions, links and codes."""

import pytest
from sqlalchemy import select, update

from app.register.card.pin_changes import choose_pin, draw_pin
from app.register.sign_in.one_time import LINK_LASTS, NEW_DEVICE, draw_code, draw_link, find_link
from app.register.sign_in.pins import Origin, SignInRefused, sign_in
from app.register.sign_in.sessions import OWN_DEVICE, start_session
from app.register.store.transaction import db
from app.register.tables.messages import Message
from app.register.tables.patrons import Patron, Session
from app.rules.pins.pin import CARD_SOON
from app.rules.pins.pin_choice import Fault, Guessable, PinNotGood, find_fault
from tests.register.people import CHILD, GUARDIAN, PINS, count_rows, make_phone, patron_id, read_register

HOME = Origin(address="203.0.113.7")
GOOD = "6037"


def choose(pin, card_number=GUARDIAN, *, session_id=None, now):
    choose_pin(patron_id=patron_id(card_number), pin=pin, session_id=session_id, now=now)
    db.session.commit()


def enter(pin, card_number=GUARDIAN, *, origin=HOME, now):
    return sign_in(card_number=card_number, pin=pin, origin=origin, now=now)


def begin_session(card_number=GUARDIAN, *, now) -> int:
    owner = patron_id(card_number)
    _token, started = start_session(lasting=OWN_DEVICE, patron_id=owner, now=now)
    db.session.commit()
    return started.id


def asked_for() -> list[str]:
    kinds = list(db.session.scalars(select(Message.kind)))
    db.session.rollback()
    return kinds


def test_a_chosen_pin_takes_the_place_of_the_old_one_and_the_patron_is_told(clock):
    choose(GOOD, now=clock())
    assert enter(GOOD, now=clock()) == patron_id(GUARDIAN)
    with pytest.raises(SignInRefused):
        enter(PINS[GUARDIAN], now=clock())
    assert asked_for() == ["pin-changed"]


@pytest.mark.parametrize(
    ("pin", "fault"),
    [
        ("1234", Fault.COMMON),
        ("9900", Fault.COMMON),
        ("8140", Fault.BIRTH_DATE),
        ("1000", Fault.OWN_NUMBER),
        ("4799", Fault.OWN_NUMBER),
        ("2743", Fault.OWN_NUMBER),
        ("4719", Fault.AS_BEFORE),
        ("12", Fault.NOT_FOUR_DIGITS),
    ],
)
def test_a_pin_that_is_not_good_changes_nothing(clock, pin, fault):
    owner = patron_id(GUARDIAN)
    birthday = clock().date().replace(year=1940, month=1, day=8)
    db.session.execute(update(Patron).where(Patron.id == owner).values(birth_date=birthday, postcode="2743"))
    db.session.commit()
    before = read_register()
    with pytest.raises(PinNotGood) as refused:
        choose(pin, now=clock())
    db.session.rollback()
    assert refused.value.fault is fault
    assert pin not in repr(refused.value.args)
    assert read_register() == before


def test_every_other_session_ends_and_nobody_elses(clock):
    here, there, childs = begin_session(now=clock()), begin_session(now=clock()), begin_session(CHILD, now=clock())
    choose(GOOD, session_id=here, now=clock())
    left = set(db.session.scalars(select(Session.id)))
    assert {here, childs} <= left
    assert there not in left


def test_without_a_session_to_keep_all_end(clock):
    begin_session(now=clock())
    begin_session(now=clock())
    choose(GOOD, now=clock())
    assert count_rows("sessions") == 0


def test_links_and_codes_of_before_open_nothing(clock):
    owner = patron_id(GUARDIAN)
    token = draw_link(patron_id=owner, lasting=LINK_LASTS, now=clock())
    draw_code(patron_id=owner, purpose=NEW_DEVICE, now=clock())
    db.session.commit()
    choose(GOOD, now=clock())
    assert find_link(token=token, now=clock()) is None
    assert count_rows("one_time_secrets") == 0


def test_a_drawn_pin_is_good_works_and_stands_nowhere(clock):
    owner = patron_id(GUARDIAN)
    pin = draw_pin(patron_id=owner, now=clock())
    db.session.commit()
    patron = db.session.get_one(Patron, owner)
    of = Guessable(patron.birth_date, (patron.card_number, patron.phone or "", patron.postcode or ""))
    db.session.rollback()
    assert find_fault(pin, of=of) is None
    assert enter(pin, now=clock()) == owner
    assert f"'{pin}'" not in repr(read_register())


def test_the_pin_of_today_is_never_drawn(clock, monkeypatch):
    drawn = iter([PINS[GUARDIAN], PINS[GUARDIAN], GOOD])
    monkeypatch.setattr("app.register.card.pin_changes.draw_good_pin", lambda **_given: next(drawn))
    assert draw_pin(patron_id=patron_id(GUARDIAN), now=clock()) == GOOD


def test_a_new_pin_lets_its_owner_in_however_often_the_old_one_was_guessed_at(clock):
    make_phone(GUARDIAN, now=clock(), token="my own phone")
    phone = Origin(address=HOME.address, device_token="my own phone")
    for origin in (HOME, phone):
        for _ in range(CARD_SOON.limit):
            with pytest.raises(SignInRefused):
                enter("0000", origin=origin, now=clock())
    choose(GOOD, now=clock())
    assert enter(GOOD, now=clock()) == enter(GOOD, origin=phone, now=clock()) == patron_id(GUARDIAN)


def test_nobody_is_told_where_there_is_no_way_to_tell(clock):
    owner = patron_id(CHILD)
    db.session.execute(update(Patron).where(Patron.id == owner).values(address=None, postcode=None, place=None))
    db.session.commit()
    choose(GOOD, CHILD, now=clock())
    assert asked_for() == []
