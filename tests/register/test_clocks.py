"""The server's clock is ahead for a while, and then it is right again: nobody waits for what it wrote meanwhile."""

from datetime import datetime, timedelta

import pyotp
import pytest
from sqlalchemy import select, update

from app.demo.accounts import DESKS
from app.register.card.scans import Accepted, scan
from app.register.desk.visits import NoOpenVisit, use_visit
from app.register.leaving.retention import purge
from app.register.library.notices import lease_queue, list_due_notices, pause_queue, set_aside
from app.register.messages.clocks import bring_forward
from app.register.messages.message_queue import mark_failed, take_due_message
from app.register.messages.outbox import ask_for_message
from app.register.sign_in.sessions import BORROWED_DEVICE, OWN_DEVICE, find_session, renew_identified, start_session
from app.register.staff.staff import StaffSignInRefused, sign_in_staff
from app.register.store.transaction import db
from app.register.tables.devices import Credential, PresentedStep
from app.register.tables.library import LibraryQueue
from app.register.tables.messages import Message
from app.rules.card.code import step_at
from app.rules.card.scan import FAILURES_PER_TERMINAL, Reason, Refused
from app.rules.messages import NEW_DEVICE_CODE
from tests.register.people import GUARDIAN, ULLENSAKER, code_on, make_phone, patron_id, terminal

AHEAD = pytest.mark.parametrize(
    "ahead", [timedelta(seconds=45), timedelta(hours=1), timedelta(days=400)], ids=["45 s", "1 h", "400 d"]
)


@pytest.fixture
def phone(clock) -> int:
    return make_phone(GUARDIAN, now=clock()).id


def show(phone: int, number: int = 1, *, now: datetime) -> Accepted | Refused:
    return scan(payload=code_on(phone, now=now), terminal=terminal(number), now=now)


@AHEAD
def test_a_card_that_was_scanned_while_the_clock_was_ahead_is_accepted_once_it_is_right(phone, clock, ahead):
    db.session.execute(update(Credential).values(expires_at=clock() + timedelta(days=500)))
    db.session.commit()
    assert isinstance(show(phone, now=clock() + ahead), Accepted)
    assert isinstance(show(phone, 2, now=clock()), Accepted)
    clock.turn(seconds=60)
    assert isinstance(show(phone, 2, now=clock()), Accepted)
    assert db.session.scalar(select(Credential.last_step)) == step_at(clock())


@AHEAD
def test_no_code_counts_twice_on_either_side_of_a_correction(phone, clock, ahead):
    db.session.execute(update(Credential).values(expires_at=clock() + timedelta(days=500)))
    db.session.commit()
    before, later = code_on(phone, now=clock()), code_on(phone, now=clock() + ahead)
    first = scan(payload=before, terminal=terminal(), now=clock())
    assert isinstance(first, Accepted)
    assert isinstance(scan(payload=later, terminal=terminal(), now=clock() + ahead), Accepted)
    # Right again: what was presented before the clock was ahead stays presented.
    assert scan(payload=before, terminal=terminal(2), now=clock()) == Refused(Reason.REPLAY)
    again = scan(payload=before, terminal=terminal(), now=clock())
    assert isinstance(again, Accepted)
    assert again.session == first.session, "the same terminal gets the answer that it already got"
    clock.turn(seconds=30)
    assert isinstance(show(phone, now=clock()), Accepted)
    # And when the time really comes, so does what was presented by the clock that was ahead of it.
    clock.instant += ahead - timedelta(seconds=30)
    assert scan(payload=later, terminal=terminal(2), now=clock()) in (
        Refused(Reason.REPLAY),
        Refused(Reason.CLOCK),
    )
    clock.turn(seconds=90)
    assert isinstance(show(phone, now=clock()), Accepted)


def test_a_session_that_a_scan_opened_while_the_clock_was_ahead_serves_nobody_afterwards(phone, clock):
    accepted = show(phone, now=clock() + timedelta(days=80))
    assert isinstance(accepted, Accepted)
    for extend in (False, True):
        with pytest.raises(NoOpenVisit):
            use_visit(session=accepted.session, terminal=terminal(), fields="name", extend=extend, now=clock())


def test_wrong_codes_that_were_counted_while_the_clock_was_ahead_shut_no_terminal_afterwards(phone, clock):
    later = clock() + timedelta(days=80)
    code = code_on(phone, now=later)
    wrong = f"{code[:16]}{(int(code[16:]) + 1) % 10**8:08d}"
    for _ in range(FAILURES_PER_TERMINAL):
        scan(payload=wrong, terminal=terminal(), now=later)
    assert show(phone, now=later) == Refused(Reason.THROTTLED)
    assert isinstance(show(phone, now=clock()), Accepted)


def test_staff_who_signed_in_while_the_clock_was_ahead_come_in_once_it_is_right(clock):
    desk = DESKS[0]

    def sign_in(at: datetime) -> int:
        code = pyotp.TOTP(desk.totp_secret).at(at)
        return sign_in_staff(username=desk.username, password=desk.password, code=code, address="a", now=at)

    staff_id = sign_in(clock() + timedelta(days=400))
    assert sign_in(clock()) == staff_id
    with pytest.raises(StaffSignInRefused):
        sign_in(clock())
    assert sign_in(clock.turn(seconds=30)) == staff_id


def test_a_pin_that_was_entered_while_the_clock_was_ahead_is_asked_for_again(clock):
    later = clock() + timedelta(days=20)
    token, begun = start_session(lasting=OWN_DEVICE, patron_id=patron_id(GUARDIAN), now=clock())
    db.session.commit()
    renew_identified(session_id=begun.id, now=later)
    session = find_session(token=token, last_used_at=later, now=clock())
    assert session is not None
    entered = (session.secret_entered_at, session.code_entered_at, session.identified_at)
    assert all(instant is not None and instant < clock() - timedelta(days=365) for instant in entered)


def test_a_sign_in_that_was_begun_while_the_clock_was_ahead_lasts_no_longer_than_any_may(clock):
    later = clock() + timedelta(days=400)
    token, _ = start_session(lasting=BORROWED_DEVICE, patron_id=patron_id(GUARDIAN), now=later)
    db.session.commit()
    assert find_session(token=token, last_used_at=later, now=later) is not None
    assert find_session(token=token, last_used_at=later, now=clock()) is None


def waiting_until() -> list[datetime]:
    return list(db.session.scalars(select(Message.due_at).where(Message.due_at.is_not(None))))


@AHEAD
def test_a_message_that_was_asked_for_while_the_clock_was_ahead_is_sent_once_it_is_right(clock, ahead):
    ask_for_message(patron_id=patron_id(GUARDIAN), kind=NEW_DEVICE_CODE, now=clock() + ahead)
    db.session.commit()
    assert take_due_message(channels=["email"], now=clock()) is None
    bring_forward(now=clock())
    db.session.commit()
    taken = take_due_message(channels=["email"], now=clock())
    assert taken is not None
    # The lease that was just begun is none of the future's.
    bring_forward(now=clock())
    db.session.commit()
    assert take_due_message(channels=["email"], now=clock()) is None


def test_a_message_that_failed_while_the_clock_was_ahead_is_tried_again_once_it_is_right(clock):
    ask_for_message(patron_id=patron_id(GUARDIAN), kind="pin-changed", now=clock())
    db.session.commit()
    later = clock() + timedelta(days=400)
    taken = take_due_message(channels=["email"], now=later)
    assert taken is not None
    mark_failed(message_id=taken.id, now=later)
    bring_forward(now=clock())
    db.session.commit()
    assert waiting_until() == [clock()]


def test_a_pause_that_a_right_clock_set_is_kept(clock):
    ask_for_message(patron_id=patron_id(GUARDIAN), kind="pin-changed", now=clock())
    db.session.commit()
    for _ in range(9):
        taken = take_due_message(channels=["email"], now=clock())
        assert taken is not None
        mark_failed(message_id=taken.id, now=clock())
        (due,) = waiting_until()
        bring_forward(now=clock())
        db.session.commit()
        assert waiting_until() == [due]
        clock.instant = due


def test_a_message_for_another_day_waits_for_it(clock):
    day = clock() + timedelta(days=3)
    ask_for_message(patron_id=patron_id(GUARDIAN), kind="moved-in", due_at=day, now=clock())
    db.session.commit()
    bring_forward(now=clock())
    db.session.commit()
    assert waiting_until() == [day]
    assert take_due_message(channels=["email"], now=clock()) is None


def test_a_library_that_was_let_be_while_the_clock_was_ahead_is_told_once_it_is_right(clock):
    later = clock() + timedelta(days=400)
    db.session.execute(update(LibraryQueue).where(LibraryQueue.library_id == ULLENSAKER).values(due_at=clock()))
    db.session.commit()
    pause = timedelta(minutes=1)
    pause_queue(library_id=ULLENSAKER, attempts=1, fault="busy", pause=pause, answered=False, now=later)
    for notice in list_due_notices(library_id=ULLENSAKER, now=later, limit=1):
        set_aside(notice=notice, fault="busy", pause=pause, now=later)
    while lease_queue(now=clock()) is not None:
        pass
    bring_forward(now=clock())
    db.session.commit()
    line = lease_queue(now=clock())
    assert line is not None
    assert line.library_id == ULLENSAKER


def test_what_was_presented_in_the_future_is_not_forgotten_before_its_time(phone, clock):
    assert isinstance(show(phone, now=clock() + timedelta(days=60)), Accepted)
    purge(now=clock())
    db.session.commit()
    assert db.session.scalars(select(PresentedStep.step)).all() == [step_at(clock() + timedelta(days=60))]
