"""The circuit breaker before a library's system, by a turned clock."""

from app.rules.circuit import OPEN_SECONDS, PROBE_SECONDS, TIMEOUTS_IN_A_ROW, Circuit, State


def opened(*, now: float) -> Circuit:
    circuit = Circuit()
    for _ in range(TIMEOUTS_IN_A_ROW):
        circuit = circuit.note_timeout(now=now)
    return circuit


def test_it_opens_after_three_timeouts_in_a_row():
    circuit = Circuit()
    for _ in range(2):
        circuit = circuit.note_timeout(now=5)
        assert circuit.begin_call(now=5) is circuit
    circuit = circuit.note_timeout(now=5)
    assert circuit.state(now=5) is State.OPEN
    assert circuit.begin_call(now=5) is None


def test_an_answer_in_between_begins_the_row_anew():
    circuit = Circuit()
    for _ in range(20):
        circuit = circuit.note_timeout(now=1).note_timeout(now=1).note_answer()
    assert circuit.state(now=1) is State.CLOSED


def test_it_lets_nobody_through_for_twenty_seconds_and_then_one():
    circuit = opened(now=100)
    assert circuit.begin_call(now=100 + OPEN_SECONDS - 0.001) is None
    probing = circuit.begin_call(now=100 + OPEN_SECONDS)
    assert probing is not None
    assert probing.begin_call(now=100 + OPEN_SECONDS) is None, "one probe is enough"


def test_an_answer_to_the_probe_closes_it():
    probing = opened(now=100).begin_call(now=120)
    assert probing is not None
    assert probing.note_answer() == Circuit()


def test_a_timeout_of_the_probe_opens_it_for_twenty_seconds_more():
    probing = opened(now=100).begin_call(now=120)
    assert probing is not None
    circuit = probing.note_timeout(now=123)
    assert circuit.begin_call(now=123 + OPEN_SECONDS - 0.001) is None
    assert circuit.begin_call(now=123 + OPEN_SECONDS) is not None


def test_timeouts_of_calls_that_began_before_it_opened_do_not_prolong_it():
    circuit = opened(now=100)
    for _ in range(10):
        circuit = circuit.note_timeout(now=103)
    assert circuit.begin_call(now=100 + OPEN_SECONDS) is not None


def test_a_probe_of_which_nothing_is_heard_does_not_shut_it_for_ever():
    probing = opened(now=100).begin_call(now=120)
    assert probing is not None
    assert probing.state(now=120 + PROBE_SECONDS - 0.001) is State.OPEN
    assert probing.state(now=120 + PROBE_SECONDS) is State.HALF_OPEN
