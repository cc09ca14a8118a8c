"""The library's rules as pure functions: no clock, no database. Days are calendar days of the library."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

from circulation.errors import Refused
from circulation.policy.library import Calendar, ClaimStep, Policy


def local_day(*, policy: Policy, now: datetime) -> date:
    """Which day it is in the library at `now` (aware). Daylight saving moves hours, never the day's number."""
    if now.tzinfo is None:
        raise ValueError("now must be aware of its time zone")
    return now.astimezone(policy.zone).date()


def is_open(*, calendar: Calendar, day: date) -> bool:
    """Whether the library is open on that day."""
    return not (day.weekday() in calendar.weekdays or (day.month, day.day) in calendar.yearly or day in calendar.dates)


def next_open_day(*, calendar: Calendar, day: date) -> date:
    """`day` itself, or the first open day after it."""
    while not is_open(calendar=calendar, day=day):
        day += timedelta(days=1)
    return day


@lru_cache(maxsize=256)
def _closed_days(calendar: Calendar, year: int) -> tuple[int, ...]:
    first = date(year, 1, 1).toordinal()
    days = range(first, date(year, 12, 31).toordinal() + 1)
    return tuple(n for n in days if not is_open(calendar=calendar, day=date.fromordinal(n)))


def _closed_between(calendar: Calendar, after: date, until: date) -> int:
    """Closed days later than `after` and not later than `until`."""
    total = 0
    for year in range(after.year, until.year + 1):
        closed = _closed_days(calendar, year)
        total += bisect_right(closed, until.toordinal()) - bisect_right(closed, after.toordinal())
    return total


def due_day(*, policy: Policy, category: str, lent_on: date) -> date:
    """The last free day of a loan; a due date on a closed day moves to the next open one."""
    found = policy.categories.get(category)
    return next_open_day(calendar=policy.calendar, day=lent_on + timedelta(days=found.loan_days if found else 0))


def overdue_days(*, due_on: date, on: date) -> int:
    """Full calendar days after the due date; the due date itself is free."""
    return max(0, (on - due_on).days)


@dataclass(frozen=True, slots=True)
class LoanFacts:
    """What the rules need to know of one loan; `claim_level` is the highest claim already made (0 for none)."""

    category: str
    shelf_code: str
    due_on: date
    claim_level: int = 0
    replacement_price: int | None = None


def overdue_fee(*, policy: Policy, loan: LoanFacts, on: date) -> int:
    """What the loan owes for being late if it comes back on that day; capped only where the policy says so."""
    category = policy.categories.get(loan.category)
    # SAB codes are prefixes: Hcf.01 is a book for small children, uHc is youth and pays.
    code = loan.shelf_code.strip().casefold()
    if category is None or any(code.startswith(prefix.casefold()) for prefix in category.exempt_shelf_prefixes):
        return 0
    days = overdue_days(due_on=loan.due_on, on=on)
    if days and not policy.charge_closed_days:
        days -= _closed_between(policy.calendar, loan.due_on, on)
    fee = max(0, days - policy.grace_days) * category.overdue_per_day
    return fee if category.overdue_max is None else min(fee, category.overdue_max)


def replacement_charge(*, policy: Policy, loan: LoanFacts) -> int:
    """What a lost or destroyed copy costs: its own price, or else what its category says."""
    if loan.replacement_price is not None:
        return loan.replacement_price
    category = policy.categories.get(loan.category)
    return category.replacement_charge if category else 0


def claims_due(*, policy: Policy, due_on: date, today: date) -> tuple[tuple[ClaimStep, date], ...]:
    """Each claim that the loan has reached by today, with the day it fell on.

    The day follows from the due date and not from when the daily command happened to run, so that what a
    patron owes does not depend on the order or the hour of the runs.
    """
    dated = ((step, due_on + timedelta(days=step.after_days)) for step in policy.claims)
    return tuple((step, day) for step, day in dated if day <= today)


@dataclass(frozen=True, slots=True)
class Block:
    """Why a card cannot borrow: `debt` (all that is owed) or `invoice` (what of it was invoiced and is unpaid)."""

    reason: str
    amount: int


def blocks(*, policy: Policy, debt: int, unpaid_invoice: int) -> tuple[Block, ...]:
    """`debt` is booked and running fees together. Exactly the limit does not block, one öre above it does."""
    found = []
    if debt > policy.debt_above:
        found.append(Block("debt", debt))
    if unpaid_invoice > 0:
        found.append(Block("invoice", unpaid_invoice))
    return tuple(found)


def renewed_due_day(*, policy: Policy, category: str, due_on: date, today: date) -> date:
    """Counted from the day of renewal, and never earlier than the loan already runs."""
    return max(due_on, due_day(policy=policy, category=category, lent_on=today))


def why_not_renewable(
    *,
    policy: Policy,
    category: str,
    due_on: date,
    renewals: int,
    reserved: bool,
    interlibrary: bool,
    blocked: bool,
    today: date,
) -> str | None:
    """The code of the first rule that forbids a renewal today, or None."""
    if interlibrary:
        return "not_renewable"
    if blocked:
        return "blocked"
    if overdue_days(due_on=due_on, on=today):
        return "overdue"
    if reserved:
        return "reserved"
    if renewals >= policy.max_renewals:
        return "renewals_used_up"
    if renewed_due_day(policy=policy, category=category, due_on=due_on, today=today) == due_on:
        return "nothing_gained"
    return None


def decide_interlibrary(
    *, policy: Policy, category: str, publication_year: int, owned: bool, open_requests: int, today: date
) -> None:
    """Refused with the reason if the library does not borrow this title from another one."""
    rules = policy.interlibrary
    if rules is None or category not in rules.categories:
        raise Refused("category_not_lent")
    if owned and rules.refuse_owned:
        raise Refused("owned_here")
    if publication_year > today.year - rules.refuse_newest_years:
        raise Refused("too_recent")
    if rules.summer is not None:
        first, last, day = rules.summer.first, rules.summer.last, (today.month, today.day)
        # A season may run over New Year.
        in_season = first <= day <= last if first <= last else day >= first or day <= last
        if in_season and open_requests >= rules.summer.max_open_requests:
            raise Refused("summer_limit")


@dataclass(frozen=True, slots=True)
class Cost:
    """What returning one loan on a day would cost, and the replacement that falls away by returning it."""

    fee: int
    claim_level: int
    claim_fees: tuple[tuple[int, date, int], ...]
    replacement_charge: int


def cost_if_returned_on(*, policy: Policy, loan: LoanFacts, on: date) -> Cost:
    """`claim_fees` are (level, day, amount) of claims not yet made that would be made by then."""
    reached = claims_due(policy=policy, due_on=loan.due_on, today=on)
    invoiced = any(step.invoice for step, _ in reached)
    return Cost(
        fee=overdue_fee(policy=policy, loan=loan, on=on),
        claim_level=max([loan.claim_level, *(step.level for step, _ in reached)]),
        claim_fees=tuple((s.level, day, s.fee) for s, day in reached if s.level > loan.claim_level and s.fee),
        replacement_charge=replacement_charge(policy=policy, loan=loan) if invoiced else 0,
    )


def claim_fees_together(costs: Iterable[Cost]) -> int:
    """One letter names every loan that reached the same claim on the same day, and its fee is taken once."""
    return sum(fee for _, _, fee in {letter for cost in costs for letter in cost.claim_fees})
