"""What one library may cost a process: a few calls at a time, and none for a while after it did not answer."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from app.ils.budget import start
from app.ils.circulation.system import CirculationSystem
from app.ils.guard import CALLS_AT_ONCE, Guard
from app.ils.json_call import make_client
from app.ils.koha.login import BasicLogin
from app.ils.koha.system import KohaSystem
from app.ils.overview import ask_libraries
from app.ils.port import LibrarySystem, Unavailable
from app.ils.sip2.system import Sip2System
from app.ils.sip2.wire import Sip2Settings
from app.ils.systems import Systems
from app.rules.circuit import OPEN_SECONDS, State
from tests.contract.world import ANNA, listening

# Enough for a machine that runs many tests at once, and not for a server that never answers.
SECONDS = 0.3
HANGS = 30


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Silent:
    """A server that takes calls and answers none until it is told to hang up."""

    def __init__(self) -> None:
        self.came = threading.Semaphore(0)
        self.hang_up = threading.Event()

    def was_called(self, times: int) -> bool:
        """Tell whether so many calls have come since the last time, and no more."""
        return all(self.came.acquire(timeout=HANGS) for _ in range(times)) and not self.came.acquire(blocking=False)

    def __call__(self, _connection: object, _stop: threading.Event) -> None:
        self.came.release()
        self.hang_up.wait(HANGS)


def circulation_system(port: int, seconds: float, guard: Guard) -> LibrarySystem:
    url = f"http://127.0.0.1:{port}"
    return CirculationSystem(
        client=make_client(), url=url, library_id="Mull", user="p", password="p", seconds=seconds, guard=guard
    )


def koha_system(port: int, seconds: float, guard: Guard) -> LibrarySystem:
    login = BasicLogin(user="p", password="p")
    url = f"http://127.0.0.1:{port}"
    return KohaSystem(client=make_client(), url=url, login=login, currency="NOK", seconds=seconds, guard=guard)


def sip2_system(port: int, seconds: float, guard: Guard) -> LibrarySystem:
    settings = Sip2Settings(host="127.0.0.1", port=port, currency="NOK", tls=False)
    return Sip2System(settings=settings, seconds=seconds, guard=guard)


Make = Callable[[int, float, Guard], LibrarySystem]


@pytest.fixture(params=[circulation_system, koha_system, sip2_system])
def make(request: pytest.FixtureRequest) -> Make:
    return request.param


@contextmanager
def silent_server() -> Iterator[tuple[Silent, int]]:
    silent = Silent()
    with listening(silent) as port:
        try:
            yield silent, port
        finally:
            silent.hang_up.set()


def reason_of(call: Callable[[], object]) -> str:
    with pytest.raises(Unavailable) as raised:
        call()
    return raised.value.reason


def test_a_library_that_does_not_answer_three_times_is_not_asked_again_for_twenty_seconds(make: Make):
    clock = Clock()
    with silent_server() as (silent, port):
        system = make(port, SECONDS, Guard(clock=clock))
        calls = [
            lambda: system.accounts(card_numbers=[ANNA]),
            lambda: system.renew(card_number=ANNA, loan_id="1"),
            lambda: system.renew_all(card_number=ANNA),
        ]
        assert [reason_of(call) for call in calls] == ["too_slow"] * 3
        assert silent.was_called(times=3)
        assert [reason_of(call) for call in calls] == ["too_slow"] * 3
        assert silent.was_called(times=0)
        clock.seconds += OPEN_SECONDS
        assert reason_of(calls[0]) == "too_slow"
        assert reason_of(calls[1]) == "too_slow"
        assert silent.was_called(times=1), "one probe"


def test_more_calls_than_a_library_may_have_at_once_are_refused_without_waiting(make: Make):
    with silent_server() as (silent, port):
        system = make(port, HANGS, Guard())
        under_way = [start(lambda: system.accounts(card_numbers=[ANNA])) for _ in range(CALLS_AT_ONCE)]
        assert silent.was_called(times=CALLS_AT_ONCE)
        assert reason_of(lambda: system.accounts(card_numbers=[ANNA])) == "busy"
        assert reason_of(lambda: system.renew(card_number=ANNA, loan_id="1")) == "busy"
        assert silent.was_called(times=0)
        silent.hang_up.set()
        for call in under_way:
            assert isinstance(call.exception(timeout=HANGS), Unavailable)
        # The places are free again: it is asked, and hangs up.
        assert reason_of(lambda: system.accounts(card_numbers=[ANNA])) == "no_answer"


def test_a_library_that_answers_again_is_asked_again(make: Make):
    clock = Clock()
    guard = Guard(clock=clock)
    with silent_server() as (silent, port):
        system = make(port, SECONDS, guard)
        for _ in range(3):
            reason_of(lambda: system.accounts(card_numbers=[ANNA]))
        assert guard.state is State.OPEN
        silent.hang_up.set()
        clock.seconds += OPEN_SECONDS
        # It says nothing worth reading, but at once.
        assert reason_of(lambda: system.accounts(card_numbers=[ANNA])) == "no_answer"
        assert guard.state is State.CLOSED


def test_a_slow_library_costs_no_other_its_place():
    with silent_server() as (silent, port):
        systems = {name: circulation_system(port, SECONDS, Guard()) for name in ("slow", "other")}
        for _ in range(3):
            reason_of(lambda: systems["slow"].accounts(card_numbers=[ANNA]))
        assert silent.was_called(times=3)
        found = ask_libraries(systems=Systems(systems), wanted={"slow": [ANNA], "other": [ANNA]}, timeout=HANGS)
        assert found.unavailable == ("slow", "other")
        assert silent.was_called(times=1), "the other one alone is asked"
        assert Systems(systems).not_answering() == ["slow"]
