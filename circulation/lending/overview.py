"""What a card has at this library, as the calls answer it: the same for the portal, the desk and the kiosk.

Each view is a dictionary with the field names of the HTTP answers; amounts in the smallest unit, days as dates.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, TypeVar

from sqlalchemy import func, select

from circulation.errors import Refused
from circulation.lending.accounts import LOANS_WITH_ITEMS, blocks_from, facts_of, unpaid_debts
from circulation.lending.holds import queue_position, renewal_refusal
from circulation.lending.interlibrary import requests_of
from circulation.lending.transaction import Transaction
from circulation.policy import rules
from circulation.tables import Claim, Debt, Hold, InterlibraryRequest, Item, Loan

View = dict[str, Any]
_Row = tuple[Loan, Item, int]
_OfCard = TypeVar("_OfCard", Debt, Hold, InterlibraryRequest)


def pick(source: object, *names: str) -> View:
    """These attributes by their names."""
    return {name: getattr(source, name) for name in names}


def debt_view(debt: Debt) -> View:
    """A debt, without what was borrowed."""
    return {"debt_id": debt.id, **pick(debt, "kind", "amount", "outstanding", "incurred_on")}


def request_view(request: InterlibraryRequest) -> View:
    """An interlibrary request."""
    view = pick(request, "title", "author", "publication_year", "category", "state", "asked_on")
    return {"request_id": request.id, **view}


def hold_view(*, tx: Transaction, hold: Hold, item: Item) -> View:
    """A hold as its holder sees it; `item` is any copy of the edition."""
    return {
        "hold_id": hold.id,
        **pick(item, "title", "author", "category"),
        "asked_on": hold.asked_on,
        "ready": hold.item_id is not None,
        "fetch_before": hold.fetch_before,
        "queue_position": queue_position(tx=tx, hold=hold),
    }


def loan_views(*, tx: Transaction, card_number: str) -> dict[str, View]:
    """The loans of one card by their id."""
    (patron,) = patrons_overview(tx=tx, card_numbers=[card_number])
    return {loan["loan_id"]: loan for loan in patron["loans"]}


def _loan_rows(tx: Transaction, card_numbers: Sequence[str]) -> dict[str, list[_Row]]:
    level = select(func.coalesce(func.max(Claim.level), 0)).where(Claim.loan_id == Loan.id).scalar_subquery()
    query = LOANS_WITH_ITEMS.add_columns(level).where(Loan.card_number.in_(card_numbers))
    rows: dict[str, list[_Row]] = defaultdict(list)
    for loan, item, claimed in tx.session.execute(query.order_by(Loan.due_on, Item.title, Loan.id)):
        rows[loan.card_number].append((loan, item, claimed))
    return rows


def patrons_overview(*, tx: Transaction, card_numbers: Sequence[str]) -> list[View]:
    """All that several cards have here, in the order asked, each card once. A card without anything has empty lists."""
    rows = _loan_rows(tx, card_numbers)
    debts = _by_card(unpaid_debts(tx=tx, card_numbers=card_numbers))
    requests = _by_card(requests_of(tx=tx, card_numbers=card_numbers))
    placed = select(Hold).where(Hold.card_number.in_(card_numbers)).order_by(Hold.number)
    holds = _by_card(tx.session.scalars(placed))
    editions = {item.edition for loans in rows.values() for _, item, _ in loans}
    waiting = set(tx.session.scalars(select(Hold.edition).where(Hold.edition.in_(editions), Hold.item_id.is_(None))))
    wanted = {hold.edition for mine in holds.values() for hold in mine}
    titles = {item.edition: item for item in tx.session.scalars(select(Item).where(Item.edition.in_(wanted)))}
    views = []
    for card in dict.fromkeys(card_numbers):
        facts = [facts_of(loan, item) for loan, item, _ in rows[card]]
        running = sum(rules.overdue_fee(policy=tx.policy, loan=loan, on=tx.today) for loan in facts)
        blocks = blocks_from(policy=tx.policy, debts=debts[card], running_fees=running)
        views.append(
            {
                "card_number": card,
                "loans": [_loan_view(tx, row, waiting, bool(blocks)) for row in rows[card]],
                "holds": [hold_view(tx=tx, hold=hold, item=titles[hold.edition]) for hold in holds[card]],
                "debts": [debt_view(debt) for debt in debts[card]],
                "requests": [request_view(request) for request in requests[card]],
                "debt_total": sum(debt.outstanding for debt in debts[card]),
                "running_fees": running,
                "blocks": blocks,
            }
        )
    return views


def _by_card(rows: Iterable[_OfCard]) -> dict[str, list[_OfCard]]:
    found = defaultdict(list)
    for row in rows:
        found[row.card_number or ""].append(row)
    return found


def _loan_view(tx: Transaction, row: _Row, waiting: set[str], blocked: bool) -> View:
    loan, item, claim_level = row
    late = rules.overdue_days(due_on=loan.due_on, on=tx.today)
    refusal = renewal_refusal(tx=tx, loan=loan, item=item, waiting=waiting, blocked=blocked)
    return {
        "loan_id": loan.id,
        **pick(item, "barcode", "title", "author", "category"),
        **pick(loan, "lent_on", "due_on"),
        "overdue": late > 0,
        "days_overdue": late,
        "running_fee": rules.overdue_fee(policy=tx.policy, loan=facts_of(loan, item), on=tx.today),
        "renewals_used": loan.renewals,
        "renewals_left": max(0, tx.policy.max_renewals - loan.renewals),
        "renewable": refusal is None,
        "not_renewable_because": refusal,
        "claim_level": claim_level,
        "interlibrary": item.interlibrary,
    }


def costs_if_returned(*, tx: Transaction, card_number: str, on: date, loan_id: str | None) -> tuple[list[View], int]:
    """What returning each loan, or one, on that day would cost, and all claim letters. Refused: unknown_loan."""
    rows = [row for row in _loan_rows(tx, [card_number])[card_number] if loan_id in (None, row[0].id)]
    if loan_id is not None and not rows:
        raise Refused("unknown_loan")
    facts = [facts_of(loan, item, level) for loan, item, level in rows]
    costs = [rules.cost_if_returned_on(policy=tx.policy, loan=loan, on=on) for loan in facts]
    views = [
        {
            "loan_id": loan.id,
            "title": item.title,
            "due_on": loan.due_on,
            "days_overdue": rules.overdue_days(due_on=loan.due_on, on=on),
            **pick(cost, "fee", "claim_level"),
            "claim_fees": sum(fee for _, _, fee in cost.claim_fees),
            "replacement_charge": cost.replacement_charge,
        }
        for (loan, item, _), cost in zip(rows, costs, strict=True)
    ]
    return views, rules.claim_fees_together(costs)
