"""All libraries in one list, those that need somebody first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from threading import Lock
from typing import Final

from app.ils.systems import Systems
from app.operator.watch import Answer
from app.register.figures.backlog import LibraryBacklog
from app.register.figures.libraries import LibraryState, count_patrons, list_library_states
from app.register.patron.libraries import search_libraries

_COUNTED_FOR: Final = timedelta(minutes=5)
_MOST_FOUND: Final = 100


class State(IntEnum):
    """How a library is, in the order in which somebody should look."""

    FAILING = 0
    SLOW = 1
    UNASKED = 2
    FINE = 3
    UNCONNECTED = 4


@dataclass(frozen=True, slots=True)
class Row:
    """One library as the list shows it. `kind` is what its system is: ours, its own, or nothing."""

    library: LibraryState
    kind: str
    answer: Answer | None
    backlog: LibraryBacklog | None

    @property
    def is_not_told(self) -> bool:
        """Whether the last delivery of its notices failed."""
        return self.backlog is not None and self.backlog.is_told and self.backlog.failures > 0

    @property
    def state(self) -> State:
        """How it is now: by its answer, and by what became of its notices."""
        if self.is_not_told or (self.answer is not None and self.answer.fault):
            return State.FAILING
        if not self.kind:
            return State.UNCONNECTED
        if self.answer is None:
            return State.UNASKED
        return State.SLOW if self.answer.is_slow else State.FINE

    @property
    def last_contact(self) -> datetime | None:
        """When it was last heard of (UTC): a machine of it signed in, or its system took a notice or answered."""
        answered = self.answer.asked_at if self.answer and not self.answer.fault else None
        synced = self.backlog.synced_at if self.backlog else None
        return max(filter(None, (self.library.machines_seen_at, synced, answered)), default=None)


class Country:
    """The libraries of one process's page. Patrons are counted every five minutes at most, since it reads them all."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._patrons: Mapping[str, int] = {}
        self._counted_at: datetime | None = None

    def count(self, *, now: datetime) -> tuple[Mapping[str, int], datetime]:
        """Return how many patrons each library has, and when they were counted (UTC)."""
        with self._lock:
            if self._counted_at is None or not timedelta(0) <= now - self._counted_at < _COUNTED_FOR:
                self._patrons, self._counted_at = count_patrons(), now
            return self._patrons, self._counted_at

    def list_rows(
        self,
        *,
        words: str,
        systems: Systems,
        answers: Mapping[str, Answer],
        backlogs: Sequence[LibraryBacklog],
        now: datetime,
    ) -> list[Row]:
        """Return the libraries in use or connected, those that fail first. With `words` those of all that have them in
        name, place or id, a hundred at most."""
        patrons, _ = self.count(now=now)
        found = {each.id for each in search_libraries(words=words, limit=_MOST_FOUND)} if words else set()
        waiting = {each.library_id: each for each in backlogs}
        states = list_library_states(patrons=patrons, also=found | set(systems.ids()))
        rows = [
            Row(each, kind_of(systems, each.id), answers.get(each.id), waiting.get(each.id))
            for each in states
            if not words or each.id in found
        ]
        return sorted(rows, key=lambda row: row.state)


def kind_of(systems: Systems, library_id: str) -> str:
    """Return what a library's system is: "ours", "own", or nothing where none is connected."""
    if systems.lending(library_id) is not None:
        return "ours"
    return "own" if systems.get(library_id) is not None else ""
