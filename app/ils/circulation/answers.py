"""Read circulation's answers. The names of the fields are those of its contract; Unavailable where they do not fit."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Final, get_args

from app.ils.lending import (
    Charged,
    Cost,
    Ending,
    Handled,
    InterlibraryLoan,
    InterlibraryWork,
    Kept,
    LoanCost,
    Payment,
    Returned,
)
from app.ils.policy import Category, Claim, InterlibraryRules, LibraryRules, MonthDay, SummerLimit
from app.ils.port import Account, Block, Fee, FeeKind, Hold, Loan, Renewal, Request, Unavailable
from app.ils.reading import Reader, read_day

_FEE_KINDS: Final[dict[str, FeeKind]] = {kind: kind for kind in get_args(FeeKind)}
_MONTH_DAY: Final = re.compile(r"(\d{2})-(\d{2})", re.ASCII)


def accounts(answer: Reader, *, asked: Sequence[str]) -> list[Account]:
    """Read a family's accounts, which must be of the cards that were asked for, in their order."""
    currency = answer.currency("currency")
    found = [_account(patron, currency) for patron in answer.parts("patrons")]
    if [account.card_number for account in found] != list(asked):
        raise Unavailable("bad_answer")
    return found


def _account(patron: Reader, currency: str) -> Account:
    return Account(
        card_number=patron.text("card_number"),
        currency=currency,
        loans=tuple(loan(row) for row in patron.parts("loans")),
        holds=tuple(hold(row) for row in patron.parts("holds")),
        fees=tuple(fee(row) for row in patron.parts("debts")),
        requests=tuple(request(row) for row in patron.parts("requests")),
        blocks=blocks(patron),
        debt_total=patron.integer("debt_total"),
        running_fees=patron.integer("running_fees"),
    )


def loan(row: Reader) -> Loan:
    """Read a loan."""
    return Loan(
        loan_id=row.text("loan_id"),
        barcode=row.text("barcode"),
        title=row.text("title"),
        author=row.text("author"),
        category=row.text("category"),
        due_on=row.day("due_on"),
        overdue=row.flag("overdue"),
        running_fee=row.integer("running_fee"),
        renewals_left=row.integer("renewals_left"),
        renewable=row.flag("renewable"),
        not_renewable_because=_maybe_code(row, "not_renewable_because"),
        claim_level=row.integer("claim_level"),
        interlibrary=row.flag("interlibrary"),
    )


def _maybe_code(row: Reader, name: str) -> str | None:
    return row.code(name) if row.has(name) else None


def renewals(answer: Reader) -> list[Renewal]:
    """Read what became of each loan."""
    return [
        Renewal(loan(row.part("loan")), row.flag("renewed"), _maybe_code(row, "not_renewable_because"))
        for row in answer.parts("results")
    ]


def hold(row: Reader) -> Hold:
    """Read a hold."""
    return Hold(
        hold_id=row.text("hold_id"),
        title=row.text("title"),
        author=row.text("author"),
        category=row.text("category"),
        asked_on=row.day("asked_on"),
        ready=row.flag("ready"),
        fetch_before=row.maybe_day("fetch_before"),
        queue_position=row.integer("queue_position"),
    )


def fee(row: Reader) -> Fee:
    """Read a debt. A kind that is new to us is "other"."""
    return Fee(
        fee_id=row.text("debt_id"),
        kind=_FEE_KINDS.get(row.code("kind"), "other"),
        amount=row.integer("amount"),
        outstanding=row.integer("outstanding"),
        incurred_on=row.day("incurred_on"),
    )


def maybe_fee(answer: Reader) -> Fee | None:
    """Read the field "debt", which may be null."""
    part = answer.maybe_part("debt")
    return None if part is None else fee(part)


def request(row: Reader) -> Request:
    """Read an interlibrary request."""
    state = row.code("state")
    if state not in ("asked", "ordered"):
        raise Unavailable("bad_answer")
    return Request(
        request_id=row.text("request_id"),
        title=row.text("title"),
        author=row.text("author"),
        publication_year=row.integer("publication_year"),
        category=row.text("category"),
        state="asked" if state == "asked" else "ordered",
        asked_on=row.day("asked_on"),
        card_number=row.maybe_text("card_number") or None,
    )


def blocks(answer: Reader) -> tuple[Block, ...]:
    """Read why a card is blocked."""
    return tuple(Block(row.code("reason"), row.integer("amount")) for row in answer.parts("blocks"))


def returned(answer: Reader) -> Returned:
    """Read what to do with a copy that came back."""
    return Returned(
        title=answer.text("title"),
        card_number=answer.maybe_text("card_number") or None,
        due_on=answer.maybe_day("due_on"),
        overdue_fee=answer.integer("overdue_fee"),
        fee=maybe_fee(answer),
        hold_waiting=answer.flag("hold_waiting"),
        interlibrary=answer.flag("interlibrary"),
    )


def cost(answer: Reader) -> Cost:
    """Read what returning would cost."""
    loans = tuple(
        LoanCost(
            loan_id=row.text("loan_id"),
            title=row.text("title"),
            due_on=row.day("due_on"),
            days_overdue=row.integer("days_overdue"),
            fee=row.integer("fee"),
            claim_level=row.integer("claim_level"),
            claim_fees=row.integer("claim_fees"),
            replacement_charge=row.integer("replacement_charge"),
        )
        for row in answer.parts("loans")
    )
    fees, claim_fees, total = (answer.integer(name) for name in ("fees", "claim_fees", "total"))
    return Cost(answer.day("on"), loans, fees, claim_fees, total)


def charged(answer: Reader) -> Charged:
    """Read what a lost copy costs."""
    return Charged(tuple(fee(row) for row in answer.parts("debts")), answer.integer("total"))


def payment(answer: Reader) -> Payment:
    """Read a receipt."""
    receipt = answer.part("payment")
    return Payment(
        payment_id=receipt.text("payment_id"),
        amount=receipt.integer("amount"),
        paid_on=receipt.day("paid_on"),
        debt_total=answer.integer("debt_total"),
        repeated=answer.flag("repeated"),
    )


def ending(answer: Reader) -> Ending:
    """Read what was erased and what is kept."""
    kept = tuple(
        Kept(row.code("kind"), row.integer("count"), row.maybe_integer("amount"), row.text("reason"))
        for row in answer.parts("kept")
    )
    return Ending(answer.counts("erased"), kept, answer.flag("dry_run"))


def interlibrary_work(answer: Reader) -> InterlibraryWork:
    """Read the staff's list."""
    on_loan = tuple(
        InterlibraryLoan(row.text("barcode"), row.text("title"), row.day("due_on")) for row in answer.parts("on_loan")
    )
    return InterlibraryWork(tuple(request(row) for row in answer.parts("requests")), on_loan)


def handled(answer: Reader) -> Handled:
    """Read what became of a request."""
    asked, lent = answer.maybe_part("request"), answer.maybe_part("loan")
    return Handled(
        request=None if asked is None else request(asked),
        loan=None if lent is None else loan(lent),
        fee=maybe_fee(answer),
    )


def rules(answer: Reader) -> LibraryRules:
    """Read the library's policy."""
    overdue, holds, calendar = answer.part("overdue"), answer.part("holds"), answer.part("calendar")
    closed = calendar.texts("closed_dates")
    interlibrary = answer.maybe_part("interlibrary")
    return LibraryRules(
        library_id=answer.text("library"),
        name=answer.text("name"),
        example=answer.flag("example"),
        currency=answer.currency("currency"),
        time_zone=answer.text("time_zone"),
        categories=tuple(_category(row) for row in answer.parts("categories")),
        grace_days=overdue.integer("grace_days"),
        charge_closed_days=overdue.flag("charge_closed_days"),
        max_renewals=answer.part("renewals").integer("max"),
        max_holds=holds.integer("max_open"),
        hold_fetch_days=holds.integer("fetch_days"),
        debt_above=answer.part("blocks").integer("debt_above"),
        claims=tuple(
            Claim(row.integer("level"), row.integer("after_days"), row.integer("fee"), row.flag("invoice"))
            for row in answer.parts("claims")
        ),
        reminder_days=_integers(answer.part("reminders"), "days_before_due"),
        replacement_card=answer.part("cards").integer("replacement"),
        interlibrary=None if interlibrary is None else _interlibrary(interlibrary),
        settled_debts_days=answer.part("retention").integer("settled_debts_days"),
        closed_weekdays=calendar.texts("closed_weekdays"),
        closed_yearly=tuple(_month_day(day) for day in closed if _MONTH_DAY.fullmatch(day)),
        closed_dates=tuple(read_day(day) for day in closed if not _MONTH_DAY.fullmatch(day)),
    )


def _integers(row: Reader, name: str) -> tuple[int, ...]:
    return tuple(Reader({"": value}).integer("") for value in row.values(name))


def _category(row: Reader) -> Category:
    return Category(
        id=row.text("id"),
        names=row.words("names"),
        loan_days=row.integer("loan_days"),
        overdue_per_day=row.integer("overdue_per_day"),
        overdue_max=row.maybe_integer("overdue_max"),
        exempt_shelf_prefixes=row.texts("exempt_shelf_prefixes"),
        replacement_charge=row.integer("replacement_charge"),
    )


def _interlibrary(row: Reader) -> InterlibraryRules:
    summer = row.maybe_part("summer")
    return InterlibraryRules(
        fee=row.integer("fee"),
        categories=row.texts("categories"),
        refuse_newest_years=row.integer("refuse_newest_years"),
        refuse_owned=row.flag("refuse_owned"),
        summer=None
        if summer is None
        else SummerLimit(
            first=_month_day(summer.text("first")),
            last=_month_day(summer.text("last")),
            max_open_requests=summer.integer("max_open_requests"),
        ),
    )


def _month_day(value: str) -> MonthDay:
    if not (match := _MONTH_DAY.fullmatch(value)):
        raise Unavailable("bad_answer")
    month, day = int(match[1]), int(match[2])
    try:
        date(2024, month, day)  # a leap year: 29 February is a day
    except ValueError:
        raise Unavailable("bad_answer") from None
    return MonthDay(month, day)
