"""The fee engine against a second book-keeping that shares nothing with it: 100,000 random histories.

The second one is a clerk with the printed rules of Mullsjö and a wall calendar, who counts in kronor, day by day.
"""

import random
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circulation.policy.library import load_policy
from circulation.policy.rules import (
    LoanFacts,
    blocks,
    claim_fees_together,
    cost_if_returned_on,
    due_day,
    overdue_fee,
)

MULL = load_policy("Mull")
HISTORIES = 100_000
DECKS = 4

# Copied by hand from the library's printed page: weeks or days of loan, kronor a day.
PRINTED = {"book": (28, 2), "magazine": (14, 0), "new_popular": (14, 2), "dvd": (7, 10), "cd_book": (28, 2)}
SHELVES = ("Hc", "Hcf", "Hcg", "Hcf.01", "uHc", "Hce", "Rb", "Imdb", "")
CHILDREN = ("Hcf", "Hcg", "Hcf.01")
FIRST = date(2023, 9, 1)

History = list[tuple[str, str, date, date]]


def clerk_counts(history: History) -> tuple[int, int]:
    """Kronor for late days and for invoices."""
    late_kronor = 0
    invoices = set()
    for kind, shelf, lent, back in history:
        free_days, a_day = PRINTED[kind]
        late = 0
        for day in range(lent.toordinal() + free_days + 1, back.toordinal() + 1):
            late += 1
            if late == 56:
                invoices.add(day)
        if not (kind in ("book", "new_popular", "cd_book") and shelf in CHILDREN):
            late_kronor += late * a_day
    return late_kronor, 50 * len(invoices)


def random_history(dice: random.Random) -> History:
    history = []
    for _ in range(dice.choice((1, 1, 2, 3))):
        lent = FIRST + timedelta(days=dice.randrange(1200))
        back = lent + timedelta(days=dice.choice((dice.randrange(60), dice.randrange(60), dice.randrange(130))))
        history.append((dice.choice(tuple(PRINTED)), dice.choice(SHELVES), lent, back))
    return history


def engine_counts(history: History) -> tuple[int, int]:
    """Öre for late days and for invoices."""
    costs = []
    for kind, shelf, lent, back in history:
        loan = LoanFacts(kind, shelf, due_day(policy=MULL, category=kind, lent_on=lent))
        costs.append(cost_if_returned_on(policy=MULL, loan=loan, on=back))
    return sum(cost.fee for cost in costs), claim_fees_together(costs)


def test_the_engine_agrees_with_a_clerk_over_100000_histories() -> None:
    dice = random.Random(20180608)
    blocked = free_children = 0
    for _ in range(HISTORIES // DECKS):
        history = random_history(dice)
        kronor = clerk_counts(history)
        late, invoiced = engine_counts(history)
        assert (late, invoiced) == (kronor[0] * 100, kronor[1] * 100), history
        stands = any(block.reason == "debt" for block in blocks(policy=MULL, debt=late + invoiced, unpaid_invoice=0))
        assert stands == (sum(kronor) > 200), history
        blocked += stands
        free_children += late == 0 and any(shelf in CHILDREN for _, shelf, _, _ in history)
    # The histories were worth the while.
    assert blocked > 1000
    assert free_children > 1000


kinds = st.sampled_from(tuple(PRINTED))
shelves = st.sampled_from(SHELVES)
days = st.dates(date(2019, 1, 1), date(2033, 1, 1))


@given(kinds, shelves, days, st.integers(-400, 4000), st.integers(0, 400), st.booleans(), st.integers(0, 30))
def test_a_fee_is_never_negative_and_never_falls_from_day_to_day(
    kind: str, shelf: str, due: date, late: int, more: int, closed_days: bool, grace: int
) -> None:
    policy = replace(
        load_policy("2023500"), categories=MULL.categories, grace_days=grace, charge_closed_days=closed_days
    )
    loan = LoanFacts(kind, shelf, due)
    first = overdue_fee(policy=policy, loan=loan, on=due + timedelta(days=late))
    later = overdue_fee(policy=policy, loan=loan, on=due + timedelta(days=late + more))
    assert 0 <= first <= later
    assert first == 0 or late > 0


@given(st.sampled_from(("book", "new_popular", "cd_book")), st.sampled_from(CHILDREN), days, st.integers(0, 5000))
def test_childrens_books_are_free_however_late(kind: str, shelf: str, due: date, late: int) -> None:
    assert overdue_fee(policy=MULL, loan=LoanFacts(kind, shelf, due), on=due + timedelta(days=late)) == 0


@given(st.lists(st.tuples(kinds, shelves, days, st.integers(0, 200)), max_size=6), st.randoms())
def test_the_total_does_not_depend_on_the_order_of_the_loans(
    loans: list[tuple[str, str, date, int]], dice: random.Random
) -> None:
    history = [(kind, shelf, lent, lent + timedelta(days=kept)) for kind, shelf, lent, kept in loans]
    shuffled = history[:]
    dice.shuffle(shuffled)
    assert engine_counts(history) == engine_counts(shuffled)


@given(kinds, shelves, days, st.integers(0, 300), st.integers(0, 3))
def test_what_is_told_beforehand_is_what_is_charged(kind: str, shelf: str, due: date, late: int, level: int) -> None:
    on = due + timedelta(days=late)
    told = cost_if_returned_on(policy=MULL, loan=LoanFacts(kind, shelf, due, claim_level=level), on=on)
    assert told.fee == overdue_fee(policy=MULL, loan=LoanFacts(kind, shelf, due), on=on)
    assert told.claim_level >= level
    assert sum(fee for _, _, fee in told.claim_fees) == (5000 if late >= 56 and level < 3 else 0)
    assert told.replacement_charge == (MULL.categories[kind].replacement_charge if late >= 56 else 0)


@pytest.mark.parametrize(
    ("films", "days_late", "blocked"), [(1, 20, False), (1, 21, True), (2, 10, False), (2, 11, True)]
)
def test_the_block_comes_with_the_first_krona_above_200(films: int, days_late: int, blocked: bool) -> None:
    due = date(2026, 10, 20)  # the days run over the end of summer time
    loan = LoanFacts("dvd", "Imdb", due)
    debt = films * overdue_fee(policy=MULL, loan=loan, on=due + timedelta(days=days_late))
    assert bool(blocks(policy=MULL, debt=debt, unpaid_invoice=0)) == blocked
