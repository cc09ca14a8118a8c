"""Sign-ins that the server can end, and that end by themselves."""

from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from app.register.sign_in.sessions import (
    BORROWED_DEVICE,
    DESK,
    OWN_DEVICE,
    end_session,
    end_sessions_on_device,
    find_session,
    renew_secret,
    start_session,
)
from app.register.store.transaction import db
from tests.register.people import CHILD, GUARDIAN, make_phone, patron_id, read_register


@pytest.fixture
def start(clock):
    def start(lasting=BORROWED_DEVICE, **who):
        who = who or {"patron_id": patron_id(GUARDIAN)}
        token, session = start_session(lasting=lasting, now=clock(), **who)
        db.session.commit()
        return token, session

    return start


def find(token, *, used_at, now):
    return find_session(token=token, last_used_at=used_at, now=now)


def test_a_session_is_found_by_its_token_alone(start, clock):
    token, session = start()
    assert find(token, used_at=clock(), now=clock()) == session
    assert session.patron_id == patron_id(GUARDIAN)
    assert find(token + "x", used_at=clock(), now=clock()) is None
    assert find("", used_at=clock(), now=clock()) is None


def test_the_token_is_nowhere_in_the_register(start):
    token, _session = start()
    assert token not in repr(read_register())


def test_a_session_that_was_ended_is_over_at_once_and_no_other_one_is(start, clock):
    token, session = start()
    other, _ = start()
    end_session(session_id=session.id)
    db.session.commit()
    assert find(token, used_at=clock(), now=clock()) is None
    assert find(other, used_at=clock(), now=clock()) is not None


@pytest.mark.parametrize("lasting", [BORROWED_DEVICE, OWN_DEVICE, DESK])
def test_a_session_that_is_not_used_for_its_idle_time_is_over(start, clock, lasting):
    token, _session = start(lasting)
    used_at = clock()
    idle = timedelta(seconds=lasting.idle)
    assert find(token, used_at=used_at, now=used_at + idle - timedelta(seconds=1)) is not None
    assert find(token, used_at=used_at, now=used_at + idle) is None


@pytest.mark.parametrize("lasting", [BORROWED_DEVICE, OWN_DEVICE, DESK])
def test_a_session_ends_after_its_whole_time_however_much_it_is_used(start, clock, lasting):
    token, _session = start(lasting)
    end = clock() + timedelta(seconds=lasting.absolute)
    just_before = end - timedelta(seconds=1)
    assert find(token, used_at=just_before, now=just_before) is not None
    assert find(token, used_at=end, now=end) is None


def test_a_borrowed_device_is_signed_out_after_half_an_hour_and_a_day_at_most(start):
    assert (BORROWED_DEVICE.idle, BORROWED_DEVICE.absolute) == (1800, 43200)
    assert BORROWED_DEVICE.absolute < OWN_DEVICE.absolute == 90 * 86400


def test_the_sessions_on_a_device_end_together_and_those_on_another_do_not(start, clock):
    lost = make_phone(GUARDIAN, now=clock(), token="one").id
    kept = make_phone(GUARDIAN, now=clock(), token="two").id
    owner = patron_id(GUARDIAN)
    on_lost = [start(patron_id=owner, device_id=lost)[0] for _ in range(2)]
    on_kept, _ = start(patron_id=owner, device_id=kept)
    end_sessions_on_device(device_id=lost)
    db.session.commit()
    assert [find(token, used_at=clock(), now=clock()) for token in on_lost] == [None, None]
    assert find(on_kept, used_at=clock(), now=clock()) is not None


def test_the_pin_entered_once_more_is_noted(start, clock):
    token, session = start()
    later = clock.turn(seconds=1000)
    renew_secret(session_id=session.id, now=later)
    db.session.commit()
    assert session.secret_entered_at < later
    assert find(token, used_at=later, now=later).secret_entered_at == later


def test_a_session_belongs_to_a_patron_or_to_staff_and_never_to_both(clock):
    child = patron_id(CHILD)
    for who in ({}, {"patron_id": child, "staff_id": 1}):
        with pytest.raises(IntegrityError, match="ck_sessions_one_person"):
            start_session(lasting=DESK, now=clock(), **who)
        db.session.rollback()
