"""Read Koha's answers. The names of the fields are those of Koha's published definitions."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, PlainValidator

from app.ils.money import to_smallest_unit
from app.ils.port import Account, Block, Fee, FeeKind, Hold, Loan, read
from app.ils.reading import (
    Amount,
    Day,
    Instant,
    MaybeFlag,
    MaybeText,
    Number,
    clean_text,
    read_day,
    read_instant,
)
from app.rules.people.ages import day_in_norway

# Koha's debit types (account_debit_types) -> ours. A library's own types are "other".
_FEE_KINDS: Final[dict[str, FeeKind]] = {
    "OVERDUE": "overdue",
    "LOST": "replacement_charge",
    "PROCESSING": "replacement_charge",
    "NEW_CARD": "replacement_card",
}
# An overdue fee with this status still grows with its loan.
_RUNNING: Final = "UNRETURNED"

# Koha's reasons not to renew (C4::Circulation::CanBookBeRenewed) -> ours.
_REFUSALS: Final = {
    "too_many": "renewals_used_up",
    "too_unseen": "renewals_used_up",
    "on_reserve": "reserved",
    "recalled": "reserved",
    "booked": "reserved",
    "too_soon": "nothing_gained",
    "auto_too_soon": "nothing_gained",
    "overdue": "overdue",
    "restriction": "blocked",
    "too_much_owing": "blocked",
    "too_much_oweing": "blocked",
}
# Koha before error_code wrote the reason into its sentence.
_REASON: Final = re.compile(r"\((\w+)\)", re.ASCII)

_WAITING: Final = "W"


def _read_day(value: object) -> date:
    # Koha has written the days of the account both with a time and without.
    return read_day(value) if len(clean_text(value)) == len("2026-11-22") else read_instant(value).date()


# Cataloguing rules end a field with the mark that begins the next one.
_Title = Annotated[MaybeText, AfterValidator(lambda text: text.rstrip(" /:;=,"))]


@dataclass(frozen=True, slots=True)
class Patron:
    """A patron, without the name and address that Koha sends too."""

    patron_id: Number
    cardnumber: MaybeText = ""
    account_balance: Amount | None = None
    restricted: MaybeFlag = False
    patron_card_lost: MaybeFlag = False
    expiry_date: Day | None = None

    def blocks(self, *, now: datetime) -> tuple[Block, ...]:
        """Return why the card may not borrow; `now` is aware."""
        reasons = {
            "restricted": self.restricted,
            "card_lost": self.patron_card_lost,
            # Sweden's day is the same.
            "card_expired": self.expiry_date is not None and self.expiry_date < day_in_norway(now),
        }
        return tuple(Block(reason, 0) for reason, applies in reasons.items() if applies)


@dataclass(frozen=True, slots=True)
class _Biblio:
    title: _Title = ""
    author: _Title = ""


_MaybeBiblio = Annotated[_Biblio, BeforeValidator(lambda value: _Biblio() if value is None else value)]


@dataclass(frozen=True, slots=True)
class _Item:
    external_id: MaybeText = ""
    effective_item_type_id: MaybeText = ""
    biblio: _MaybeBiblio = _Biblio()


_MaybeItem = Annotated[_Item, BeforeValidator(lambda value: _Item() if value is None else value)]


@dataclass(frozen=True, slots=True)
class Due:
    """The due date of a checkout."""

    due_date: Instant

    def due(self, *, now: datetime) -> tuple[date, bool]:
        """Return the due day, in the time zone that Koha writes it in, and whether it has passed."""
        return self.due_date.date(), self.due_date < now


@dataclass(frozen=True, slots=True)
class Checkout(Due):
    """A loan with its embedded item and bibliographic record."""

    patron_id: Number
    checkout_id: Number
    item: _MaybeItem = _Item()
    onsite_checkout: MaybeFlag = False


@dataclass(frozen=True, slots=True)
class HoldRow:
    """A hold with its embedded bibliographic record. `status` is W when it waits to be fetched."""

    patron_id: Number
    hold_id: Number
    biblio: _MaybeBiblio = _Biblio()
    status: MaybeText = ""
    hold_date: Day | None = None
    expiration_date: Day | None = None
    priority: Number | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """Why Koha did not do what it was asked."""

    error_code: MaybeText = ""
    error: MaybeText = ""
    required_permissions: object = None

    def refusal(self) -> str:
        """Return our code for Koha's reason not to renew."""
        match = _REASON.search(self.error)
        reason = self.error_code or (match[1] if match else "")
        return _REFUSALS.get(reason, "not_renewable")


@dataclass(frozen=True, slots=True)
class _Debits:
    lines: tuple[dict[str, object], ...]


@dataclass(frozen=True, slots=True)
class Balance:
    """What a patron owes. `balance` counts what was paid in advance; the lines do not."""

    balance: Amount
    outstanding_debits: _Debits | None = None


@dataclass(frozen=True, slots=True)
class _Debit:
    amount_outstanding: Amount
    status: MaybeText = ""
    checkout_id: Number | None = None


@dataclass(frozen=True, slots=True)
class _Fee:
    account_line_id: Number
    amount: Amount
    date: Annotated[date, PlainValidator(_read_day)]
    debit_type: MaybeText = ""


@dataclass(frozen=True, slots=True)
class Owed:
    """Booked fees, and growing overdue fees by checkout."""

    fees: tuple[Fee, ...]
    running: Mapping[int, int]
    debt_total: int
    running_total: int


NOTHING_OWED: Final = Owed((), {}, 0, 0)


def empty_account(card_number: str, *, currency: str) -> Account:
    """Return the account of a card that the library does not know."""
    return Account(card_number, currency, (), (), (), (), (), 0, 0)


def owed(answer: Balance, *, currency: str) -> Owed:
    """Sort a patron's balance. The lines' descriptions name titles: they are not read."""
    fees = []
    running: dict[int, int] = defaultdict(int)
    for line in answer.outstanding_debits.lines if answer.outstanding_debits else ():
        debit = read(_Debit, line)
        outstanding = to_smallest_unit(debit.amount_outstanding, currency=currency)
        if debit.status == _RUNNING:
            running[debit.checkout_id or 0] += outstanding
            continue
        fee = read(_Fee, line)
        fees.append(
            Fee(
                fee_id=str(fee.account_line_id),
                kind=_FEE_KINDS.get(fee.debit_type, "other"),
                amount=to_smallest_unit(fee.amount, currency=currency),
                outstanding=outstanding,
                incurred_on=fee.date,
            )
        )
    running_total = sum(running.values())
    balance = to_smallest_unit(answer.balance, currency=currency)
    return Owed(tuple(fees), running, max(0, balance - running_total), running_total)


def account(
    patron: Patron, *, checkouts: Sequence[Checkout], holds: Sequence[HoldRow], owed: Owed, currency: str, now: datetime
) -> Account:
    """Put a patron's account together; `now` is aware."""
    return Account(
        card_number=patron.cardnumber,
        currency=currency,
        loans=tuple(loans(checkouts, running=owed.running, now=now)),
        holds=tuple(_hold(row) for row in holds),
        fees=owed.fees,
        requests=(),
        blocks=patron.blocks(now=now),
        debt_total=owed.debt_total,
        running_fees=owed.running_total,
    )


def loans(rows: Sequence[Checkout], *, running: Mapping[int, int], now: datetime) -> list[Loan]:
    """Return checkouts as loans, by due date."""
    return sorted((_loan(row, running, now) for row in rows), key=lambda loan: (loan.due_on, loan.title))


def _loan(row: Checkout, running: Mapping[int, int], now: datetime) -> Loan:
    due_on, overdue = row.due(now=now)
    item = row.item
    return Loan(
        loan_id=str(row.checkout_id),
        barcode=item.external_id or None,
        title=item.biblio.title,
        author=item.biblio.author,
        category=item.effective_item_type_id,
        due_on=due_on,
        overdue=overdue,
        running_fee=running.get(row.checkout_id, 0),
        renewals_left=None,
        renewable=not row.onsite_checkout,
        not_renewable_because="not_renewable" if row.onsite_checkout else None,
        claim_level=0,
        interlibrary=False,
    )


def _hold(row: HoldRow) -> Hold:
    ready = row.status == _WAITING
    return Hold(
        hold_id=str(row.hold_id),
        title=row.biblio.title,
        author=row.biblio.author,
        category="",
        asked_on=row.hold_date,
        ready=ready,
        fetch_before=row.expiration_date if ready else None,
        queue_position=0 if ready else row.priority,
    )
