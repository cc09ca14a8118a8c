"""What one library may cost a process: a few calls at a time, and none for a while after it did not answer."""

from collections.abc import Callable, Iterator
from contextlib import closing

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
from tests.contract.silent import Silent
from tests.contract.world import ANNA

# Enough for a machine that runs many tests at once, and not for a server that never answers.
SECONDS = 1
HANGS = 30


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


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


@pytest.fixture
def silent() -> Iterator[Silent]:
    with closing(Silent()) as made:
        yield made


def reason_of(call: Callable[[], object]) -> str:
    with pytest.raises(Unavailable) as raised:
        call()
    return raised.value.reason


def test_a_library_that_does_not_answer_three_times_is_not_asked_again_for_twenty_seconds(make: Make, silent: Silent):
    clock = Clock()
    guard = Guard(clock=clock)
    system = make(silent.port, SECONDS, guard)
    calls = [
        lambda: system.accounts(card_numbers=[ANNA]),
        lambda: system.renew(card_number=ANNA, loan_id="1"),
        lambda: system.renew_all(card_number=ANNA),
    ]
    too_slow = [("too_slow", State.CLOSED), ("too_slow", State.CLOSED), ("too_slow", State.OPEN)]
    assert [(reason_of(call), guard.state) for call in calls] == too_slow
    assert silent.new_calls() == 3
    assert [reason_of(call) for call in calls] == ["too_slow"] * 3
    assert silent.new_calls() == 0
    clock.seconds += OPEN_SECONDS
    assert reason_of(calls[0]) == "too_slow"
    assert reason_of(calls[1]) == "too_slow"
    assert silent.new_calls() == 1, "one probe"


def test_more_calls_than_a_library_may_have_at_once_are_refused_without_waiting(make: Make, silent: Silent):
    system = make(silent.port, HANGS, Guard())
    under_way = [start(lambda: system.accounts(card_numbers=[ANNA])) for _ in range(CALLS_AT_ONCE)]
    silent.wait_for_calls(CALLS_AT_ONCE, seconds=HANGS)
    assert reason_of(lambda: system.accounts(card_numbers=[ANNA])) == "busy"
    assert reason_of(lambda: system.renew(card_number=ANNA, loan_id="1")) == "busy"
    assert silent.new_calls() == 0
    silent.close()
    for call in under_way:
        assert isinstance(call.exception(timeout=HANGS), Unavailable)
    # The places are free again: it is asked, and nobody is there.
    assert reason_of(lambda: system.accounts(card_numbers=[ANNA])) == "no_answer"


def test_a_library_that_answers_again_is_asked_again(make: Make, silent: Silent):
    clock = Clock()
    guard = Guard(clock=clock)
    waiting, asking = make(silent.port, SECONDS, guard), make(silent.port, HANGS, guard)
    for _ in range(3):
        reason_of(lambda: waiting.accounts(card_numbers=[ANNA]))
    assert guard.state is State.OPEN
    silent.close()
    clock.seconds += OPEN_SECONDS
    # It says nothing worth reading, but at once.
    assert reason_of(lambda: asking.accounts(card_numbers=[ANNA])) == "no_answer"
    assert guard.state is State.CLOSED


def test_a_slow_library_costs_no_other_its_place(silent: Silent):
    guards = Guard(), Guard()
    slow, other = (circulation_system(silent.port, SECONDS, guard) for guard in guards)
    for _ in range(3):
        reason_of(lambda: slow.accounts(card_numbers=[ANNA]))
    assert silent.new_calls() == 3
    systems = Systems({"slow": slow, "other": other})
    found = ask_libraries(systems=systems, wanted={"slow": [ANNA], "other": [ANNA]}, timeout=HANGS)
    assert found.unavailable == ("slow", "other")
    assert silent.new_calls() == 1, "the other one alone is asked"
    assert [guard.state for guard in guards] == [State.OPEN, State.CLOSED]
    assert systems.not_answering() == ["slow"]
