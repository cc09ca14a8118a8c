"""What a card has at this library: the same sentences for the portal, the desk and the kiosk.

The field names of these classes are the field names of the HTTP answers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from circulation.errors import Refused
from circulation.lending.accounts import blocks_from, facts_of, unpaid_debts
from circulation.lending.holds import queue_position
from circulation.lending.interlibrary import requests_of
from circulation.policy.library import Policy
from circulation.policy.rules import (
    Block,
    claim_fees_together,
    cost_if_returned_on,
    local_day,
    overdue_days,
    overdue_fee,
    why_not_renewable,
)
from circulation.tables import Claim, Debt, Hold, InterlibraryRequest, Item, Loan


@dataclass(frozen=True, slots=True)
class LoanView:
    """A loan today."""

    loan_id: str
    barcode: str
    title: str
    author: str
    category: str
    lent_on: date
    due_on: date
    overdue: bool
    days_overdue: int
    running_fee: int
    renewals_used: int
    renewals_left: int
    renewable: bool
    not_renewable_because: str | None
    claim_level: int
    interlibrary: bool


@dataclass(frozen=True, slots=True)
class HoldView:
    """A place in a queue today."""

    hold_id: str
    title: str
    author: str
    category: str
    asked_on: date
    ready: bool
    fetch_before: date | None
    queue_position: int


@dataclass(frozen=True, slots=True)
class DebtView:
    """A debt, without what was borrowed."""

    debt_id: str
    kind: str
    amount: int
    outstanding: int
    incurred_on: date

    @classmethod
    def of(cls, debt: Debt) -> DebtView:
        """The view of a row."""
        return cls(debt.id, debt.kind, debt.amount, debt.outstanding, debt.incurred_on)


@dataclass(frozen=True, slots=True)
class RequestView:
    """An interlibrary request."""

    request_id: str
    title: str
    author: str
    publication_year: int
    category: str
    state: str
    asked_on: date

    @classmethod
    def of(cls, request: InterlibraryRequest) -> RequestView:
        """The view of a row."""
        return cls(
            request.id,
            request.title,
            request.author,
            request.publication_year,
            request.category,
            request.state,
            request.asked_on,
        )


@dataclass(frozen=True, slots=True)
class PatronView:
    """All that one card has at this library."""

    card_number: str
    loans: tuple[LoanView, ...]
    holds: tuple[HoldView, ...]
    debts: tuple[DebtView, ...]
    requests: tuple[RequestView, ...]
    debt_total: int
    running_fees: int
    blocks: tuple[Block, ...]


_Row = tuple[Loan, Item, int]
_OfCard = TypeVar("_OfCard", Debt, Hold, InterlibraryRequest)


def _loan_rows(session: Session, card_numbers: Sequence[str]) -> dict[str, list[_Row]]:
    level = select(func.coalesce(func.max(Claim.level), 0)).where(Claim.loan_id == Loan.id).scalar_subquery()
    query = select(Loan, Item, level).join(Item, Item.id == Loan.item_id).where(Loan.card_number.in_(card_numbers))
    rows: dict[str, list[_Row]] = defaultdict(list)
    for loan, item, claimed in session.execute(query.order_by(Loan.due_on, Item.title, Loan.id)):
        rows[loan.card_number].append((loan, item, claimed))
    return rows


def patrons_overview(
    *, session: Session, policy: Policy, card_numbers: Sequence[str], now: datetime
) -> list[PatronView]:
    """Several cards at once, in the order asked, each card once. A card without anything here has empty lists."""
    today = local_day(policy=policy, now=now)
    rows = _loan_rows(session, card_numbers)
    debts = _by_card(unpaid_debts(session=session, card_numbers=card_numbers))
    requests = _by_card(requests_of(session=session, card_numbers=card_numbers))
    holds = _by_card(
        session.scalars(select(Hold).where(Hold.card_number.in_(card_numbers)).order_by(Hold.number)).all()
    )
    editions = {item.edition for loans in rows.values() for _, item, _ in loans}
    waiting = set(session.scalars(select(Hold.edition).where(Hold.edition.in_(editions), Hold.item_id.is_(None))))
    titles = _titles(session, {hold.edition for mine in holds.values() for hold in mine})
    views = []
    for card in dict.fromkeys(card_numbers):
        running = sum(
            overdue_fee(policy=policy, loan=facts_of(loan, item), on=today) for loan, item, _ in rows.get(card, [])
        )
        blocks = blocks_from(policy=policy, debts=debts.get(card, []), running_fees=running)
        views.append(
            PatronView(
                card_number=card,
                loans=tuple(_loan_view(policy, row, waiting, bool(blocks), today) for row in rows.get(card, [])),
                holds=tuple(hold_view(session=session, hold=h, item=titles[h.edition]) for h in holds.get(card, [])),
                debts=tuple(DebtView.of(debt) for debt in debts.get(card, [])),
                requests=tuple(RequestView.of(request) for request in requests.get(card, [])),
                debt_total=sum(debt.outstanding for debt in debts.get(card, [])),
                running_fees=running,
                blocks=blocks,
            )
        )
    return views


def _by_card(rows: Sequence[_OfCard]) -> dict[str, list[_OfCard]]:
    found = defaultdict(list)
    for row in rows:
        found[row.card_number or ""].append(row)
    return found


def _titles(session: Session, editions: set[str]) -> dict[str, Item]:
    return {item.edition: item for item in session.scalars(select(Item).where(Item.edition.in_(editions)))}


def _loan_view(policy: Policy, row: _Row, waiting: set[str], blocked: bool, today: date) -> LoanView:
    loan, item, claim_level = row
    late = overdue_days(due_on=loan.due_on, on=today)
    refusal = why_not_renewable(
        policy=policy,
        category=item.category,
        due_on=loan.due_on,
        renewals=loan.renewals,
        reserved=item.edition in waiting,
        interlibrary=item.interlibrary,
        blocked=blocked,
        today=today,
    )
    return LoanView(
        loan_id=loan.id,
        barcode=item.barcode,
        title=item.title,
        author=item.author,
        category=item.category,
        lent_on=loan.lent_on,
        due_on=loan.due_on,
        overdue=late > 0,
        days_overdue=late,
        running_fee=overdue_fee(policy=policy, loan=facts_of(loan, item), on=today),
        renewals_used=loan.renewals,
        renewals_left=max(0, policy.max_renewals - loan.renewals),
        renewable=refusal is None,
        not_renewable_because=refusal,
        claim_level=claim_level,
        interlibrary=item.interlibrary,
    )


def loan_views(*, session: Session, policy: Policy, card_number: str, now: datetime) -> dict[str, LoanView]:
    """The loans of one card by their id."""
    (patron,) = patrons_overview(session=session, policy=policy, card_numbers=[card_number], now=now)
    return {loan.loan_id: loan for loan in patron.loans}


def hold_view(*, session: Session, hold: Hold, item: Item) -> HoldView:
    """A hold as its holder sees it; `item` is any copy of the edition."""
    return HoldView(
        hold_id=hold.id,
        title=item.title,
        author=item.author,
        category=item.category,
        asked_on=hold.asked_on,
        ready=hold.item_id is not None,
        fetch_before=hold.fetch_before,
        queue_position=queue_position(session=session, hold=hold),
    )


@dataclass(frozen=True, slots=True)
class CostView:
    """What returning one loan on a given day would cost."""

    loan_id: str
    title: str
    due_on: date
    days_overdue: int
    fee: int
    claim_level: int
    claim_fees: int
    replacement_charge: int


def costs_if_returned(
    *, session: Session, policy: Policy, card_number: str, on: date, loan_id: str | None, now: datetime
) -> tuple[list[CostView], int]:
    """What returning the card's loans (or one of them) on that day would cost, each, and all claim letters together.

    Refused: date_in_past, unknown_loan.
    """
    if on < local_day(policy=policy, now=now):
        raise Refused("date_in_past")
    rows = _loan_rows(session, [card_number]).get(card_number, [])
    if loan_id is not None:
        rows = [row for row in rows if row[0].id == loan_id]
        if not rows:
            raise Refused("unknown_loan")
    costs = [cost_if_returned_on(policy=policy, loan=facts_of(loan, item, level), on=on) for loan, item, level in rows]
    views = [
        CostView(
            loan_id=loan.id,
            title=item.title,
            due_on=loan.due_on,
            days_overdue=overdue_days(due_on=loan.due_on, on=on),
            fee=cost.fee,
            claim_level=cost.claim_level,
            claim_fees=sum(fee for _, _, fee in cost.claim_fees),
            replacement_charge=cost.replacement_charge,
        )
        for (loan, item, _), cost in zip(rows, costs, strict=True)
    ]
    return views, claim_fees_together(costs)
