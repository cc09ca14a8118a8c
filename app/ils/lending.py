"""What the portal and the desk can ask of a library that runs our own circulation: all of lending.

Amounts are in the smallest unit of the currency in `rules()`. `staff` is the user name of the member of staff
(1 to 64 characters of A-Z a-z 0-9 . _ @ -). The caller makes one `idempotency_key` for each act: the same key
again gives the same answer and no second effect (8 to 64 characters of A-Z a-z 0-9 _ -).
"""

from collections.abc import Mapping
from dataclasses import dataclass
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
    """A loan; `repeated` if this card already had it and nothing changed."""

    loan: Loan
    repeated: Flag


@dataclass(frozen=True, slots=True)
class Returned:
    """What the desk does with a copy that came back: put it on the hold shelf, or send it to its own library.

    `card_number` is there so that the desk can say how many loans are left: neither show nor keep it. It and `due_on`
    are None when a lost copy turns up.
    """

    title: Text
    card_number: TextOrNone
    due_on: Annotated[Day | None, Field(default=None)]
    overdue_fee: Number
    fee: _MaybeFee
    hold_waiting: Flag
    interlibrary: Flag


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
