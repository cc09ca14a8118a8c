"""What the portal and the desk can ask of a library that runs our own circulation: all of lending.

Amounts are in the smallest unit of the currency in `rules()`. `staff` is the acting member of staff's user name
(1 to 64 characters of A-Z a-z 0-9 . _ @ -). An `idempotency_key` is made by the caller once for an act: the same key
again gives the same answer and no second effect (8 to 64 characters of A-Z a-z 0-9 _ -).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal, Protocol, runtime_checkable

from pydantic import AliasPath, Field

from app.ils.policy import LibraryRules
from app.ils.port import Fee, Hold, LibrarySystem, Loan, Request
from app.ils.reading import Code, Day, Flag, Number, Text, TextOrNone

WaiveReason = Literal["mistake", "goodwill", "illness", "hardship", "item_found", "other"]
InterlibraryAction = Literal["order", "arrive", "refuse"]

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
    """What returning one loan on a day would cost. `replacement_charge` is what an invoice would name and what falls
    away on return."""

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
    """What the staff have before them."""

    requests: tuple[Request, ...]
    on_loan: tuple[InterlibraryLoan, ...]


@dataclass(frozen=True, slots=True)
class Handled:
    """What became of a request: ordered (request), arrived (loan, perhaps a fee), or refused (nothing)."""

    request: Annotated[Request | None, Field(default=None)]
    loan: Annotated[Loan | None, Field(default=None)]
    fee: _MaybeFee


@runtime_checkable
class LendingSystem(LibrarySystem, Protocol):
    """A library that lends by our circulation. Every call may raise Unavailable, and Refused with the codes named."""

    def rules(self) -> LibraryRules:
        """Return the library's rules."""

    def check_out(self, *, card_number: str, barcode: str) -> CheckedOut:
        """Lend a copy. Refused: unknown_item, on_loan, reserved, blocked, not_for_loan."""

    def return_item(self, *, barcode: str) -> Returned:
        """Take a copy back. Refused: unknown_item (also another library's), not_on_loan."""

    def cost(self, *, card_number: str, on: date, loan_id: str | None = None) -> Cost:
        """Tell what returning on that day would cost. Refused: date_in_past, unknown_loan, invalid_field (too far)."""

    def mark_lost(self, *, barcode: str, staff: str) -> Charged:
        """End a loan whose copy is lost. Refused: unknown_item, not_for_loan."""

    def mark_destroyed(self, *, barcode: str, staff: str) -> Charged:
        """End a loan whose copy is destroyed. Refused: unknown_item, not_for_loan."""

    def reserve(self, *, card_number: str, barcode: str) -> Hold:
        """Queue for the edition of which `barcode` is any copy. Refused: unknown_item, already_on_loan_to_patron,
        already_reserved, too_many_holds, blocked, not_for_loan."""

    def cancel_hold(self, *, card_number: str, hold_id: str) -> None:
        """Leave the queue. Refused: unknown_hold."""

    def pay(self, *, card_number: str, amount: int, currency: str, idempotency_key: str, staff: str) -> Payment:
        """Receive money, oldest fee first. Refused: overpaid, wrong_currency, key_reused, invalid_field (amount)."""

    def waive(self, *, card_number: str, fee_id: str, reason: WaiveReason, staff: str) -> Waived:
        """Forgo a fee. Refused: unknown_debt, already_settled."""

    def issue_replacement_card(self, *, card_number: str, idempotency_key: str, staff: str) -> Fee | None:
        """Charge for a new card; None where it is free. `rename_card` tells its number. Refused: key_reused."""

    def rename_card(self, *, old_card_number: str, new_card_number: str) -> Mapping[str, int]:
        """Let everything follow to a replaced card's new number, and join what was done under it already; counts by
        kind, zeros when done again. Refused: same_card_number."""

    def end_patron(self, *, card_number: str, dry_run: bool) -> Ending:
        """Erase what need not be kept about a card, or with `dry_run` only tell. May be repeated any time."""

    def ask_interlibrary(
        self,
        *,
        card_number: str,
        title: str,
        author: str,
        publication_year: int,
        category: str,
        idempotency_key: str,
    ) -> Request:
        """Ask for a title from another library. Refused: owned_here, too_recent, category_not_lent, summer_limit,
        blocked, already_asked, key_reused."""

    def cancel_interlibrary(self, *, card_number: str, request_id: str) -> None:
        """Take back a request that is not ordered yet. Refused: unknown_request, wrong_state."""

    def list_interlibrary(self, *, staff: str) -> InterlibraryWork:
        """List what was asked for and what has come."""

    def handle_interlibrary(
        self,
        *,
        request_id: str,
        action: InterlibraryAction,
        staff: str,
        barcode: str | None = None,
        due_on: date | None = None,
    ) -> Handled:
        """Order a request, lend out what arrived (with `barcode`, and the lending library's `due_on` if it gave one),
        or refuse it. Refused: unknown_request, wrong_state, barcode_in_use, date_in_past."""
