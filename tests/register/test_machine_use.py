"""When a machine was last here, and what it was refused: figures of machines, which cost their work nothing."""

from datetime import timedelta

import pytest

from app.register.leaving.retention import purge
from app.register.staff.machine_use import SEEN_EVERY, UsedMachine, list_used_machines, note_refusal
from app.register.staff.machines import MachineRefused, disconnect_machine, recognise_kiosk, sign_in_machine
from app.register.store.transaction import db
from tests.register.counting import statements_sent
from tests.register.people import MULLSJO, count_rows

KIOSK, LIBRARY = "2023500-kiosk1", "2023500"


def come(clock, *, password="demo-kiosk", username=KIOSK):
    return sign_in_machine(username=username, password=password, address="203.0.113.7", now=clock())


def shown(clock, username=KIOSK, library_id=LIBRARY) -> UsedMachine:
    return next(each for each in list_used_machines(library_id=library_id, now=clock()) if each.username == username)


def test_a_machine_that_never_came_was_never_seen(clock):
    assert shown(clock).last_seen_at is None
    assert shown(clock).refusals == {}


def test_a_machine_is_seen_to_ten_minutes_and_writes_no_more_often(clock):
    first = clock()
    come(clock)
    assert shown(clock).last_seen_at == first
    clock.turn(seconds=SEEN_EVERY.total_seconds() - 1)
    with statements_sent(db.engine) as sent:
        come(clock)
    assert [statement.split()[0] for statement in sent] == ["SELECT"]
    clock.turn(seconds=1)
    come(clock)
    assert shown(clock).last_seen_at == clock() == first + SEEN_EVERY


def test_what_a_clock_noted_that_was_ahead_is_put_right(clock):
    clock.turn(seconds=86_400)
    come(clock)
    clock.instant -= timedelta(days=1)
    come(clock)
    assert shown(clock).last_seen_at == clock()


def test_a_kiosk_behind_the_gateway_is_seen_too(clock):
    recognise_kiosk(username=KIOSK, library_id=LIBRARY, now=clock())
    assert shown(clock).last_seen_at == clock()


def test_refusals_are_counted_by_reason_for_a_day_and_then_deleted(clock):
    for reason in ("REPLAY", "REPLAY", "EXPIRED"):
        note_refusal(username=KIOSK, reason=reason, now=clock())
    with pytest.raises(MachineRefused):
        come(clock, password="wrong")
    assert shown(clock).refusals == {"REPLAY": 2, "EXPIRED": 1, "WRONG_PASSWORD": 1}
    assert shown(clock, "2023500-kiosk2").refusals == {}
    clock.turn(seconds=25 * 3600)
    assert shown(clock).refusals == {}
    purge(now=clock())
    assert count_rows("machine_refusals") == 0


def test_a_name_that_no_machine_has_is_not_counted(clock):
    with pytest.raises(MachineRefused):
        come(clock, username="N123456789")
    assert count_rows("machine_refusals") == 0


def test_a_library_sees_its_own_machines_alone(clock):
    assert {each.username for each in list_used_machines(library_id=MULLSJO, now=clock())} == {"Mull", "Mull-kiosk1"}


def test_a_machine_that_is_disconnected_leaves_nothing(clock):
    note_refusal(username=KIOSK, reason="REPLAY", now=clock())
    disconnect_machine(username=KIOSK)
    db.session.commit()
    assert count_rows("machine_refusals") == 0
