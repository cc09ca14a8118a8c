"""What a library decides about coming in unstaffed hours, and about lending tablets and e-books.

It belongs to the library alone: the register stores nothing of it (docs/adr/0015). `kind` is door, tablet or ebook.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol, runtime_checkable

from app.ils.port import Unavailable
from app.ils.reading import Reader

OPENED = "opened"


@dataclass(frozen=True, slots=True)
class Agreement:
    """What a patron agreed to at the desk, and whether it ended since."""

    kind: str
    agreed_on: date
    withdrawn_on: date | None


@dataclass(frozen=True, slots=True)
class Agreements:
    """The kinds that the library offers, the youngest age at its door, and what the card has agreed to."""

    offered: tuple[str, ...]
    door_min_age: int
    held: tuple[Agreement, ...]


@dataclass(frozen=True, slots=True)
class DoorEntry:
    """Somebody at the door (`at`: UTC), and whether it opened. No card number: the code named nobody."""

    number: int
    at: datetime
    door: str
    card_number: str | None
    outcome: str


@dataclass(frozen=True, slots=True)
class DoorBook:
    """A page of entries, newest first, and whether there are older ones."""

    entries: tuple[DoorEntry, ...]
    more: bool


@runtime_checkable
class SelfServiceSystem(Protocol):
    """A library's system that keeps agreements. Every call may raise Unavailable, and Refused with the codes named."""

    def enter(self, *, card_number: str, age: int, door: str) -> str:
        """Decide whether the door opens, and write it down. Returns OPENED, or why not: outside_hours, no_agreement,
        withdrawn, under_age, blocked."""

    def note_refusal(self, *, card_number: str | None, reason: str, door: str) -> None:
        """Write down that the door stayed shut for a reason that the register found."""

    def allows(self, *, card_number: str, kind: str) -> bool:
        """Tell whether the card has this agreement and is not blocked."""

    def agreements(self, *, card_number: str, staff: str) -> Agreements:
        """Return what is offered and what is agreed."""

    def note_agreement(self, *, card_number: str, kind: str, age: int, staff: str) -> None:
        """Write down an agreement that was made at the desk. Refused: not_offered, too_young."""

    def withdraw_agreement(self, *, card_number: str, kind: str, staff: str) -> None:
        """End an agreement. Refused: unknown_agreement."""

    def door_book(self, *, before: int | None, staff: str) -> DoorBook:
        """Return a page of the door's book; `before` is the last number of the page before."""


class SelfServiceCalls:
    """The calls of our circulation's HTTP contract. `post` sends one; a system of it is made of these and more."""

    _post: Callable[..., Reader]
    _post_as: Callable[..., Reader]

    def enter(self, *, card_number: str, age: int, door: str) -> str:
        """See SelfServiceSystem."""
        return self._post("door/enter", card_number=card_number, age=age, door=door).code("outcome")

    def note_refusal(self, *, card_number: str | None, reason: str, door: str) -> None:
        """See SelfServiceSystem."""
        whose = {} if card_number is None else {"card_number": card_number}
        self._post("door/enter", refused=reason, door=door, **whose)

    def allows(self, *, card_number: str, kind: str) -> bool:
        """See SelfServiceSystem."""
        return self._post("agreements/check", card_number=card_number, kind=kind).flag("allowed")

    def agreements(self, *, card_number: str, staff: str) -> Agreements:
        """See SelfServiceSystem."""
        answer = self._post_as(staff, "agreements/list", card_number=card_number)
        held = [
            Agreement(row.code("kind"), row.day("agreed_on"), row.maybe_day("withdrawn_on"))
            for row in answer.parts("agreements")
        ]
        return Agreements(answer.texts("offered"), answer.integer("door_min_age"), tuple(held))

    def note_agreement(self, *, card_number: str, kind: str, age: int, staff: str) -> None:
        """See SelfServiceSystem."""
        self._post_as(staff, "agreements/note", card_number=card_number, kind=kind, age=age)

    def withdraw_agreement(self, *, card_number: str, kind: str, staff: str) -> None:
        """See SelfServiceSystem."""
        self._post_as(staff, "agreements/withdraw", card_number=card_number, kind=kind)

    def door_book(self, *, before: int | None, staff: str) -> DoorBook:
        """See SelfServiceSystem."""
        page = {} if before is None else {"before": before}
        answer = self._post_as(staff, "door/entries", **page)
        return DoorBook(_entries(list(answer.parts("entries"))), answer.flag("more"))


def _entries(rows: Sequence[Reader]) -> tuple[DoorEntry, ...]:
    return tuple(
        DoorEntry(
            number=row.integer("number"),
            at=_instant(row.text("at")),
            door=row.text("door"),
            card_number=row.maybe_text("card_number") or None,
            outcome=row.code("outcome"),
        )
        for row in rows
    )


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise Unavailable("bad_answer") from None
    if instant.tzinfo is None:
        raise Unavailable("bad_answer")
    return instant
