"""Read Koha's answers. The names of the fields are those of Koha's published definitions."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Annotated, Final

from pydantic import AfterValidator, AliasPath, BeforeValidator, Field, PlainValidator

from app.ils.budget import attempt
from app.ils.money import to_smallest_unit
from app.ils.port import Block, Fee, FeeKind, Hold, Loan, due_order, read
from app.ils.reading import Amount, MaybeFlag, MaybeText, Number, Text, day_or_none, read_amount, read_instant
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
# What Koha lets its patrons do (Koha::Hold is_cancelable_from_opac, suspend_hold): nothing once a copy is found.
_HOLD_ACTS: Final = ("cancel", "pause", "move")


def _read_due(value: object) -> datetime | date | None:
    if (day := day_or_none(value)) is None:
        return None
    try:
        return read_instant(value)
    except ValueError:
        return day


def _read_balance(value: object) -> Decimal | None:
    try:
        return read_amount(value)
    except ValueError:
        return None


_MaybeDay = Annotated[date | None, PlainValidator(day_or_none)]
# Cataloguing rules end a field with the mark that begins the next one.
_Title = Annotated[MaybeText, AfterValidator(lambda text: text.rstrip(" /:;=,"))]


@dataclass(frozen=True, slots=True)
class Patron:
    """A patron, without the name and address that Koha sends too."""

    patron_id: Number
    cardnumber: MaybeText = ""
    account_balance: Annotated[Decimal | None, PlainValidator(_read_balance)] = None
    restricted: MaybeFlag = False
    patron_card_lost: MaybeFlag = False
    expiry_date: _MaybeDay = None

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
class Biblio:
    """A bibliographic record."""

    title: _Title = ""
    author: _Title = ""


NO_BIBLIO: Final = Biblio()
_MaybeBiblio = Annotated[Biblio, BeforeValidator(lambda value: NO_BIBLIO if value is None else value)]


@dataclass(frozen=True, slots=True)
class Item:
    """A copy with its embedded bibliographic record."""

    item_id: Number | None = None
    biblio_id: Number | None = None
    external_id: MaybeText = ""
    effective_item_type_id: MaybeText = ""
    biblio: _MaybeBiblio = NO_BIBLIO


NO_ITEM: Final = Item()
_MaybeItem = Annotated[Item, BeforeValidator(lambda value: NO_ITEM if value is None else value)]


@dataclass(frozen=True, slots=True)
class Due:
    """The due date of a checkout; None if it is not one."""

    due_date: Annotated[datetime | date | None, PlainValidator(_read_due)] = None

    def due(self, *, now: datetime) -> tuple[date | None, bool]:
        """Return the due day, in the time zone that Koha writes it in, and whether it has passed."""
        if isinstance(self.due_date, datetime):
            return self.due_date.date(), self.due_date < now
        return self.due_date, self.due_date is not None and self.due_date < day_in_norway(now)


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a row is."""

    patron_id: Number


@dataclass(frozen=True, slots=True)
class Checkout(Due):
    """A loan with its embedded item and bibliographic record."""

    checkout_id: Number = field(kw_only=True)
    item_id: Number | None = None
    item: _MaybeItem = NO_ITEM
    onsite_checkout: MaybeFlag = False


@dataclass(frozen=True, slots=True)
class HoldRow:
    """A hold with its embedded bibliographic record. `status` is W when it waits to be fetched."""

    hold_id: Number
    biblio_id: Number | None = None
    biblio: _MaybeBiblio = NO_BIBLIO
    status: MaybeText = ""
    hold_date: _MaybeDay = None
    expiration_date: _MaybeDay = None
    priority: Number | None = None
    suspended: MaybeFlag = False
    suspended_until: _MaybeDay = None


@dataclass(frozen=True, slots=True)
class Branch:
    """A library of this Koha where a hold may be collected; `needs_override`: only if its rules are set aside."""

    library_id: Text
    name: MaybeText = ""
    needs_override: MaybeFlag = False


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


_LINES: Final = AliasPath("outstanding_debits", "lines")


@dataclass(frozen=True, slots=True)
class Balance:
    """What a patron owes. `balance` counts what was paid in advance; the lines do not."""

    balance: Amount
    lines: Annotated[tuple[object, ...], Field(default=(), validation_alias=_LINES)]


@dataclass(frozen=True, slots=True)
class _Debit:
    account_line_id: Number
    amount: Amount
    amount_outstanding: Amount
    date: _MaybeDay
    status: MaybeText = ""
    checkout_id: Number | None = None
    debit_type: MaybeText = ""


@dataclass(frozen=True, slots=True)
class Owed:
    """Booked fees, and growing overdue fees by checkout."""

    fees: tuple[Fee, ...]
    running: Mapping[int, int]
    debt_total: int | None
    running_total: int


NOTHING_OWED: Final = Owed((), {}, 0, 0)
UNKNOWN: Final = Owed((), {}, None, 0)


def owed(answer: Balance, *, currency: str) -> Owed:
    """Sort a patron's balance. The lines' descriptions name titles: they are not read."""
    fees = []
    running: dict[int, int] = defaultdict(int)
    for line in answer.lines:
        debit = attempt(partial(read, _Debit, line), None)
        if debit is None or debit.date is None:
            continue  # the total is right without it
        outstanding = to_smallest_unit(debit.amount_outstanding, currency=currency)
        if debit.status == _RUNNING:
            running[debit.checkout_id or 0] += outstanding
            continue
        fees.append(
            Fee(
                fee_id=str(debit.account_line_id),
                kind=_FEE_KINDS.get(debit.debit_type, "other"),
                amount=to_smallest_unit(debit.amount, currency=currency),
                outstanding=outstanding,
                incurred_on=debit.date,
            )
        )
    running_total = sum(running.values())
    balance = to_smallest_unit(answer.balance, currency=currency)
    return Owed(tuple(fees), running, max(0, balance - running_total), running_total)


def loans(rows: Sequence[Checkout], *, running: Mapping[int, int], now: datetime) -> list[Loan]:
    """Return checkouts as loans, by due date."""
    return sorted((_loan(row, running, now) for row in rows), key=due_order)


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


def hold(row: HoldRow) -> Hold:
    """Return a hold."""
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
        paused=row.suspended,
        # On the day of suspended_until Koha goes on with the hold (AutoUnsuspendReserves).
        paused_until=row.suspended_until - timedelta(days=1) if row.suspended and row.suspended_until else None,
        acts=() if row.status else _HOLD_ACTS,
    )
