"""How the operator sees which library fails or is slow now: without a press, and without waiting for it."""

import threading
from collections.abc import Sequence
from datetime import timedelta

from app.ils.port import Account, Refused, Unavailable
from app.ils.systems import Systems
from app.operator.watch import EVERY, VERSION_EVERY, Answer, Watch, ask
from tests.conftest import Clock

PATIENCE = 60.0


class Library:
    """A library's system that answers, or does not."""

    def __init__(self, *, error: Exception | None = None, version: str = "SIP2 2.00") -> None:
        self.error, self.told, self.asked, self.versions = error, version, 0, 0

    def accounts(self, *, card_numbers: Sequence[str]) -> list[Account]:
        self.asked += 1
        if self.error:
            raise self.error
        return []

    def version(self) -> str:
        self.versions += 1
        return self.told


class Stuck(Library):
    """One that answers when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.release = threading.Event()

    def accounts(self, *, card_numbers: Sequence[str]) -> list[Account]:
        self.release.wait(PATIENCE)
        return super().accounts(card_numbers=card_numbers)


def systems(**libraries: Library) -> Systems:
    return Systems(libraries)  # type: ignore[arg-type]


def looked(watch: Watch, of: Systems, clock: Clock, *, at_once: bool = False) -> dict[str, Answer]:
    watch.begin(of, of.ids(), clock=clock, at_once=at_once)
    assert watch.wait(PATIENCE)
    return dict(watch.seen()[0])


def test_each_system_tells_its_fault_or_its_version(clock: Clock) -> None:
    of = systems(
        fine=Library(),
        refusing=Library(error=Refused("unknown_patron")),
        silent=Library(error=Unavailable("no_answer")),
        broken=Library(error=ValueError("N100000007 has a loan")),
    )
    seen = looked(Watch(), of, clock)
    assert {each: answer.fault for each, answer in seen.items()} == {
        "fine": "",
        "refusing": "",
        "silent": "no_answer",
        "broken": "bad_answer",
    }
    assert (seen["fine"].version, seen["fine"].version_at) == ("SIP2 2.00", clock())
    assert (seen["silent"].version, seen["silent"].version_at) == ("", None)


def test_nobody_is_asked_more_than_once_a_minute_unless_told_to(clock: Clock) -> None:
    library, watch = Library(), Watch()
    of = systems(one=library)
    for _ in range(3):
        looked(watch, of, clock)
    assert library.asked == 1
    clock.turn(seconds=EVERY.total_seconds())
    looked(watch, of, clock)
    looked(watch, of, clock, at_once=True)
    assert library.asked == 3


def test_the_version_is_asked_for_once_an_hour_and_kept_while_it_does_not_answer(clock: Clock) -> None:
    library, watch = Library(version="Koha 24.11"), Watch()
    of = systems(one=library)
    looked(watch, of, clock)
    library.told, library.error = "Koha 25.05", Unavailable("too_slow")
    told_at = clock()
    clock.turn(seconds=VERSION_EVERY.total_seconds())
    seen = looked(watch, of, clock)["one"]
    assert (seen.fault, seen.version, seen.version_at) == ("too_slow", "Koha 24.11", told_at)
    library.error = None
    seen = looked(watch, of, clock, at_once=True)["one"]
    assert (seen.fault, seen.version, library.versions) == ("", "Koha 25.05", 2)


def test_a_slow_library_delays_neither_the_page_nor_the_others(clock: Clock) -> None:
    stuck, watch = Stuck(), Watch()
    of = systems(stuck=stuck, **{f"library{number}": Library() for number in range(40)})
    begun = watch.begin(of, of.ids(), clock=clock)
    assert begun is not None
    while len(watch.seen()[0]) < 40:
        assert not watch.wait(0.01)
    newest = watch.seen()[1]
    assert newest is not None
    assert (newest.asked, newest.of, newest.is_over) == (40, 41, False)
    stuck.release.set()
    assert watch.wait(PATIENCE)


def test_later_than_a_desk_waits_is_slow(clock: Clock) -> None:
    assert not Answer(clock(), 800, "").is_slow
    assert Answer(clock(), 801, "").is_slow
    assert not Answer(clock(), 3000, "too_slow").is_slow


def test_a_clock_that_was_set_back_stops_nothing(clock: Clock) -> None:
    library, watch = Library(), Watch()
    looked(watch, systems(one=library), clock)
    clock.turn(days=-1)
    looked(watch, systems(one=library), clock)
    assert library.asked == 2


def test_a_version_that_nobody_tells_is_empty(clock: Clock) -> None:
    class Mute(Library):
        def version(self) -> str:
            raise Unavailable("no_answer")

    answer = ask(Mute(), None, clock=clock)  # type: ignore[arg-type]
    assert (answer.fault, answer.version, answer.version_at) == ("", "", None)
    assert clock() - answer.asked_at < timedelta(seconds=1)
