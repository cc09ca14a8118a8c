"""How every library's system answers now: asked in the background while somebody looks, so that no page waits for it.

Each is asked what a card has that nobody has, as a patron's page would ask, and once an hour for its version. Answers
are this process's own and end with it. A library is asked at most once a minute, sixteen at a time.
"""

import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import perf_counter
from typing import Final

from app.ils.budget import BUDGET_SECONDS, start
from app.ils.port import LibrarySystem, Refused, Unavailable
from app.ils.systems import Systems

EVERY: Final = timedelta(minutes=1)
VERSION_EVERY: Final = timedelta(hours=1)
SLOW_MILLISECONDS: Final = 800
"""Beyond this a desk goes on without the library (`web.gate.DESK_PATIENCE_SECONDS`)."""
_AT_ONCE: Final = 16
_PROBE: Final = "N999999998"
"""A card number that nobody has: a library that answers says that it knows no such card, or shows nothing."""
# A system that keeps its own time-out has raised before.
_LONGEST_SECONDS: Final = BUDGET_SECONDS + 1


@dataclass(frozen=True, slots=True)
class Answer:
    """How a system answered at `asked_at` (UTC). `fault` is the reason of Unavailable, empty where it answered.

    `version` is what it called itself at `version_at` (UTC); both are kept from before where it was not asked.
    """

    asked_at: datetime
    milliseconds: int
    fault: str
    version: str = ""
    version_at: datetime | None = None

    @property
    def is_slow(self) -> bool:
        """Whether it answered, and later than a desk waits."""
        return not self.fault and self.milliseconds > SLOW_MILLISECONDS


@dataclass(frozen=True, slots=True)
class Round:
    """One time of asking everybody: when it began (UTC), how many were asked, and how many there are."""

    began_at: datetime
    asked: int
    of: int

    @property
    def is_over(self) -> bool:
        """Whether all were asked."""
        return self.asked >= self.of


class Watch:
    """What is known of the libraries' systems. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: dict[str, Answer] = {}
        self._round: Round | None = None
        self._over = threading.Event()
        self._over.set()

    def begin(
        self, systems: Systems, library_ids: Collection[str], *, clock: Callable[[], datetime], at_once: bool = False
    ) -> Round | None:
        """Begin to ask, unless that goes on already or was begun within a minute; `at_once`: also then.

        It does not wait. Returns the newest round; None where there is nobody to ask.
        """
        asked = {each: system for each in library_ids if (system := systems.get(each)) is not None}
        with self._lock:
            last, now = self._round, clock()
            goes_on = last is not None and not last.is_over
            is_fresh = last is not None and not at_once and timedelta(0) <= now - last.began_at < EVERY
            if goes_on or is_fresh or not asked:
                return last
            self._answers = {each: answer for each, answer in self._answers.items() if each in asked}
            self._round = begun = Round(now, 0, len(asked))
            self._over.clear()
        left = iter(list(asked.items()))
        for _ in range(min(_AT_ONCE, len(asked))):
            threading.Thread(target=self._ask, args=(left, clock), name="watching", daemon=True).start()
        return begun

    def wait(self, seconds: float) -> bool:
        """Wait until the round is over, so many seconds at most. Returns whether it is."""
        return self._over.wait(seconds)

    def seen(self) -> tuple[Mapping[str, Answer], Round | None]:
        """Return the newest answer of each library by id, and the newest round."""
        with self._lock:
            return dict(self._answers), self._round

    def _ask(self, left: Iterator[tuple[str, LibrarySystem]], clock: Callable[[], datetime]) -> None:
        while True:
            with self._lock:
                library_id, system = next(left, ("", None))
                before = self._answers.get(library_id)
            if system is None:
                return
            answer = ask(system, before, clock=clock)
            with self._lock:
                self._answers[library_id] = answer
                if self._round is not None:
                    self._round = replace(self._round, asked=self._round.asked + 1)
                    if self._round.is_over:
                        self._over.set()


def ask(system: LibrarySystem, before: Answer | None, *, clock: Callable[[], datetime]) -> Answer:
    """Ask one system now, about four seconds at most, and for its version where that is older than an hour.

    Raises nothing that a library could cause.
    """
    asked_at, began = clock(), perf_counter()
    fault = _fault_of(lambda: system.accounts(card_numbers=[_PROBE]))
    milliseconds = round((perf_counter() - began) * 1000)
    known = before or Answer(asked_at, 0, "")
    if fault or (known.version_at is not None and asked_at - known.version_at < VERSION_EVERY):
        return replace(known, asked_at=asked_at, milliseconds=milliseconds, fault=fault)
    told: list[str] = []
    _fault_of(lambda: told.append(system.version()))
    version, version_at = (told[0], asked_at) if told else (known.version, known.version_at)
    return Answer(asked_at, milliseconds, fault, version, version_at)


def _fault_of(call: Callable[[], object]) -> str:
    try:
        start(call).result(timeout=_LONGEST_SECONDS)
    except Refused:
        return ""
    except Unavailable as error:
        return error.reason
    except TimeoutError:
        return "too_slow"
    except Exception:
        # Its own words might quote an answer.
        return "bad_answer"
    return ""
