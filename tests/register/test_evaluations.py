"""The gate before slow hashes: so many at once, and nobody joins a line that is too long."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from app.register.keys import vault as vault_module
from app.register.keys.evaluations import LONGEST_BEFORE, LONGEST_WAIT, Gate, TooBusy
from app.register.keys.vault import hash_password

_PATIENCE_SECONDS = 60


@pytest.fixture
def engine() -> str:
    """What is tested here has no database."""
    return "sqlite"


@contextmanager
def held(gate: Gate, *, waiting: int) -> Iterator[threading.Event]:
    """Hold the gate's only place, with so many behind it, until the block ends."""
    go_on, inside = threading.Event(), threading.Event()

    def wait() -> None:
        inside.set()
        go_on.wait(_PATIENCE_SECONDS)

    with ExitStack() as stack:
        threads = [threading.Thread(target=gate.evaluate, args=(wait,)) for _ in range(waiting + 1)]
        stack.callback(lambda: [thread.join(_PATIENCE_SECONDS) for thread in threads])
        stack.callback(go_on.set)
        for thread in threads:
            thread.start()
        assert inside.wait(_PATIENCE_SECONDS)
        while gate.inside < waiting + 1:
            threading.Event().wait(0.005)
        yield go_on


def test_there_is_room_where_nobody_waits() -> None:
    Gate(at_once=1).check_room()
    Gate(at_once=1).check_room(waited=LONGEST_BEFORE)


def test_who_waited_too_long_for_a_thread_is_refused_though_the_gate_is_free() -> None:
    with pytest.raises(TooBusy) as refused:
        Gate(at_once=4).check_room(waited=LONGEST_BEFORE + 0.01)
    assert refused.value.retry_after >= 2


def test_who_would_wait_for_too_long_behind_others_is_refused_and_those_inside_are_not() -> None:
    gate = Gate(at_once=1, seconds=0.5)
    with held(gate, waiting=2):
        gate.check_room()
    gate = Gate(at_once=1, seconds=0.5)
    with held(gate, waiting=4), pytest.raises(TooBusy) as refused:
        gate.check_room()
    assert refused.value.retry_after >= LONGEST_WAIT
    gate.check_room()


def test_more_places_make_the_line_shorter() -> None:
    gate = Gate(at_once=2, seconds=0.5)
    with held(gate, waiting=4):
        gate.check_room()


def test_what_an_evaluation_takes_is_measured() -> None:
    gate = Gate(at_once=1, seconds=100.0)
    with held(gate, waiting=0), pytest.raises(TooBusy):
        gate.check_room()
    for _ in range(100):
        gate.evaluate(lambda: None)
    with held(gate, waiting=0):
        gate.check_room()


def test_a_turn_that_fails_gives_its_place_on() -> None:
    def fail() -> None:
        raise ValueError("broken")

    gate = Gate(at_once=1)
    for _ in range(3):
        with pytest.raises(ValueError, match="broken"):
            gate.evaluate(fail)
    assert gate.inside == 0
    assert gate.evaluate(lambda: gate.inside) == 1


def test_no_more_than_so_many_hash_at_once(true_argon2: None, monkeypatch: pytest.MonkeyPatch) -> None:
    gate, lock = Gate(at_once=2), threading.Lock()
    running = most = 0

    class Counting:
        def hash(self, secret: str) -> str:
            nonlocal running, most
            with lock:
                running += 1
                most = max(most, running)
            taken = hashed(secret)
            with lock:
                running -= 1
            return taken

    hashed = vault_module.ARGON2ID.hash
    monkeypatch.setattr(vault_module, "GATE", gate)
    monkeypatch.setattr(vault_module, "ARGON2ID", Counting())
    threads = [threading.Thread(target=hash_password, args=("a password",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(_PATIENCE_SECONDS)
    assert most == 2
