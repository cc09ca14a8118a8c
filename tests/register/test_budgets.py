"""Tries are counted before they are made, each once, and start anew when their time is over."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text

from app.register.leaving.retention import purge
from app.register.limits.budgets import (
    FirstOf,
    TooManyAttempts,
    count_try,
    give_back_right_tries,
    give_back_tries,
    take_tries,
)
from app.register.store.transaction import TransactionIsOpen, autonomous, db
from app.rules.pins.pin import Budget
from tests.register.people import GUARDIAN, count_rows, patron_id, read_register

FEW = Budget("a test", limit=3, seconds=600)
MANY = Budget("another test", limit=50, seconds=600)


def try_once(*tries, now):
    take_tries(tries=list(tries) or [(FEW, "somebody")], now=now)


def test_a_budget_is_used_up_after_its_limit_and_says_how_long_to_wait(clock):
    for _ in range(3):
        try_once(now=clock())
    with pytest.raises(TooManyAttempts) as refused:
        try_once(now=clock.turn(seconds=200))
    assert refused.value.retry_after == 400


def test_a_budget_starts_anew_when_its_time_is_over_and_not_before(clock):
    for _ in range(3):
        try_once(now=clock())
    with pytest.raises(TooManyAttempts):
        try_once(now=clock.turn(seconds=599))
    for _ in range(3):
        try_once(now=clock.turn(seconds=1))
    with pytest.raises(TooManyAttempts):
        try_once(now=clock())


def test_trying_on_while_refused_does_not_lengthen_the_wait(clock):
    for _ in range(3):
        try_once(now=clock())
    for _ in range(20):
        with pytest.raises(TooManyAttempts):
            try_once(now=clock.turn(seconds=20))
    clock.turn(seconds=200)
    try_once(now=clock())


def test_each_subject_and_each_purpose_has_a_budget_of_its_own(clock):
    for _ in range(3):
        try_once((FEW, "somebody"), now=clock())
    try_once((FEW, "somebody else"), now=clock())
    try_once((MANY, "somebody"), now=clock())


def test_the_first_budget_that_is_used_up_spares_those_behind_it(clock):
    for _ in range(3):
        try_once((FEW, "somebody"), now=clock())
    for _ in range(MANY.limit):
        with pytest.raises(TooManyAttempts):
            try_once((FEW, "somebody"), (MANY, "somebody"), now=clock())
    try_once((MANY, "somebody"), now=clock())


def test_a_try_given_back_can_be_taken_again(clock):
    for _ in range(10):
        try_once(now=clock())
        give_back_tries(tries=[(FEW, "somebody")])


def test_no_more_is_given_back_than_was_taken(clock):
    for _ in range(5):
        give_back_tries(tries=[(FEW, "somebody")])
    for _ in range(3):
        try_once(now=clock())
    with pytest.raises(TooManyAttempts):
        try_once(now=clock())


def test_however_many_try_at_once_each_is_counted(app, clock):
    def take(_number):
        with app.app_context(), autonomous() as connection:
            return count_try(connection, purpose="a test", subject="all", seconds=600, now=clock()).taken

    with ThreadPoolExecutor(10) as pool:
        assert sorted(pool.map(take, range(100))) == list(range(1, 101))


def test_a_try_is_kept_although_the_request_is_undone(clock):
    try_once(now=clock())
    db.session.rollback()
    assert count_rows("attempt_counts") == 1


def test_neither_card_number_nor_address_is_in_a_counter(clock):
    try_once((FEW, GUARDIAN), (FEW, "203.0.113.7"), now=clock())
    kept = repr(read_register()["attempt_counts"])
    assert GUARDIAN not in kept
    assert "203.0.113.7" not in kept


def test_a_count_while_the_request_holds_a_transaction_is_a_fault_at_once(clock):
    db.session.execute(text("SELECT 1"))
    with pytest.raises(TransactionIsOpen):
        try_once(now=clock())
    db.session.rollback()
    assert patron_id(GUARDIAN)


def test_a_window_is_counted_from_its_first_try(clock):
    with autonomous() as connection:
        first = count_try(connection, purpose="a test", subject="x", seconds=60, now=clock())
        second = count_try(connection, purpose="a test", subject="x", seconds=60, now=clock() + timedelta(seconds=59))
    assert first.free_at == second.free_at == clock() + timedelta(seconds=60)


def ways(*budgets):
    return FirstOf(tuple((budget,) for budget in budgets))


def test_of_several_ways_the_first_that_has_room_is_taken_and_no_other(clock):
    either = ways((FEW, "own"), (MANY, "shared"))
    taken = [take_tries(tries=[either], now=clock()) for _ in range(5)]
    assert taken == [[(FEW, "own")]] * 3 + [[(MANY, "shared")]] * 2


def test_several_ways_are_used_up_when_all_are_and_the_wait_is_the_shortest(clock):
    soon = Budget("a short one", limit=1, seconds=60)
    either = ways((FEW, "own"), (soon, "own"))
    for _ in range(4):
        take_tries(tries=[either], now=clock())
    with pytest.raises(TooManyAttempts) as refused:
        take_tries(tries=[either], now=clock())
    assert (refused.value.retry_after, refused.value.purpose) == (60, FEW.purpose)


def test_a_try_that_one_budget_refuses_counts_in_none(clock):
    for _ in range(3):
        try_once((FEW, "somebody"), now=clock())
    before = read_register()["attempt_counts"]
    for order in ([(FEW, "somebody"), (MANY, "all")], [(MANY, "all"), (FEW, "somebody")]):
        with pytest.raises(TooManyAttempts):
            try_once(*order, now=clock())
    assert read_register()["attempt_counts"] == before


def test_however_many_try_several_budgets_at_once_no_more_are_let_through(make_app, clock):
    portals = [make_app(), make_app()]

    def take(number):
        with portals[number % 2].app_context():
            try:
                take_tries(tries=[(MANY, f"{number % 3}"), (MANY, "all"), ways((FEW, "x"), (MANY, "y"))], now=clock())
            except TooManyAttempts:
                return 0
            return 1

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(take, range(120))) == MANY.limit


@pytest.mark.parametrize("ahead", [timedelta(days=400), timedelta(minutes=1)])
def test_a_counter_that_a_wrong_clock_began_in_the_future_is_worth_nothing(clock, ahead):
    for _ in range(3):
        try_once(now=clock() + ahead)
    with pytest.raises(TooManyAttempts):
        try_once(now=clock() + ahead)
    for _ in range(3):
        try_once(now=clock())
    with pytest.raises(TooManyAttempts):
        try_once(now=clock())


def test_a_clock_that_is_a_little_behind_another_gives_no_new_tries_and_no_longer_wait(clock):
    for _ in range(3):
        try_once(now=clock() + timedelta(seconds=8))
    with pytest.raises(TooManyAttempts) as refused:
        try_once(now=clock())
    assert refused.value.retry_after == FEW.seconds


def test_what_a_wrong_clock_began_in_the_future_is_thrown_away(clock):
    try_once((FEW, "ahead"), now=clock() + timedelta(days=400))
    try_once((FEW, "today"), now=clock())
    purge(now=clock())
    assert count_rows("attempt_counts") == 1


def test_a_source_grows_with_the_different_cards_that_signed_in_rightly_there(clock):
    growing = Budget("a growing one", limit=3, seconds=600, per_card=0.5)
    for card in ("one", "two", "two", "three", "four"):
        give_back_right_tries(tries=[], card=card, address="203.0.113.7", now=clock())
    for _ in range(5):
        try_once((growing, "203.0.113.7"), now=clock())
    with pytest.raises(TooManyAttempts):
        try_once((growing, "203.0.113.7"), now=clock())
    try_once(*[(growing, "203.0.113.8")] * 3, now=clock())
    with pytest.raises(TooManyAttempts):
        try_once((growing, "203.0.113.8"), now=clock())


def test_a_school_begins_the_day_with_what_it_had_the_day_before_and_not_with_last_weeks(clock):
    growing = Budget("a growing one", limit=1, seconds=600, per_card=1)
    for card in ("one", "two"):
        give_back_right_tries(tries=[], card=card, address="203.0.113.7", now=clock())
    try_once(*[(growing, "203.0.113.7")] * 3, now=clock.turn(days=1))
    with pytest.raises(TooManyAttempts):
        try_once(*[(growing, "203.0.113.7")] * 2, now=clock.turn(days=1))
