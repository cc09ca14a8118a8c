"""Ordering a new PIN: the same work for every number, few orders a day, and a message only where a card is in use."""

from itertools import count

import pytest
from sqlalchemy import delete, select, update

from app.register.limits.budgets import TooManyAttempts
from app.register.messages.message_queue import leave_to_desk, take_due_message
from app.register.sign_in.one_time import NEW_DEVICE, CodeNotValid, draw_code
from app.register.sign_in.pin_orders import handle_pin_order, order_code, order_new_pin, use_ordered_code
from app.register.store.transaction import db
from app.register.tables.messages import Message, PinOrder
from app.register.tables.patrons import Patron
from app.rules.card.number import NotACardNumber
from app.rules.pins.pin import ORDER_ALL, ORDER_CARD, ORDER_SOURCE, ORDER_STRICT_SOURCE
from tests.register.counting import statements_sent
from tests.register.interrupting import interrupted
from tests.register.people import CHILD, GUARDIAN, LOST, TEEN, as_proven, count_rows, patron_id, read_register

HOME = "203.0.113.7"
UNKNOWN = "N999999999"
MACHINES = ("email", "sms")


def order(card_number=GUARDIAN, *, address=HOME, now):
    order_new_pin(card_number=card_number, address=address, now=now)
    db.session.commit()


def handle_all(now):
    while handle_pin_order(channels=MACHINES, now=now):
        db.session.commit()
    db.session.rollback()


def asked_for() -> list[tuple[int, str]]:
    found = [tuple(row) for row in db.session.execute(select(Message.patron_id, Message.kind))]
    db.session.rollback()
    return found


def set_patron(card_number, **values):
    db.session.execute(update(Patron).where(Patron.card_number == card_number).values(**as_proven(values)))
    db.session.commit()


def test_an_order_becomes_a_message_with_a_link(clock):
    order(now=clock())
    handle_all(clock())
    assert asked_for() == [(patron_id(GUARDIAN), "new-pin")]
    assert count_rows("pin_orders") == 0


def test_every_number_costs_the_same_and_leaves_the_same_behind(clock):
    costs = []
    for number in (GUARDIAN, UNKNOWN, LOST, CHILD):
        with statements_sent(db.engine) as sent:
            order(number, address=number, now=clock())
        costs.append(list(sent))
    assert costs[1:] == costs[:1] * 3
    sealed = db.session.scalars(select(PinOrder.sealed_number)).all()
    assert len(sealed) == 4
    assert len({len(each) for each in sealed}) == 1


def test_the_number_stands_nowhere_in_clear(clock):
    order(now=clock())
    assert GUARDIAN not in repr(read_register()["pin_orders"])
    assert GUARDIAN.encode() not in db.session.scalars(select(PinOrder.sealed_number)).one()


def test_a_card_that_does_not_exist_gets_nothing_and_its_order_is_forgotten(clock):
    order(UNKNOWN, now=clock())
    handle_all(clock())
    assert asked_for() == []
    assert count_rows("pin_orders") == 0


@pytest.mark.parametrize("blocked", [{"card_state": "lost"}, {"erase_reason": "death"}], ids=str)
def test_a_blocked_card_gets_nothing(clock, blocked):
    set_patron(GUARDIAN, **blocked)
    order(now=clock())
    handle_all(clock())
    assert asked_for() == []


def test_the_owner_of_a_frozen_card_gets_a_link_for_only_they_can_thaw_it(clock):
    set_patron(GUARDIAN, frozen_at=clock())
    order(now=clock())
    handle_all(clock())
    due = take_due_message(channels=MACHINES, now=clock())
    assert due is not None
    assert (due.kind, due.channel) == ("new-pin", "email")


def test_no_library_prints_a_letter_to_the_owner_of_a_frozen_card(clock):
    set_patron(CHILD, frozen_at=clock())
    order(CHILD, now=clock())
    handle_all(clock())
    assert take_due_message(channels=MACHINES, now=clock()) is None
    assert asked_for() == []


def test_a_card_that_is_blocked_after_the_order_gets_nothing_either(clock):
    order(now=clock())
    handle_all(clock())
    set_patron(GUARDIAN, card_state="lost")
    assert take_due_message(channels=MACHINES, now=clock()) is None
    assert asked_for() == []


def test_somebody_who_has_no_address_gets_one_letter_however_often_it_is_ordered(clock):
    for _ in range(2):
        order(CHILD, now=clock())
        handle_all(clock())
        due = take_due_message(channels=MACHINES, now=clock())
        if due is not None:
            assert due.channel == "letter"
            leave_to_desk(message_id=due.id)
    assert asked_for() == [(patron_id(CHILD), "new-pin")]


def test_two_workers_at_once_ask_for_one_letter(app, clock):
    set_patron(TEEN, email=None, phone=None, preferred_contact="letter")

    def handle() -> None:
        with app.app_context():
            handle_pin_order(channels=MACHINES, now=clock())
            db.session.commit()

    for moment in count():
        order(TEEN, now=clock())
        order(TEEN, now=clock())
        with interrupted(db.engine, before=moment, by=handle) as acted:
            handle()
        handle_all(clock())
        assert len(asked_for()) == 1
        db.session.execute(delete(Message))
        db.session.commit()
        clock.turn(days=2)
        if not acted:
            break
    assert moment > 2, "there were moments between statements"


def test_a_letter_that_waits_keeps_nobody_from_an_email(clock):
    set_patron(TEEN, preferred_contact="letter")
    order(TEEN, now=clock())
    handle_all(clock())
    set_patron(TEEN, preferred_contact="email")
    order(TEEN, now=clock())
    handle_all(clock())
    assert len(asked_for()) == 2


@pytest.mark.parametrize("number", [GUARDIAN, UNKNOWN])
def test_a_card_has_three_orders_a_day_whether_it_exists_or_not(clock, number):
    for each in range(ORDER_CARD.limit):
        order(number, address=f"198.51.100.{each}", now=clock())
    with pytest.raises(TooManyAttempts) as refused:
        order(number, now=clock())
    assert refused.value.retry_after == ORDER_CARD.seconds
    db.session.rollback()
    clock.turn(seconds=ORDER_CARD.seconds)
    order(number, now=clock())


def test_an_address_has_few_orders_an_hour_and_nonsense_counts(clock):
    for _ in range(ORDER_SOURCE.limit):
        with pytest.raises(NotACardNumber):
            order("nonsense", now=clock())
    with pytest.raises(TooManyAttempts):
        order(now=clock())
    order(address="198.51.100.1", now=clock())


def test_past_the_limit_of_all_orders_together_each_source_has_a_few_more(clock, monkeypatch):
    monkeypatch.setattr("app.rules.pins.pin.ORDER_ALL", type(ORDER_ALL)(ORDER_ALL.purpose, 2, 3600))
    for number in range(2 + ORDER_STRICT_SOURCE.limit):
        order(f"N00000000{number}", address="2001:db8:1::7", now=clock())
    with pytest.raises(TooManyAttempts):
        order("N000000008", address="2001:db8:1:2::7", now=clock())
    order(address="203.0.113.9", now=clock())
    assert count_rows("pin_orders") == 3 + ORDER_STRICT_SOURCE.limit


@pytest.mark.parametrize(
    ("card_number", "asked"),
    [(GUARDIAN, ["code-first"]), (CHILD, []), (LOST, []), (UNKNOWN, []), ("nonsense", [])],
    ids=["proven address", "no address", "lost", "unknown", "nonsense"],
)
def test_an_order_of_a_code_becomes_one_where_it_reaches_the_owner_of_a_card_in_use(clock, card_number, asked):
    order_code(card_number=card_number, address=HOME, now=clock())
    db.session.commit()
    handle_all(clock())
    assert [kind for _, kind in asked_for()] == asked
    assert count_rows("pin_orders") == 0


def test_a_code_that_was_ordered_more_than_ten_minutes_ago_is_not_sent(clock):
    order_code(card_number=GUARDIAN, address=HOME, now=clock())
    db.session.commit()
    handle_all(clock.turn(seconds=600))
    assert take_due_message(channels=MACHINES, now=clock()) is None


def test_a_code_is_ordered_and_entered_at_the_same_cost_for_every_number(clock):
    costs = []
    for number in (UNKNOWN, GUARDIAN, LOST, CHILD, "nonsense"):
        with statements_sent(db.engine) as sent:
            order_code(card_number=number, address=number, now=clock())
            db.session.commit()
            with pytest.raises(CodeNotValid):
                use_ordered_code(card_number=number, code="123456", address=number, now=clock())
        costs.append(list(sent))
    assert costs[2:] == costs[1:2] * 3


def test_a_code_opens_only_the_card_that_it_was_sent_to_and_only_once(clock):
    code = draw_code(patron_id=patron_id(GUARDIAN), purpose=NEW_DEVICE, now=clock())
    db.session.commit()
    for number in (CHILD, UNKNOWN):
        with pytest.raises(CodeNotValid):
            use_ordered_code(card_number=number, code=code, address=HOME, now=clock())
    use_ordered_code(card_number="000 100 001", code=code, address=HOME, now=clock())
    with pytest.raises(CodeNotValid):
        use_ordered_code(card_number=GUARDIAN, code=code, address=HOME, now=clock())


def test_an_order_that_cannot_be_opened_holds_up_nobody(clock):
    db.session.add(PinOrder(sealed_number=b"\x01" + bytes(40), asked_at=clock()))
    db.session.commit()
    order(now=clock())
    handle_all(clock())
    assert asked_for() == [(patron_id(GUARDIAN), "new-pin")]
