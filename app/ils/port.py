"""What the portal knows of a library's system: what a card has there, and how to renew.

Money is a whole number of the smallest unit (øre, öre) of the account's currency. Days are those of the library's own
calendar and time zone. Ids are the library's, without meaning to the portal.

The fields' types check the answers of our own circulation; where its names differ, they are aliases.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Annotated, Literal, Protocol, TypeVar, get_args

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError

from app.ils.reading import Code, Currency, Day, Flag, Number, Text, TextOrNone
from app.rules.errors import RuleBroken

T = TypeVar("T")

Reason = Literal["no_answer", "too_slow", "bad_answer", "not_admitted", "busy"]
FeeKind = Literal["overdue", "claim_fee", "replacement_charge", "replacement_card", "interlibrary", "other"]


class Unavailable(RuleBroken):
    """The library's system gives no usable answer now. It is unknown whether a change was made.

    `reason` is for the log: no connection, too slow, an answer that cannot be read, our login refused, or too busy.
    `retry_after` is the seconds to wait before the next request, if the system named them.
    """

    code = "library-unavailable"

    def __init__(self, reason: Reason, *, retry_after: int | None = None) -> None:
        super().__init__(f"the library's system does not answer: {reason}")
        self.reason = reason
        self.retry_after = retry_after


def read(kind: type[T], value: object) -> T:
    """Return a JSON value as a dataclass, checked by the types of its fields; fields that it does not name are ignored.
    Raises Unavailable, which quotes nothing."""
    try:
        return _adapter(kind).validate_python(value)  # type: ignore[arg-type]
    except ValidationError:
        raise Unavailable("bad_answer") from None


@cache
def _adapter(kind: type[T]) -> TypeAdapter[T]:
    return TypeAdapter(kind)


def _known_kind(value: object) -> object:
    # A kind that is new to us is another fee.
    return value if not isinstance(value, str) or value in get_args(FeeKind) else "other"


@dataclass(frozen=True, slots=True)
class Block:
    """Why the card may not borrow here, and the amount behind it (0 if it is not about money).

    Reasons: "debt" and "invoice" (an unpaid claim) everywhere; from other systems also "overdue", "too_many_loans",
    "card_lost", "card_expired" and "restricted".
    """

    reason: Code
    amount: Number


class Refused(RuleBroken):
    """The library said no. `code` is the library's stable code, such as "reserved", never personal data; `blocks` says
    why where it is "blocked"."""

    def __init__(self, code: str, *, blocks: Sequence[Block] = ()) -> None:
        super().__init__(f"the library refused: {code}")
        self.code = code
        self.blocks = tuple(blocks)


@dataclass(frozen=True, slots=True)
class Loan:
    """Something that is borrowed now.

    `category` is the library's own code. An unknown text is empty, an unknown `due_on` None. `running_fee` is owed if
    it is returned today. Koha and SIP2 say whether a loan is renewable only when it is tried: then `renewable` is true
    and `renewals_left` None.
    """

    loan_id: Text
    barcode: Text | None
    title: Text
    author: Text
    category: Text
    due_on: Day | None
    overdue: Flag
    running_fee: Number
    renewals_left: Number | None
    renewable: Flag
    not_renewable_because: Annotated[Code | None, Field(default=None)]
    claim_level: Number
    interlibrary: Flag


@dataclass(frozen=True, slots=True)
class Hold:
    """A place in a queue; `queue_position` is 0 when it is ready. None is unknown.

    While `paused`, the place is kept and no copy comes: from `paused_from` to `paused_until`, both included. Before the
    first of them it is not paused yet; without the last the pause has no end. `acts` are what the library's system lets
    its patron do: "cancel", "pause" (from today), "pause_later" (from a day to come), "move" (collect it elsewhere).
    """

    hold_id: Text
    title: Text
    author: Text
    category: Text
    asked_on: Day | None
    ready: Flag
    fetch_before: Annotated[Day | None, Field(default=None)]
    queue_position: Number | None
    paused: Flag = False
    paused_from: Day | None = None
    paused_until: Day | None = None
    acts: tuple[Code, ...] = ("cancel",)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a reservation can be collected: a library or branch of the same system."""

    place_id: Text
    name: Text


@dataclass(frozen=True, slots=True)
class Fee:
    """Something owed, without what was borrowed."""

    fee_id: Annotated[Text, Field(validation_alias="debt_id")]
    kind: Annotated[FeeKind, BeforeValidator(_known_kind)]
    amount: Number
    outstanding: Number
    incurred_on: Day


@dataclass(frozen=True, slots=True)
class Request:
    """An interlibrary request that has not arrived yet. `card_number` is known in the staff's list only."""

    request_id: Text
    title: Text
    author: Text
    publication_year: Number
    category: Text
    state: Literal["asked", "ordered"]
    asked_on: Day
    card_number: TextOrNone = None


@dataclass(frozen=True, slots=True)
class Account:
    """What one card has at one library; loans in `due_order`.

    `debt_total` is what is owed, None if unknown; `running_fees` what today's overdue loans cost beyond it. Where only
    the total is known, `fees` come to less than `debt_total`. `unread_loans` and `unread_holds` count those that the
    library has and that could not be read; None where even their number is unknown.
    """

    card_number: Text
    currency: Currency
    loans: tuple[Loan, ...]
    holds: tuple[Hold, ...]
    fees: Annotated[tuple[Fee, ...], Field(validation_alias="debts")]
    requests: tuple[Request, ...]
    blocks: tuple[Block, ...]
    debt_total: Number | None
    running_fees: Number
    unread_loans: Number | None = 0
    unread_holds: Number | None = 0


def due_order(loan: Loan) -> tuple[date, str]:
    """Return what loans are sorted by: due date, then title; one without a date first if it is overdue, else last."""
    return loan.due_on or (date.min if loan.overdue else date.max), loan.title


@dataclass(frozen=True, slots=True)
class Renewal:
    """What became of one loan when all were to be renewed; a code where it was not."""

    loan: Loan
    renewed: Flag
    not_renewable_because: Annotated[Code | None, Field(default=None)]


class LibrarySystem(Protocol):
    """What every library's system can be asked. Each call raises Unavailable within about three seconds."""

    def accounts(self, *, card_numbers: Sequence[str]) -> list[Account]:
        """Return what these cards have, in the order asked, each once: one call for a whole family. A card the library
        does not know has an empty account."""

    def renew(self, *, card_number: str, loan_id: str) -> Loan:
        """Renew one loan of this card and return it. Refused: "unknown_loan" (also somebody else's), "overdue",
        "reserved", "renewals_used_up", "nothing_gained", "not_renewable", "blocked"."""

    def renew_all(self, *, card_number: str) -> list[Renewal]:
        """Renew each loan of this card that may be renewed, and return what became of each."""

    def cancel_hold(self, *, card_number: str, hold_id: str) -> None:
        """Leave a queue. Refused: "unknown_hold" (also somebody else's), "hold_kept"."""

    def pause_hold(self, *, card_number: str, hold_id: str, first: date, last: date) -> None:
        """Keep the place without a copy on these days, both included. Refused: "unknown_hold", "hold_ready",
        "cannot_pause", "date_in_past"."""

    def resume_hold(self, *, card_number: str, hold_id: str) -> None:
        """End a pause. Refused: "unknown_hold", "cannot_pause"."""

    def pickup_places(self, *, card_number: str, hold_id: str) -> list[Place]:
        """Return where this hold can be collected, where it may be moved at all; else none. Refused: "unknown_hold"."""

    def move_hold(self, *, card_number: str, hold_id: str, place_id: str) -> None:
        """Collect it elsewhere. Refused: "unknown_hold", "hold_ready", "unknown_place", "cannot_move"."""

    def version(self) -> str:
        """Return what the system calls itself, such as "Koha 25.05.01.000"; empty where it does not tell."""
