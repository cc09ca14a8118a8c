"""Many libraries at once: each is asked once, and those that fail delay nobody beyond the time-out."""

import logging
import threading
from contextlib import ExitStack
from time import monotonic

import pytest

from app.ils.overview import ask_libraries
from app.ils.port import Account, Unavailable
from app.ils.systems import Systems
from tests.contract.koha_world import koha
from tests.contract.sip2_world import sip2
from tests.contract.test_unusable_answers import circulation_at, koha_at, sip2_at
from tests.contract.world import ANNA, BERIT, CARLA, NOBODY, drip, listening, say, silence

TIMEOUT = 10


def test_each_library_is_asked_once_for_the_whole_family(circulation, sip2_world):
    circulation.lend(ANNA)
    sip2_world.lend(BERIT)
    before = circulation.calls(), sip2_world.calls()
    systems = Systems({"Mull": circulation.system, "Nba": sip2_world.system})
    family = [ANNA, BERIT, CARLA, NOBODY]
    overview = ask_libraries(systems=systems, wanted={"Mull": family, "Nba": family}, timeout=TIMEOUT)
    assert (circulation.calls() - before[0], sip2_world.calls() - before[1]) == (1, 1)
    assert {library: len(accounts) for library, accounts in overview.accounts.items()} == {"Mull": 4, "Nba": 4}
    assert [(library, len(account.loans)) for library, account in overview.of(ANNA)] == [("Mull", 1), ("Nba", 0)]
    assert overview.unavailable == overview.unconnected == ()


def test_dead_slow_and_babbling_libraries_are_named_and_the_rest_is_shown(caplog):
    with ExitStack() as stack:
        alive = stack.enter_context(koha(oauth=False))
        also_alive = stack.enter_context(sip2())
        alive.lend(ANNA)
        also_alive.lend(ANNA)
        systems = Systems(
            {
                "dead": circulation_at(stack.enter_context(listening(silence))),
                "alive": alive.system,
                "slow": koha_at(stack.enter_context(listening(drip))),
                "babbling": circulation_at(stack.enter_context(listening(say(b"\x00" * 500)))),
                "also-alive": also_alive.system,
                "dead-too": sip2_at(stack.enter_context(listening(silence))),
            }
        )
        wanted = {library: [ANNA, BERIT] for library in ("dead", "alive", "slow", "babbling", "also-alive", "dead-too")}
        began = monotonic()
        with caplog.at_level(logging.DEBUG):
            overview = ask_libraries(systems=systems, wanted=wanted, timeout=TIMEOUT)
        assert monotonic() - began < 3 * TIMEOUT
    assert overview.unavailable == ("dead", "slow", "babbling", "dead-too")
    assert list(overview.accounts) == ["alive", "also-alive"]
    assert [len(account.loans) for _, account in overview.of(ANNA)] == [1, 1]
    assert "library unavailable: dead (" in caplog.text
    assert ANNA not in caplog.text


class NeverAnswers:
    """A system that does not keep its own time-out."""

    def __init__(self) -> None:
        self.release = threading.Event()
        self.calls = 0

    def accounts(self, *, card_numbers):
        self.calls += 1
        self.release.wait(120)
        raise Unavailable("too_slow")


def test_a_system_that_breaks_its_promise_is_left_behind():
    stuck = NeverAnswers()
    began = monotonic()
    overview = ask_libraries(systems=Systems({"stuck": stuck}), wanted={"stuck": [ANNA]}, timeout=0.1)
    assert monotonic() - began < 3 * TIMEOUT
    stuck.release.set()
    assert (overview.unavailable, stuck.calls) == (("stuck",), 1)


class Faulty:
    def accounts(self, *, card_numbers):
        raise KeyError(card_numbers[0])


def test_an_error_nobody_thought_of_costs_one_library_and_names_nobody(caplog):
    overview = ask_libraries(systems=Systems({"faulty": Faulty()}), wanted={"faulty": [ANNA]})
    assert overview.unavailable == ("faulty",)
    assert "KeyError" in caplog.text
    assert ANNA not in caplog.text


def test_a_library_without_a_connected_system_is_not_called_unavailable():
    overview = ask_libraries(systems=Systems({}), wanted={"Mull": [ANNA]})
    assert (overview.unconnected, overview.unavailable, dict(overview.accounts)) == (("Mull",), (), {})


def test_a_library_is_not_asked_about_nobody():
    stuck = NeverAnswers()
    overview = ask_libraries(systems=Systems({"stuck": stuck}), wanted={"stuck": []})
    assert (stuck.calls, dict(overview.accounts), overview.unavailable) == (0, {}, ())


@pytest.mark.parametrize("timeout", [0.0, -1.0])
def test_without_time_nobody_is_waited_for(timeout):
    stuck = NeverAnswers()
    assert ask_libraries(systems=Systems({"s": stuck}), wanted={"s": [ANNA]}, timeout=timeout).unavailable == ("s",)
    stuck.release.set()


def test_nothing_is_kept_between_two_questions():
    class Counting:
        def __init__(self) -> None:
            self.calls = 0

        def accounts(self, *, card_numbers):
            self.calls += 1
            return [Account(card, "SEK", (), (), (), (), (), self.calls, 0) for card in card_numbers]

    systems = Systems({"Mull": Counting()})
    told = [ask_libraries(systems=systems, wanted={"Mull": [ANNA]}).of(ANNA)[0][1].debt_total for _ in range(3)]
    assert told == [1, 2, 3]
