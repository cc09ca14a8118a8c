"""Unusual numbers: beside what is usual at that library in that hour."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from app.register.limits.budgets import TooManyAttempts
from app.register.limits.unusual import Kind, count_act, list_unusual
from app.register.store.transaction import db
from app.register.tables.library import ActCount
from tests.conftest import Clock
from tests.register.people import MULLSJO, ULLENSAKER

FLOOR = 30


def do(times: int, clock: Clock, *, library_id: str = ULLENSAKER) -> int:
    """Activate so many cards in this second. Returns how many went on."""
    done = 0
    for _ in range(times):
        try:
            count_act(Kind.ACTIVATION, library_id=library_id, now=clock())
        except TooManyAttempts:
            continue
        else:
            done += 1
    return done


def was_usual(counts: list[int], clock: Clock) -> None:
    hour = clock().replace(minute=0, second=0, microsecond=0)
    for week, taken in enumerate(counts, start=1):
        at = hour - timedelta(weeks=week)
        row = {"library_id": ULLENSAKER, "kind": Kind.ACTIVATION.value, "hour": at, "taken": taken}
        db.session.execute(insert(ActCount).values(row))
    db.session.commit()


def test_what_is_unusual_nowhere_goes_on(clock: Clock) -> None:
    assert do(FLOOR, clock) == FLOOR
    assert list_unusual(since=clock() - timedelta(days=1)) == []


def test_far_more_than_usual_slows_that_library_down_and_no_other(clock: Clock) -> None:
    assert do(FLOOR + 20, clock) == FLOOR + 1
    clock.turn(seconds=30)
    assert do(5, clock) == 1
    with pytest.raises(TooManyAttempts) as slowed:
        count_act(Kind.ACTIVATION, library_id=ULLENSAKER, now=clock())
    assert slowed.value.retry_after == 30
    assert do(FLOOR, clock, library_id=MULLSJO) == FLOOR
    count_act(Kind.FOREIGN, library_id=ULLENSAKER, now=clock())
    clock.turn(seconds=3600)
    assert do(FLOOR, clock) == FLOOR


def test_three_times_the_mean_of_the_same_hour_of_four_weeks_is_usual(clock: Clock) -> None:
    was_usual([40, 0, 60, 20], clock)
    assert do(100, clock) == 91
    clock.turn(days=1)
    assert do(100, clock) == FLOOR + 1


def test_what_was_refused_makes_nothing_usual(clock: Clock) -> None:
    do(200, clock)
    taken = db.session.scalar(select(ActCount.taken))
    db.session.rollback()
    assert taken == FLOOR + 1


def test_the_operator_is_told_once_an_hour(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    do(FLOOR + 20, clock)
    clock.turn(seconds=60)
    do(5, clock)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "unusual numbers" in line]
    told = [{name: line[name] for name in ("level", "library_id", "kind", "count", "usual")} for line in lines]
    assert told == [
        {"level": "warning", "library_id": ULLENSAKER, "kind": "activation", "count": FLOOR + 1, "usual": 0}
    ]
    (listed,) = list_unusual(since=clock() - timedelta(days=1))
    assert (listed.library_id, listed.kind, listed.taken) == (ULLENSAKER, "activation", FLOOR + 2)
