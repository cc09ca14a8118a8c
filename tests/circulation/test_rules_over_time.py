"""A change of rules holds from its day: what was lent keeps its due date, and no day before it becomes dearer."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from circulation.policy.library import Calendar, Category, ClaimStep, Policy, load_policy
from circulation.policy.rules import LoanFacts, claims_due, cost_if_returned_on, is_open, overdue_fee

MULL = load_policy("Mull")
DUE = date(2026, 3, 2)
FILM = LoanFacts("dvd", "Imdb", DUE)

categories = st.builds(
    lambda price, most, exempt: replace(
        MULL.categories["dvd"], overdue_per_day=price, overdue_max=most, exempt_shelf_prefixes=exempt
    ),
    st.integers(0, 2000),
    st.none() | st.integers(0, 20_000),
    st.sampled_from([(), ("Imdb",)]),
)
ladders = st.lists(st.integers(1, 40), unique=True, max_size=3).map(
    lambda days: tuple(
        ClaimStep(after_days=day, fee=100 * level, invoice=level == 3, level=level)
        for level, day in enumerate(sorted(days), start=1)
    )
)
calendars = st.sets(st.integers(0, 6), max_size=6).map(lambda days: replace(MULL.calendar, weekdays=frozenset(days)))


def _policy(category: Category, ladder: tuple[ClaimStep, ...], calendar: Calendar, grace: int, closed: bool) -> Policy:
    return replace(
        MULL,
        categories={"dvd": category},
        claims=ladder,
        calendar=calendar,
        grace_days=grace,
        charge_closed_days=closed,
    )


policies = st.builds(_policy, categories, ladders, calendars, st.integers(0, 5), st.booleans())


def chain(first: Policy, *later: tuple[date, Policy]) -> Policy:
    """The policies one after another."""
    for day, policy in later:
        first = replace(policy, valid_from=day, before=first)
    return first


days = st.integers(-10, 60).map(lambda number: DUE + timedelta(days=number))
changes = st.lists(st.tuples(days, policies), max_size=3).map(lambda found: sorted(found, key=lambda pair: pair[0]))


def clerk(policy: Policy, on: date) -> int:
    """The fee as somebody counts it who looks each day at the rules of that day."""
    fee = counted = 0
    for number in range((on - DUE).days):
        day = DUE + timedelta(days=number + 1)
        rules = policy.on(day)
        if not rules.charge_closed_days and not is_open(calendar=rules.calendar, day=day):
            continue
        counted += 1
        category = rules.categories["dvd"]
        if counted <= rules.grace_days or category.exempt_shelf_prefixes:
            continue
        fee += category.overdue_per_day
        if category.overdue_max is not None:
            fee = max(fee - category.overdue_per_day, min(fee, category.overdue_max))
    return fee


@given(policies, changes, days)
def test_each_late_day_costs_what_the_rules_of_that_day_say(
    first: Policy, later: list[tuple[date, Policy]], on: date
) -> None:
    policy = chain(first, *later)
    assert overdue_fee(policy=policy, loan=FILM, on=on) == clerk(policy, on)


@given(policies, changes, days, policies, days)
def test_a_change_alters_nothing_of_the_days_before_it(
    first: Policy, later: list[tuple[date, Policy]], change: date, new: Policy, on: date
) -> None:
    before = chain(first, *later)
    change = max(change, before.valid_from)
    after = replace(new, valid_from=change, before=before)
    on = min(on, change - timedelta(days=1))
    # Rules for the very day of others take their place: what those would have said is nobody's.
    assert cost_if_returned_on(policy=after, loan=FILM, on=on) == cost_if_returned_on(policy=before, loan=FILM, on=on)


@given(policies, changes, days, st.integers(0, 30))
def test_a_fee_never_falls_from_day_to_day(
    first: Policy, later: list[tuple[date, Policy]], on: date, more: int
) -> None:
    policy = chain(first, *later)
    fees = [overdue_fee(policy=policy, loan=FILM, on=on + timedelta(days=number)) for number in (0, more)]
    assert 0 <= fees[0] <= fees[1]


@given(policies, changes, days)
def test_a_change_back_and_the_same_rules_again_change_nothing(
    first: Policy, later: list[tuple[date, Policy]], on: date
) -> None:
    again = chain(first, *((day, first) for day, _ in later))
    assert cost_if_returned_on(policy=again, loan=FILM, on=on).fee == overdue_fee(policy=first, loan=FILM, on=on)
    assert claims_due(policy=again, due_on=DUE, today=on) == claims_due(policy=first, due_on=DUE, today=on)


@given(policies, changes, days)
def test_claims_come_one_after_another_with_the_days_between_that_a_policy_says(
    first: Policy, later: list[tuple[date, Policy]], on: date
) -> None:
    policy = chain(first, *later)
    reached = claims_due(policy=policy, due_on=DUE, today=on)
    assert [step.level for step, _ in reached] == list(range(1, len(reached) + 1))
    for (_, earlier), (step, day) in pairwise(reached):
        ladder = policy.on(day).claims
        assert step == ladder[step.level - 1]
        assert (day - earlier).days >= step.after_days - ladder[step.level - 2].after_days >= 1
    assert all(DUE < day <= on for _, day in reached)
    # What was reached stays reached on the same day, whenever the daily command runs.
    assert claims_due(policy=policy, due_on=DUE, today=on + timedelta(days=9))[: len(reached)] == reached


def test_claims_that_a_change_brings_forward_are_not_all_sent_on_its_day() -> None:
    steps = tuple(ClaimStep(after_days=7 * n, fee=0, invoice=n == 3, level=n) for n in (1, 2, 3))
    sooner = chain(replace(MULL, claims=()), (DUE + timedelta(days=40), replace(MULL, claims=steps)))
    reached = claims_due(policy=sooner, due_on=DUE, today=DUE + timedelta(days=100))
    assert [(day - DUE).days for _, day in reached] == [40, 47, 54]


def test_what_is_invoiced_is_the_charge_of_the_invoice_s_day() -> None:
    dearer = replace(MULL.categories["dvd"], replacement_charge=90_000)
    later = chain(MULL, (DUE + timedelta(days=60), replace(MULL, categories={**MULL.categories, "dvd": dearer})))
    assert cost_if_returned_on(policy=later, loan=FILM, on=DUE + timedelta(days=70)).replacement_charge == 60_000
