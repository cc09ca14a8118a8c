"""What a draft would mean for what there is now: counts, made when they are asked for and never stored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from sqlalchemy import ColumnElement, func, select

from circulation.errors import Refused
from circulation.lending.accounts import blocks_from, facts_of, unpaid_debts
from circulation.lending.interlibrary import owns, requests_of
from circulation.lending.transaction import Transaction
from circulation.policy.library import Policy
from circulation.policy.rules import (
    Block,
    Cost,
    LoanFacts,
    claim_fees_together,
    cost_if_returned_on,
    decide_interlibrary,
    due_day,
    overdue_fee,
    replacement_charge,
)
from circulation.rulebook.told_hours import with_hours
from circulation.tables import (
    Agreement,
    Claim,
    Debt,
    DoorEntry,
    Hold,
    InterlibraryRequest,
    Item,
    Loan,
    ReminderChoice,
)

DAYS_LATE: Final = 30
"""How late each loan is thought to come back, of days on which the draft holds."""


@dataclass(slots=True)
class Comparison:
    """What would be otherwise under the draft from its day, counted.

    Of the `loans` that are out: how many would have another due date if they were lent under the draft (they keep
    theirs); would cost more or less if they came back DAYS_LATE days late; would be billed more or less for claims and
    replacement if they never came back; would cost more or less if they were lost; could be renewed no more, or again;
    and of how many reminders would be sent on other days.

    Of the cards: how many would be blocked, or no longer, by what they owe today; and have more holds than the draft
    allows. `copies`: how many could be lent no more. `holds_kept_otherwise`: how many in the queue would be kept ready
    for another time. Of the interlibrary requests: how many would be refused if they were made on that day, and how
    many would cost more or less when they arrive. Of the agreements: how many would not count, or count again.
    `debts_forgotten` and `entries_forgotten`: how many settled debts and entries of the door would lose their card
    number, or be gone, on that day.
    """

    loans: int = 0
    due_otherwise: int = 0
    dearer: int = 0
    cheaper: int = 0
    billed_more: int = 0
    billed_less: int = 0
    lost_dearer: int = 0
    lost_cheaper: int = 0
    renewable_no_more: int = 0
    renewable_again: int = 0
    reminded_otherwise: int = 0
    cards_blocked: int = 0
    cards_freed: int = 0
    copies: int = 0
    holds_above: int = 0
    holds_kept_otherwise: int = 0
    requests_refused: int = 0
    requests_dearer: int = 0
    requests_cheaper: int = 0
    debts_forgotten: int = 0
    agreements_ended: int = 0
    agreements_again: int = 0
    entries_forgotten: int = 0


def compare(*, tx: Transaction, draft: Policy, valid_from: date) -> Comparison:
    """Compare the draft, holding from a day, with the newest rules."""
    draft = with_hours(draft, tx.rules.calendar.hours)
    then = replace(draft, valid_from=max(valid_from, tx.rules.valid_from), before=tx.rules)
    found = Comparison()
    for loans in _loans_out(tx):
        _compare_loans(found, loans, then=then, now=tx.rules)
    found.cards_blocked, found.cards_freed = _blocks(tx, draft)
    found.copies = _copies(tx, draft)
    found.holds_above, found.holds_kept_otherwise = _holds(tx, draft)
    _compare_requests(found, tx, then)
    _compare_self_service(found, tx, then)
    found.debts_forgotten = _debts_forgotten(tx, then)
    return found


@dataclass(frozen=True, slots=True)
class _Loans:
    """Loans that the rules treat alike, and how many they are. `chose`: their cards have reminders of their own."""

    facts: LoanFacts
    lent_on: date
    renewals: int
    interlibrary: bool
    chose: bool
    count: int


def _loans_out(tx: Transaction) -> Iterable[_Loans]:
    level = select(func.coalesce(func.max(Claim.level), 0)).where(Claim.loan_id == Loan.id).scalar_subquery()
    chose = select(ReminderChoice.card_number).where(ReminderChoice.card_number == Loan.card_number).exists()
    each = select(Item.category, Item.shelf_code, Loan.due_on, level.label("level"), Item.price)
    columns = (Loan.lent_on, Loan.renewals, Item.interlibrary, chose.label("chose"))
    each_out = each.add_columns(*columns).join(Loan, Loan.item_id == Item.id).subquery()
    alike = select(*each_out.c, func.count()).group_by(*each_out.c)
    for row in tx.session.execute(alike):
        *facts, lent_on, renewals, interlibrary, has_chosen, count = row
        yield _Loans(LoanFacts(*facts), lent_on, renewals, interlibrary, bool(has_chosen), count)


def _compare_loans(found: Comparison, loans: _Loans, *, then: Policy, now: Policy) -> None:
    facts, count = loans.facts, loans.count
    found.loans += count
    # So that the days that are counted are days of the draft.
    from_day = max(facts.due_on, then.valid_from - timedelta(days=1))
    late, soon = (
        cost_if_returned_on(policy=each, loan=facts, on=from_day + timedelta(days=DAYS_LATE)) for each in (then, now)
    )
    more = _price(late) - _price(soon)
    found.dearer += count if more > 0 else 0
    found.cheaper += count if more < 0 else 0
    last = sum(step.after_days for policy in (then, now) for step in policy.claims[-1:])
    never, until_now = (
        cost_if_returned_on(policy=each, loan=facts, on=from_day + timedelta(days=last)) for each in (then, now)
    )
    more = _bill(never) - _bill(until_now)
    found.billed_more += count if more > 0 else 0
    found.billed_less += count if more < 0 else 0
    more = replacement_charge(policy=then, loan=facts) - replacement_charge(policy=now, loan=facts)
    found.lost_dearer += count if more > 0 else 0
    found.lost_cheaper += count if more < 0 else 0
    reminders = set() if loans.chose else set(then.reminder_days) ^ set(now.reminder_days)
    is_reminded = any(facts.due_on - timedelta(days=days) >= then.valid_from for days in reminders)
    found.reminded_otherwise += count if is_reminded else 0
    if loans.interlibrary:  # due as the lending library says, and never renewed
        return
    days = {due_day(policy=each, category=facts.category, lent_on=loans.lent_on) for each in (then, now)}
    found.due_otherwise += count if len(days) > 1 else 0
    found.renewable_no_more += count if then.max_renewals <= loans.renewals < now.max_renewals else 0
    found.renewable_again += count if now.max_renewals <= loans.renewals < then.max_renewals else 0


def _price(cost: Cost) -> int:
    return cost.fee + _bill(cost)


def _bill(cost: Cost) -> int:
    return claim_fees_together([cost]) + cost.replacement_charge


def _blocks(tx: Transaction, draft: Policy) -> tuple[int, int]:
    late = select(Loan, Item).join(Item, Item.id == Loan.item_id).where(Loan.due_on < tx.today)
    running: dict[str, int] = {}
    for loan, item in tx.session.execute(late):
        fee = overdue_fee(policy=tx.rules, loan=facts_of(loan, item), on=tx.today)
        running[loan.card_number] = running.get(loan.card_number, 0) + fee
    owing = select(Debt.card_number).where(Debt.settled_on.is_(None), Debt.card_number.is_not(None)).distinct()
    owed: dict[str, list[Debt]] = {card: [] for card in {*running, *tx.session.scalars(owing)} if card is not None}
    for card_number in owed:
        owed[card_number] = list(unpaid_debts(tx=tx, card_numbers=[card_number]))

    def found(policy: Policy, card_number: str) -> tuple[Block, ...]:
        return blocks_from(policy=policy, debts=owed[card_number], running_fees=running.get(card_number, 0))

    changed = [(bool(found(tx.rules, card)), bool(found(draft, card))) for card in owed]
    return changed.count((False, True)), changed.count((True, False))


def _copies(tx: Transaction, draft: Policy) -> int:
    gone = set(tx.rules.categories) - set(draft.categories)
    return _count(tx, Item.category.in_(gone), Item.state == "stock", Item.interlibrary.is_(False))


def _holds(tx: Transaction, draft: Policy) -> tuple[int, int]:
    each = select(func.count().label("number")).select_from(Hold).group_by(Hold.card_number).subquery()
    now_too_many = each.c.number > draft.max_holds
    above = _count(tx, now_too_many, each.c.number <= tx.rules.max_holds) if draft.max_holds < tx.rules.max_holds else 0
    queue = _count(tx, Hold.item_id.is_(None)) if draft.hold_fetch_days != tx.rules.hold_fetch_days else 0
    return above, queue


def _compare_requests(found: Comparison, tx: Transaction, then: Policy) -> None:
    cards = tx.session.scalars(select(InterlibraryRequest.card_number).distinct()).all()
    fees = [policy.interlibrary.fee if policy.interlibrary else 0 for policy in (then, tx.rules)]
    for request in requests_of(tx=tx, card_numbers=cards):
        found.requests_dearer += fees[0] > fees[1]
        found.requests_cheaper += fees[0] < fees[1]
        if request.state == "asked":
            owned = owns(tx=tx, title=request.title, author=request.author)
            is_taken = [_takes(policy, request, owned=owned, day=then.valid_from) for policy in (then, tx.rules)]
            found.requests_refused += is_taken == [False, True]


def _takes(policy: Policy, request: InterlibraryRequest, *, owned: bool, day: date) -> bool:
    try:
        decide_interlibrary(
            policy=policy,
            category=request.category,
            publication_year=request.publication_year,
            owned=owned,
            open_requests=0,
            today=day,
        )
    except Refused:
        return False
    return True


def _compare_self_service(found: Comparison, tx: Transaction, then: Policy) -> None:
    before, after = (set(policy.self_service.kinds) for policy in (tx.rules, then))
    stands = Agreement.withdrawn_on.is_(None)
    found.agreements_ended = _count(tx, Agreement.kind.in_(before - after), stands)
    found.agreements_again = _count(tx, Agreement.kind.in_(after - before), stands)
    midnight = datetime.combine(then.valid_from, time(), then.zone).astimezone(UTC)
    kept, kept_then = (midnight - timedelta(days=policy.self_service.entries_days) for policy in (tx.rules, then))
    found.entries_forgotten = _count(tx, DoorEntry.at >= kept, DoorEntry.at < kept_then)


def _debts_forgotten(tx: Transaction, then: Policy) -> int:
    kept, kept_then = (then.valid_from - timedelta(days=policy.settled_debts_days) for policy in (tx.rules, then))
    return _count(tx, Debt.card_number.is_not(None), Debt.settled_on >= kept, Debt.settled_on < kept_then)


def _count(tx: Transaction, *conditions: ColumnElement[bool]) -> int:
    return tx.session.scalar(select(func.count()).where(*conditions)) or 0
