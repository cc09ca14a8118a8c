"""Read Koha's answers. The names of the fields are those of Koha's published definitions."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from app.ils.port import Account, Block, Fee, FeeKind, Hold, Loan, Unavailable
from app.ils.reading import Reader, read_day
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


@dataclass(frozen=True, slots=True)
class Patron:
    """A patron without name and address, which Koha sends too and nobody here reads."""

    patron_id: int
    card_number: str
    balance: int
    blocks: tuple[str, ...]
    expires_on: date | None


@dataclass(frozen=True, slots=True)
class Owed:
    """Fees that stand still, and what runs, by checkout."""

    fees: tuple[Fee, ...]
    running: Mapping[int, int]
    debt_total: int
    running_total: int


def nothing_owed() -> Owed:
    """Return what most patrons owe."""
    return Owed((), {}, 0, 0)


def empty_account(card_number: str, *, currency: str) -> Account:
    """Return the account of a card that the library does not know."""
    return Account(card_number, currency, (), (), (), (), (), 0, 0)


def patron(row: Reader, *, currency: str) -> Patron:
    """Read a patron."""
    reasons = {"restricted": "restricted", "patron_card_lost": "card_lost"}
    return Patron(
        patron_id=row.integer("patron_id"),
        card_number=row.maybe_text("cardnumber"),
        balance=row.amount("account_balance", currency=currency) if row.has("account_balance") else 0,
        blocks=tuple(reason for name, reason in reasons.items() if row.has(name) and row.flag(name)),
        expires_on=row.maybe_day("expiry_date"),
    )


def owed(answer: Reader, *, currency: str) -> Owed:
    """Read a patron's balance. The lines' descriptions name titles: they are left alone."""
    fees = []
    running: dict[int, int] = defaultdict(int)
    running_total = 0
    debits = answer.maybe_part("outstanding_debits")
    for line in debits.parts("lines") if debits else ():
        outstanding = line.amount("amount_outstanding", currency=currency)
        if line.maybe_text("status") == _RUNNING:
            running_total += outstanding
            running[line.maybe_integer("checkout_id") or 0] += outstanding
            continue
        fees.append(
            Fee(
                fee_id=str(line.integer("account_line_id")),
                kind=_FEE_KINDS.get(line.maybe_text("debit_type"), "other"),
                amount=line.amount("amount", currency=currency),
                outstanding=outstanding,
                incurred_on=_day(line, "date"),
            )
        )
    # The balance counts what the patron has paid in advance; the lines do not.
    balance = answer.amount("balance", currency=currency)
    return Owed(tuple(fees), running, max(0, balance - running_total), running_total)


def account(
    patron: Patron,
    *,
    checkouts: Sequence[Reader],
    holds: Sequence[Reader],
    owed: Owed,
    currency: str,
    now: datetime,
) -> Account:
    """Put a patron's account together; `now` is aware."""
    # Sweden's day is the same.
    expired = patron.expires_on is not None and patron.expires_on < day_in_norway(now)
    reasons = (*patron.blocks, "card_expired") if expired else patron.blocks
    return Account(
        card_number=patron.card_number,
        currency=currency,
        loans=tuple(loans(checkouts, running=owed.running, now=now)),
        holds=tuple(_hold(row) for row in holds),
        fees=owed.fees,
        requests=(),
        blocks=tuple(Block(reason, 0) for reason in reasons),
        debt_total=owed.debt_total,
        running_fees=owed.running_total,
    )


def loans(rows: Sequence[Reader], *, running: Mapping[int, int], now: datetime) -> list[Loan]:
    """Read checkouts with their embedded item and bibliographic record, by due date."""
    return sorted((_loan(row, running, now) for row in rows), key=lambda loan: (loan.due_on, loan.title))


def _loan(row: Reader, running: Mapping[int, int], now: datetime) -> Loan:
    number = row.integer("checkout_id")
    due_on, overdue = due(row, now=now)
    item = row.maybe_part("item")
    biblio = None if item is None else item.maybe_part("biblio")
    onsite = row.has("onsite_checkout") and row.flag("onsite_checkout")
    return Loan(
        loan_id=str(number),
        barcode=(item.maybe_text("external_id") or None) if item else None,
        title=_title(biblio),
        author=_author(biblio),
        category=item.maybe_text("effective_item_type_id") if item else "",
        due_on=due_on,
        overdue=overdue,
        running_fee=running.get(number, 0),
        renewals_left=None,
        renewable=not onsite,
        not_renewable_because="not_renewable" if onsite else None,
        claim_level=0,
        interlibrary=False,
    )


def due(row: Reader, *, now: datetime) -> tuple[date, bool]:
    """Return a checkout's due day, in the time zone Koha writes it in, and whether it has passed."""
    moment = _moment(row, "due_date")
    return moment.date(), moment < now


def _hold(row: Reader) -> Hold:
    biblio = row.maybe_part("biblio")
    ready = row.maybe_text("status") == _WAITING
    return Hold(
        hold_id=str(row.integer("hold_id")),
        title=_title(biblio),
        author=_author(biblio),
        category="",
        asked_on=row.maybe_day("hold_date"),
        ready=ready,
        fetch_before=row.maybe_day("expiration_date") if ready else None,
        queue_position=0 if ready else row.maybe_integer("priority"),
    )


def refusal(problem: Reader) -> str:
    """Return our code for Koha's reason not to renew."""
    reason = problem.maybe_text("error_code")
    if not reason and (match := _REASON.search(problem.maybe_text("error"))):
        reason = match[1]
    return _REFUSALS.get(reason, "not_renewable")


def _title(biblio: Reader | None) -> str:
    # Cataloguing rules end a field with the mark that begins the next one.
    return biblio.maybe_text("title").rstrip(" /:;=,") if biblio else ""


def _author(biblio: Reader | None) -> str:
    return biblio.maybe_text("author").rstrip(" /:;=,") if biblio else ""


def _day(row: Reader, name: str) -> date:
    # Koha has written the days of the account both with a time and without.
    value = row.text(name)
    return read_day(value) if len(value) == len("2026-11-22") else _moment(row, name).date()


def _moment(row: Reader, name: str) -> datetime:
    value = row.text(name)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise Unavailable("bad_answer") from None
    if moment.tzinfo is None:
        raise Unavailable("bad_answer")
    return moment
