"""What a scanned code is worth: the order of the checks, the window, the clock, and once only."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.card.code import CardCode, Kind, step_at, totp_at
from app.rules.card.scan import CLOCK_STEPS, FAILURES_PER_TERMINAL, Again, Cause, Fresh, Known, Reason, Refused, judge
from app.rules.card.status import State

KEY = bytes(range(20))
NOW = datetime(2026, 11, 22, 9, 0, 0, tzinfo=UTC)
STEP = step_at(NOW)
HERE, THERE = "desk:1", "kiosk:2"
SECONDS_IN_A_YEAR = 366 * 86400

GOOD = Known(
    kind=Kind.ROTATING,
    key=KEY,
    revoked=False,
    expires_at=(NOW + timedelta(days=90)).timestamp(),
    state=State.ACTIVE,
    static_allowed=False,
    failures_here=0,
    last_step=0,
    last_terminal=None,
    last_presented_at=None,
    drift=0,
)
DRIFTS = st.sampled_from([-1, 0, 1])


def code_at(step: int) -> CardCode:
    return CardCode(kind=Kind.ROTATING, credential="123456789012", totp=totp_at(key=KEY, step=step))


def wrong_code() -> CardCode:
    near = {totp_at(key=KEY, step=step) for step in range(STEP - 50, STEP + 50)}
    return replace(code_at(STEP), totp=next(f"{number:08d}" for number in range(10**8) if f"{number:08d}" not in near))


STATIC = CardCode(kind=Kind.STATIC, credential="123456789012", totp="")


def ask(code=None, known=GOOD, *, terminal=HERE, now=NOW):
    return judge(code=code or code_at(STEP), known=known, terminal=terminal, now=now)


def test_the_code_of_this_step_is_accepted():
    assert ask() == Fresh(STEP, drift=0)


def test_a_credential_that_nobody_knows_is_unknown():
    assert ask(known=None) == Refused(Reason.UNKNOWN) == judge(code=code_at(STEP), known=None, terminal=HERE, now=NOW)


def test_a_code_of_another_kind_than_the_credential_is_unknown():
    static = replace(GOOD, kind=Kind.STATIC, static_allowed=True)
    assert ask(known=static) == Refused(Reason.UNKNOWN)
    assert ask(STATIC, replace(GOOD, static_allowed=True)) == Refused(Reason.UNKNOWN)


# Each fault with what it is answered; a credential that has a fault and every later one gets the first's answer.
FAULTS_IN_ORDER = [
    ({"state": State.LOST}, Refused(Reason.REVOKED, Cause.CARD_LOST)),
    ({"revoked": True}, Refused(Reason.REVOKED)),
    ({"expires_at": NOW.timestamp()}, Refused(Reason.EXPIRED)),
    ({"failures_here": FAILURES_PER_TERMINAL}, Refused(Reason.THROTTLED)),
    ({"key": bytes(20)}, Refused(Reason.UNKNOWN, Cause.WRONG_CODE)),
]


@pytest.mark.parametrize("first", range(len(FAULTS_IN_ORDER)))
def test_the_checks_come_in_the_protocols_order(first):
    faults = {}
    for fault, _answer in FAULTS_IN_ORDER[first:]:
        faults |= fault
    assert ask(known=replace(GOOD, **faults)) == FAULTS_IN_ORDER[first][1]


@pytest.mark.parametrize(("fault", "answer"), FAULTS_IN_ORDER)
def test_each_fault_alone_is_enough(fault, answer):
    assert ask(known=replace(GOOD, **fault)) == answer


def test_staff_are_told_of_a_lost_card_also_where_its_devices_are_revoked():
    assert ask(known=replace(GOOD, state=State.LOST, revoked=True)) == Refused(Reason.REVOKED, Cause.CARD_LOST)


@pytest.mark.parametrize("cause", [Cause.FROZEN, Cause.DECEASED, Cause.LOCAL_CARD])
def test_a_card_that_is_not_to_be_used_here_is_refused_with_its_cause(cause):
    assert ask(known=replace(GOOD, state=State(cause.value))) == Refused(Reason.REVOKED, cause)


def test_a_card_expires_on_the_second():
    assert ask(known=replace(GOOD, expires_at=NOW.timestamp() + 1)) == Fresh(STEP, drift=0)
    assert ask(known=replace(GOOD, expires_at=NOW.timestamp())) == Refused(Reason.EXPIRED)


def test_the_tenth_failure_at_a_terminal_is_the_last():
    assert ask(known=replace(GOOD, failures_here=FAILURES_PER_TERMINAL - 1)) == Fresh(STEP, drift=0)
    assert ask(known=replace(GOOD, failures_here=FAILURES_PER_TERMINAL)) == Refused(Reason.THROTTLED)


def test_a_static_code_is_taken_only_where_the_library_allows_it():
    static = replace(GOOD, kind=Kind.STATIC)
    assert ask(STATIC, static) == Refused(Reason.STATIC_FORBIDDEN)
    assert ask(STATIC, replace(static, static_allowed=True)) == Fresh(STEP, drift=0)


def test_a_revoked_static_code_is_revoked_rather_than_forbidden():
    assert ask(STATIC, replace(GOOD, kind=Kind.STATIC, revoked=True)) == Refused(Reason.REVOKED)


@pytest.mark.parametrize("drift", [-1, 0, 1])
def test_the_window_is_one_step_each_way_and_the_drift_that_was_learnt(drift):
    accepted = {
        offset
        for offset in range(-CLOCK_STEPS, CLOCK_STEPS + 1)
        if isinstance(ask(code_at(STEP + offset), replace(GOOD, drift=drift)), Fresh)
    }
    assert accepted == {-1: {-2, -1, 0, 1}, 0: {-1, 0, 1}, 1: {-1, 0, 1, 2}}[drift]


@pytest.mark.parametrize("drift", [-1, 0, 1])
def test_no_drift_that_is_learnt_is_more_than_one_step(drift):
    for offset in range(-3, 4):
        verdict = ask(code_at(STEP + offset), replace(GOOD, drift=drift))
        if isinstance(verdict, Fresh):
            assert verdict.drift == max(-1, min(1, offset))


@pytest.mark.parametrize("drift", [-1, 0, 1])
@pytest.mark.parametrize("offset", [3, 10, 20])
def test_a_code_of_a_clock_that_is_wrong_says_so(drift, offset):
    for shown in (STEP - offset, STEP + offset):
        assert ask(code_at(shown), replace(GOOD, drift=drift)) == Refused(Reason.CLOCK)


def test_a_code_further_off_than_twenty_steps_is_just_wrong():
    for offset in (-CLOCK_STEPS - 1, CLOCK_STEPS + 1):
        assert ask(code_at(STEP + offset)) == Refused(Reason.UNKNOWN, Cause.WRONG_CODE)


def test_a_wrong_code_is_unknown_and_staff_are_told_the_cause():
    assert ask(wrong_code()) == Refused(Reason.UNKNOWN, Cause.WRONG_CODE)


@given(seconds=st.integers(0, SECONDS_IN_A_YEAR * 30), learnt=st.lists(st.integers(-40, 40), max_size=6))
def test_a_code_ninety_seconds_old_is_clock_whatever_drift_was_learnt(seconds, learnt):
    now = NOW + timedelta(seconds=seconds)
    known = replace(GOOD, expires_at=now.timestamp() + 10 * 86400)
    # A phone whose clock wanders teaches the credential a drift, one honest scan at a time.
    for turn, wandered in enumerate(learnt, start=1):
        then = now - timedelta(days=8) + timedelta(hours=turn)
        verdict = ask(code_at(step_at(then + timedelta(seconds=wandered))), known, now=then)
        if isinstance(verdict, Fresh):
            known = replace(known, last_step=verdict.step, last_terminal=THERE, drift=verdict.drift)
    old = code_at(step_at(now - timedelta(seconds=90)))
    assert ask(old, known, now=now) == Refused(Reason.CLOCK)


def honest_scan(*, shown_at: float, delay: float, clock_error: float):
    """A phone whose clock is off shows its code; the terminal reads it after a delay."""
    start = NOW.timestamp()
    code = code_at(step_at(datetime.fromtimestamp(start + shown_at + clock_error, UTC)))
    return ask(code, now=datetime.fromtimestamp(start + shown_at + delay, UTC))


def test_a_hundred_random_instants_across_step_borders_give_no_refused_honest_scan():
    chance = random.Random(2026)
    for _ in range(100):
        border = chance.randrange(1000) * 30
        verdict = honest_scan(
            shown_at=border + chance.uniform(-8, 8),
            delay=chance.uniform(0.3, 8),
            clock_error=chance.uniform(-20, 20),
        )
        assert isinstance(verdict, Fresh)


@given(shown_at=st.floats(0, 86400), delay=st.floats(0.3, 8), clock_error=st.floats(-20, 20))
def test_no_honest_scan_is_ever_refused(shown_at, delay, clock_error):
    assert isinstance(honest_scan(shown_at=shown_at, delay=delay, clock_error=clock_error), Fresh)


TAKEN = replace(GOOD, last_step=STEP, last_terminal=HERE)


def test_the_same_terminal_gets_the_answer_it_already_got():
    assert ask(known=TAKEN) == Again(STEP)


def test_another_terminal_is_refused_as_replay():
    assert ask(known=TAKEN, terminal=THERE) == Refused(Reason.REPLAY)


def test_a_step_whose_terminal_was_forgotten_is_still_replay():
    assert ask(known=replace(TAKEN, last_terminal=None)) == Refused(Reason.REPLAY)


def test_an_older_step_is_replay_at_the_terminal_of_a_newer_one_too():
    assert ask(code_at(STEP - 1), TAKEN) == Refused(Reason.REPLAY)


def test_the_next_code_is_accepted_at_any_terminal():
    later = NOW + timedelta(seconds=30)
    for terminal in (HERE, THERE):
        assert ask(code_at(STEP + 1), TAKEN, terminal=terminal, now=later) == Fresh(STEP + 1, drift=0)


@given(
    scans=st.lists(
        st.tuples(st.floats(0, 90), st.integers(-3, 3), st.sampled_from([HERE, THERE])), min_size=2, max_size=12
    )
)
def test_no_step_is_taken_twice_and_none_goes_back_however_terminals_and_clocks_behave(scans):
    known, now, taken = GOOD, NOW, []
    for wait, offset, terminal in scans:
        now += timedelta(seconds=wait)
        verdict = ask(code_at(step_at(now) + offset), known, terminal=terminal, now=now)
        if isinstance(verdict, Fresh):
            taken.append(verdict.step)
            known = replace(known, last_step=verdict.step, last_terminal=terminal, drift=verdict.drift)
        if isinstance(verdict, Again):
            assert (verdict.step, terminal) == (known.last_step, known.last_terminal)
    assert taken == sorted(set(taken))


def test_a_step_that_a_clock_took_which_was_ahead_holds_no_other_up():
    for ahead in (timedelta(seconds=30), timedelta(hours=1), timedelta(days=400)):
        then = NOW + ahead
        known = replace(GOOD, last_step=step_at(then), last_terminal=HERE, last_presented_at=then)
        assert ask(known=known) == ask(known=known, terminal=THERE) == Fresh(STEP, drift=0)
        assert ask(code_at(STEP - 1), known) == Fresh(STEP - 1, drift=-1)


def test_a_step_of_the_future_is_worth_nothing_also_where_its_terminal_was_forgotten():
    for ahead in (3, 10, 400 * 2880):
        assert ask(known=replace(GOOD, last_step=STEP + ahead)) == Fresh(STEP, drift=0)
    for ahead in (1, 2):
        assert ask(known=replace(GOOD, last_step=STEP + ahead)) == Refused(Reason.REPLAY)


def test_a_phone_that_is_ahead_is_no_clock_of_ours_that_was():
    early = replace(GOOD, last_step=STEP + 2, last_terminal=HERE, last_presented_at=NOW, drift=1)
    assert ask(known=early) == ask(known=early, terminal=THERE) == Refused(Reason.REPLAY)
    assert ask(code_at(STEP + 2), early) == Again(STEP + 2)
    assert ask(code_at(STEP + 2), early, terminal=THERE) == Refused(Reason.REPLAY)
