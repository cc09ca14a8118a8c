"""What a library decides about coming in unstaffed hours, and about lending tablets and e-books.

It belongs to the library alone: the register stores nothing of it (docs/adr/0015). `kind` is door, tablet or ebook.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated, TypeVar

from pydantic import Field

from app.ils.reading import Code, Day, Flag, Instant, Number, Text, TextOrNone

T = TypeVar("T")

OPENED = "opened"


@dataclass(frozen=True, slots=True)
class Agreement:
    """What a patron agreed to at the desk, and whether it ended since."""

    kind: Code
    agreed_on: Day
    withdrawn_on: Annotated[Day | None, Field(default=None)]


@dataclass(frozen=True, slots=True)
class Agreements:
    """The kinds that the library offers, the youngest age at its door, and what the card has agreed to."""

    offered: tuple[Text, ...]
    door_min_age: Number
    held: Annotated[tuple[Agreement, ...], Field(validation_alias="agreements")]


@dataclass(frozen=True, slots=True)
class DoorEntry:
    """Somebody at the door (`at`: UTC), and whether it opened. No card number: the code named nobody."""

    number: Number
    at: Instant
    door: Text
    card_number: TextOrNone
    outcome: Code


@dataclass(frozen=True, slots=True)
class DoorBook:
    """A page of entries, newest first, and whether there are older ones."""

    entries: tuple[DoorEntry, ...]
    more: Flag


@dataclass(frozen=True, slots=True)
class _Entered:
    outcome: Code


@dataclass(frozen=True, slots=True)
class _Checked:
    allowed: Flag


@dataclass(frozen=True, slots=True)
class Done:
    """An answer that says no more than that it went well."""


class SelfServiceCalls(ABC):
    """These calls of our circulation's HTTP contract. Each may raise Unavailable, and Refused with the codes named."""

    @abstractmethod
    def _post(self, kind: type[T], call: str, /, **body: object) -> T:
        """Call, and return the answer as its kind."""

    @abstractmethod
    def _post_as(self, staff: str, kind: type[T], call: str, /, **body: object) -> T:
        """Call for a member of staff."""

    def enter(self, *, card_number: str, age: int, door: str) -> str:
        """Decide whether the door opens, and write it down. Returns OPENED, or why not: outside_hours, no_agreement,
        withdrawn, under_age, blocked."""
        return self._post(_Entered, "door/enter", card_number=card_number, age=age, door=door).outcome

    def note_refusal(self, *, card_number: str | None, reason: str, door: str) -> None:
        """Write down that the door stayed shut for a reason that the register found."""
        whose = {} if card_number is None else {"card_number": card_number}
        self._post(Done, "door/enter", refused=reason, door=door, **whose)

    def allows(self, *, card_number: str, kind: str) -> bool:
        """Tell whether the card has this agreement and is not blocked."""
        return self._post(_Checked, "agreements/check", card_number=card_number, kind=kind).allowed

    def agreements(self, *, card_number: str, staff: str) -> Agreements:
        """Return what is offered and what is agreed."""
        return self._post_as(staff, Agreements, "agreements/list", card_number=card_number)

    def note_agreement(self, *, card_number: str, kind: str, age: int, staff: str) -> None:
        """Write down an agreement that was made at the desk. Refused: not_offered, too_young."""
        self._post_as(staff, Done, "agreements/note", card_number=card_number, kind=kind, age=age)

    def withdraw_agreement(self, *, card_number: str, kind: str, staff: str) -> None:
        """End an agreement. Refused: unknown_agreement."""
        self._post_as(staff, Done, "agreements/withdraw", card_number=card_number, kind=kind)

    def door_book(self, *, before: int | None, staff: str) -> DoorBook:
        """Return a page of the door's book; `before` is the last number of the page before."""
        page = {} if before is None else {"before": before}
        return self._post_as(staff, DoorBook, "door/entries", **page)
