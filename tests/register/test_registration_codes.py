"""The code by which the e-mail address of a registration is confirmed."""

import pytest

from app.register.online.registration_codes import ask_for_email_code, confirm_email, note_code_sent, take_due_code
from app.register.online.registrations import fill_in
from app.register.sign_in.one_time import CodeNotValid
from app.register.store.transaction import db
from tests.register.test_registrations import begin, half

__all__ = ["begin"]


def sent_code(handle, clock):
    ask_for_email_code(handle=handle, now=clock())
    db.session.commit()
    due = take_due_code(now=clock())
    assert due is not None
    return due


def test_the_code_that_was_sent_confirms_the_address(begin, clock):
    handle = begin(email="anne@example.org")
    due = sent_code(handle, clock)
    assert (due.to, due.name) == ("anne@example.org", "Anne Dahl")
    confirm_email(handle=handle, code=due.code, address="192.0.2.1", now=clock())
    assert half(handle, clock).form.confirmed_email == "anne@example.org"


def test_a_code_for_one_address_confirms_no_other(begin, clock):
    handle = begin(email="anne@example.org")
    due = sent_code(handle, clock)
    fill_in(handle=handle, email="victim@example.org", now=clock())
    db.session.commit()
    with pytest.raises(CodeNotValid):
        confirm_email(handle=handle, code=due.code, address="192.0.2.1", now=clock())


def test_a_code_counts_once_and_for_ten_minutes(begin, clock):
    handle = begin(email="anne@example.org")
    due = sent_code(handle, clock)
    confirm_email(handle=handle, code=due.code, address="192.0.2.1", now=clock())
    with pytest.raises(CodeNotValid):
        confirm_email(handle=handle, code=due.code, address="192.0.2.1", now=clock())
    due = sent_code(handle, clock)
    clock.turn(seconds=600)
    with pytest.raises(CodeNotValid):
        confirm_email(handle=handle, code=due.code, address="192.0.2.1", now=clock())


def test_a_code_that_could_not_be_sent_is_drawn_anew_until_nobody_waits_for_it(begin, clock):
    handle = begin(email="anne@example.org")
    first = sent_code(handle, clock)
    assert take_due_code(now=clock()) is None
    clock.turn(seconds=31)
    second = take_due_code(now=clock())
    assert second is not None
    assert second.registration_id == first.registration_id
    note_code_sent(registration_id=second.registration_id)
    clock.turn(seconds=31)
    assert take_due_code(now=clock()) is None
    sent_code(handle, clock)
    clock.turn(seconds=601)
    assert take_due_code(now=clock()) is None


def test_a_code_that_is_asked_for_while_another_leaves_is_sent_too(begin, clock):
    handle = begin(email="anne@example.org")
    first = sent_code(handle, clock)
    fill_in(handle=handle, email="anne.dahl@example.org", now=clock())
    db.session.commit()
    ask_for_email_code(handle=handle, now=clock())
    db.session.commit()
    note_code_sent(registration_id=first.registration_id)
    second = take_due_code(now=clock())
    assert second is not None
    assert second.to == "anne.dahl@example.org"
