"""Tries are counted before they are made, each once, and start anew when their time is over."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text

from app.register.budgets import TooManyAttempts, count_try, give_back_tries, take_tries
from app.register.transaction import TransactionIsOpen, db, direct_connection
from app.rules.pin import Budget
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
        with app.app_context(), direct_connection() as connection:
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
    with direct_connection() as connection:
        first = count_try(connection, purpose="a test", subject="x", seconds=60, now=clock())
        second = count_try(connection, purpose="a test", subject="x", seconds=60, now=clock() + timedelta(seconds=59))
    assert first.free_at == second.free_at == clock() + timedelta(seconds=60)
