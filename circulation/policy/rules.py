"""The library's rules as pure functions: no clock, no database. Days are calendar days of the library."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final

from circulation.errors import Refused
from circulation.policy.library import Calendar, Category, ClaimStep, Policy

_LONGEST_SEARCH: Final = 370


def local_day(*, policy: Policy, now: datetime) -> date:
    """Which day it is in the library at `now` (aware). Daylight saving moves hours, never the day's number."""
    if now.tzinfo is None:
        raise ValueError("now must be aware of its time zone")
    return now.astimezone(policy.zone).date()


def is_quiet(*, policy: Policy, quiet_from: int, quiet_to: int, now: datetime) -> bool:
    """Whether `now` is in quiet hours, such as from 21 until 8 of the library's clock; the same hour twice is none."""
    return (now.astimezone(policy.zone).hour - quiet_from) % 24 < (quiet_to - quiet_from) % 24


def is_open(*, calendar: Calendar, day: date) -> bool:
    """Whether the library is open on that day: by an exception that it told the public, else not on the policy's closed
    dates, else by the week that it told, else by the policy's weekdays."""
    hours = calendar.hours
    told = None if hours is None else hours.is_open(day)
    if (day.month, day.day) in calendar.yearly or day in calendar.dates:
        return bool(told) and hours is not None and hours.exception_on(day) is not None
    return day.weekday() not in calendar.weekdays if told is None else told


def next_open_day(*, calendar: Calendar, day: date) -> date:
    """`day` itself, or the first open day after it; `day` where the library is closed for a year."""
    days = (day + timedelta(days=number) for number in range(_LONGEST_SEARCH))
    return next((each for each in days if is_open(calendar=calendar, day=each)), day)


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


def _parts(policy: Policy, after: date, until: date) -> Iterator[tuple[Policy, date, date]]:
    """The policies that hold on the days later than `after` and not later than `until`, oldest first, each with the day
    before its first of them and its last."""
    held = [(each, min(until, last)) for each, last in _with_last_days(policy)]
    for each, last in reversed(held):
        before = max(after, each.valid_from - timedelta(days=1)) if each.before is not None else after
        if before < last:
            yield each, before, last


def _with_last_days(policy: Policy) -> Iterator[tuple[Policy, date]]:
    last = date.max
    for each in policy.back_in_time():
        yield each, last
        if each.before is not None:
            last = min(last, each.valid_from - timedelta(days=1))


def overdue_fee(*, policy: Policy, loan: LoanFacts, on: date) -> int:
    """What the loan owes for being late if it comes back on that day. Each late day costs what the policy of that day
    says, so that a change alters no day before it; a cap stops the fee where it is, and takes nothing back."""
    fee = counted = 0
    for part, before, last in _parts(policy, loan.due_on, on):
        days = (last - before).days
        if not part.charge_closed_days:
            days -= _closed_between(part.calendar, before, last)
        charged = max(0, days - max(0, part.grace_days - counted))
        counted += days
        category = part.categories.get(loan.category)
        if category is None or _is_exempt(category, loan):
            continue
        grown = fee + charged * category.overdue_per_day
        fee = grown if category.overdue_max is None else max(fee, min(grown, category.overdue_max))
    return fee


def _is_exempt(category: Category, loan: LoanFacts) -> bool:
    # SAB codes are prefixes: Hcf.01 is a book for small children, uHc is youth and pays.
    code = loan.shelf_code.strip().casefold()
    return any(code.startswith(prefix.casefold()) for prefix in category.exempt_shelf_prefixes)


def replacement_charge(*, policy: Policy, loan: LoanFacts) -> int:
    """What a lost or destroyed copy costs: its own price, or else what its category says."""
    if loan.replacement_price is not None:
        return loan.replacement_price
    category = policy.categories.get(loan.category)
    return category.replacement_charge if category else 0


def claims_due(*, policy: Policy, due_on: date, today: date) -> tuple[tuple[ClaimStep, date], ...]:
    """Each claim that the loan has reached by today, with the day it fell on.

    The day follows from the due date and not from when the daily command happened to run, so that what a
    patron owes does not depend on the order or the hour of the runs. A claim is the policy's of its day. Where a change
    brings claims forward, the first of them falls on the day of the change, and between one and the next there are as
    many days as the policy says.
    """
    reached: list[tuple[ClaimStep, date]] = []
    for part, before, last in _parts(policy, due_on, today):
        for step in part.claims[len(reached) :]:
            day = max(due_on + timedelta(days=step.after_days), before + timedelta(days=1))
            if reached:
                gap = step.after_days - part.claims[step.level - 2].after_days
                day = max(day, reached[-1][1] + timedelta(days=gap))
            if day > last:
                break
            reached.append((step, day))
    return tuple(reached)


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
    invoiced = next((day for step, day in reached if step.invoice), None)
    return Cost(
        fee=overdue_fee(policy=policy, loan=loan, on=on),
        claim_level=max([loan.claim_level, *(step.level for step, _ in reached)]),
        claim_fees=tuple((s.level, day, s.fee) for s, day in reached if s.level > loan.claim_level and s.fee),
        replacement_charge=replacement_charge(policy=policy.on(invoiced), loan=loan) if invoiced else 0,
    )


def claim_fees_together(costs: Iterable[Cost]) -> int:
    """One letter names every loan that reached the same claim on the same day, and its fee is taken once."""
    return sum(fee for _, _, fee in {letter for cost in costs for letter in cost.claim_fees})
