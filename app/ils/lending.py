"""What the portal and the desk can ask of a library that runs our own circulation: all of lending.

Amounts are in the smallest unit of the currency in `rules()`. `staff` is the user name of the member of staff
(1 to 64 characters of A-Z a-z 0-9 . _ @ -). The caller makes one `idempotency_key` for each act: the same key
again gives the same answer and no second effect (8 to 64 characters of A-Z a-z 0-9 _ -).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final, Literal

from pydantic import AliasPath, Field

from app.ils.port import Fee, Loan, Request
from app.ils.reading import Code, Day, Flag, Instant, Number, Text, TextOrNone

WaiveReason = Literal["mistake", "goodwill", "illness", "hardship", "item_found", "other"]
InterlibraryAction = Literal["order", "arrive", "refuse"]
OPENED: Final = "opened"

# Our circulation calls a fee a debt.
_Fee = Annotated[Fee, Field(validation_alias="debt")]
_MaybeFee = Annotated[Fee | None, Field(default=None, validation_alias="debt")]


@dataclass(frozen=True, slots=True)
class CheckedOut:
    """A loan; `repeated` if this card already had it and nothing changed, `hold_ended` if it had reserved it."""

    loan: Loan
    repeated: Flag
    hold_ended: Flag = False


@dataclass(frozen=True, slots=True)
class SetAside:
    """Whom a copy is set aside for, and the last day to fetch it."""

    hold_id: Text
    card_number: Text
    fetch_before: Day


@dataclass(frozen=True, slots=True)
class ShownItem:
    """A copy as staff see it, without who has it. `due_on` while it is `on_loan`; `waiting` is the queue's length.

    `done`: the act whose key was asked about was done.
    """

    barcode: Text
    title: Text
    author: Text
    category: Text
    state: Literal["stock", "lost", "destroyed"]
    interlibrary: Flag
    on_loan: Flag
    due_on: Annotated[Day | None, Field(default=None)]
    for_loan: Flag
    waiting: Number
    hold: SetAside | None
    lender: TextOrNone = None
    done: Flag = False


@dataclass(frozen=True, slots=True)
class FoundTitle:
    """A title that can be reserved: how many of its `copies` are `free` now, and how many patrons wait for one.

    `barcode` is a copy's, and stands for all of them.
    """

    barcode: Text
    title: Text
    author: Text
    category: Text
    publication_year: Number
    copies: Number
    free: Number
    waiting: Number


@dataclass(frozen=True, slots=True)
class FoundTitles:
    """What fits a search, by title; `more`: and others that are not named."""

    titles: tuple[FoundTitle, ...]
    more: Flag


@dataclass(frozen=True, slots=True)
class Returned:
    """What the desk does with a copy that came back: put it on the hold shelf, or send it to its own library.

    `card_number`, `lent_on`, `due_on` and `renewals` are there so that a return by mistake can be undone (`undoable`):
    neither show nor keep them. They are None when a lost copy turns up. `hold` is whom it is set aside for now.
    `lender` is the library that an interlibrary copy belongs to; `charge_waived` what is owed no more for the copy.
    """

    title: Text
    card_number: TextOrNone
    due_on: Annotated[Day | None, Field(default=None)]
    overdue_fee: Number
    fee: _MaybeFee
    hold_waiting: Flag
    interlibrary: Flag
    lent_on: Annotated[Day | None, Field(default=None)] = None
    renewals: Number = 0
    undoable: Flag = False
    hold: SetAside | None = None
    lender: TextOrNone = None
    charge_waived: Number = 0


@dataclass(frozen=True, slots=True)
class EndedLoan:
    """A loan that a return ended, so that it can be undone. `fee_id`: the overdue fee that the return booked."""

    card_number: str
    barcode: str
    lent_on: date
    due_on: date
    renewals: int
    fee_id: str | None


@dataclass(frozen=True, slots=True)
class Payment:
    """A receipt, and what is still owed."""

    payment_id: Annotated[Text, Field(validation_alias=AliasPath("payment", "payment_id"))]
    amount: Annotated[Number, Field(validation_alias=AliasPath("payment", "amount"))]
    paid_on: Annotated[Day, Field(validation_alias=AliasPath("payment", "paid_on"))]
    debt_total: Number
    repeated: Flag


@dataclass(frozen=True, slots=True)
class Waived:
    """A fee that is owed no more, and what is still owed."""

    fee: _Fee
    debt_total: Number


@dataclass(frozen=True, slots=True)
class Charged:
    """What a lost or destroyed copy costs."""

    fees: Annotated[tuple[Fee, ...], Field(validation_alias="debts")]
    total: Number


@dataclass(frozen=True, slots=True)
class Kept:
    """What a library may not erase yet; `reason` is an English sentence."""

    kind: Code
    count: Number
    amount: Annotated[Number | None, Field(default=None)]
    reason: Text


@dataclass(frozen=True, slots=True)
class Ending:
    """What was erased of a patron, counted, and what is kept. Nothing kept: nothing about the card remains."""

    erased: Mapping[Text, Number]
    kept: tuple[Kept, ...]
    dry_run: Flag


@dataclass(frozen=True, slots=True)
class LoanCost:
    """What returning one loan on a day would cost. `replacement_charge` is invoiced if it is never returned."""

    loan_id: Text
    title: Text
    due_on: Day
    days_overdue: Number
    fee: Number
    claim_level: Number
    claim_fees: Number
    replacement_charge: Number


@dataclass(frozen=True, slots=True)
class Cost:
    """What returning on a day would cost in all: `total` is `fees` and `claim_fees`."""

    on: Day
    loans: tuple[LoanCost, ...]
    fees: Number
    claim_fees: Number
    total: Number


@dataclass(frozen=True, slots=True)
class InterlibraryLoan:
    """A copy from another library that is lent now."""

    barcode: Text
    title: Text
    due_on: Day


@dataclass(frozen=True, slots=True)
class InterlibraryWork:
    """Open requests, and copies on loan from other libraries."""

    requests: tuple[Request, ...]
    on_loan: tuple[InterlibraryLoan, ...]


@dataclass(frozen=True, slots=True)
class Handled:
    """What became of a request: ordered (request), arrived (loan, perhaps a fee), or refused (nothing)."""

    request: Annotated[Request | None, Field(default=None)]
    loan: Annotated[Loan | None, Field(default=None)]
    fee: _MaybeFee


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
    """One try to enter (`at`: UTC), and whether the door opened. No card number: the code was nobody's."""

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
class MonthTotal:
    """How many acts of a kind there were in a month (1 to 12), by part, such as a category's id."""

    month: Number
    kind: Text
    part: str
    total: Number


@dataclass(frozen=True, slots=True)
class DayTotal:
    """How many acts of a kind there were on a day."""

    day: Day
    kind: Text
    total: Number


@dataclass(frozen=True, slots=True)
class YearTotals:
    """What was lent in a year, as totals of no card. `first_year` is the oldest year that there is."""

    first_year: Number | None
    months: tuple[MonthTotal, ...]
    days: tuple[DayTotal, ...]
