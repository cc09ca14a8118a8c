"""Libraries' systems and kiosks: a right password costs no write, and a wrong one locks nobody else out."""

import pytest

from app.register.limits.budgets import TooManyAttempts
from app.register.staff.machines import MachineRefused, SignedInMachine, connect_machine, sign_in_machine
from app.register.store.transaction import db
from tests.register.counting import statements_sent
from tests.register.people import MULLSJO, count_rows, read_register


def enter(*, now, username="2023500-kiosk1", password="demo-kiosk", address="203.0.113.7"):
    return sign_in_machine(username=username, password=password, address=address, now=now)


def fail(*, now, **wrong):
    with pytest.raises(MachineRefused):
        enter(now=now, **({"password": "wrong"} | wrong))


def test_a_kiosk_and_a_system_are_told_apart(clock):
    assert enter(now=clock()) == SignedInMachine("2023500-kiosk1", "2023500", "kiosk")
    system = enter(now=clock(), username="Mull", password="demo-system-mullsjo")
    assert system == SignedInMachine("Mull", "Mull", "system")


def test_a_right_password_costs_one_look_and_no_write(clock):
    enter(now=clock())
    before = read_register()
    with statements_sent(db.engine) as sent:
        enter(now=clock())
    assert [statement.split()[0] for statement in sent] == ["SELECT"]
    assert read_register() == before


def test_an_unknown_user_and_a_wrong_password_answer_alike_and_cost_alike(clock):
    answers = []
    for wrong in ({"username": "nobody"}, {"password": "wrong"}, {"password": ""}, {"username": "", "password": ""}):
        with statements_sent(db.engine) as sent, pytest.raises(MachineRefused) as refused:
            enter(now=clock(), **wrong)
        answers.append((refused.value.args, sent))
    assert answers[1:] == answers[:1] * 3


def test_a_hundred_wrong_passwords_from_an_address_are_enough(clock):
    for _ in range(100):
        fail(now=clock())
    with pytest.raises(TooManyAttempts):
        enter(now=clock(), password="wrong")
    fail(now=clock(), address="203.0.113.8")
    fail(now=clock.turn(seconds=300))


def test_a_stranger_locks_no_kiosk_out_not_even_from_the_same_address(clock):
    for _ in range(100):
        fail(now=clock())
    with pytest.raises(TooManyAttempts):
        enter(now=clock(), password="wrong")
    assert enter(now=clock()).kind == "kiosk"


def test_a_machine_that_is_connected_comes_in_and_its_password_is_not_kept(clock):
    before = count_rows("machines")
    connect_machine(username="Mull-kiosk2", library_id=MULLSJO, kind="kiosk", password="drawn and long")
    db.session.commit()
    assert count_rows("machines") == before + 1
    assert enter(now=clock(), username="Mull-kiosk2", password="drawn and long").library_id == MULLSJO
    assert "drawn and long" not in repr(read_register())
