"""What a card has at this library, as the calls answer it: the same for the portal, the desk and the kiosk.

Each view is a dictionary with the field names of the HTTP answers; amounts in the smallest unit, days as dates.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Final, TypeVar

from sqlalchemy import ColumnElement, and_, case, exists, func, select

from circulation.errors import Refused
from circulation.lending.accounts import LOANS_WITH_ITEMS, blocks_from, facts_of, unpaid_debts
from circulation.lending.holds import is_waiting, queue_position, renewal_refusal
from circulation.lending.interlibrary import match_key, requests_of
from circulation.lending.transaction import Transaction
from circulation.policy import rules
from circulation.tables import Claim, Debt, Hold, InterlibraryRequest, Item, Loan

MOST_TITLES: Final = 20
_ACTS_ON_READY: Final = ("cancel",)
_ACTS_ON_WAITING: Final = (*_ACTS_ON_READY, "pause", "pause_later")

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
        **_pause_view(tx, hold),
        "acts": _ACTS_ON_READY if hold.item_id is not None else _ACTS_ON_WAITING,
    }


def _pause_view(tx: Transaction, hold: Hold) -> View:
    first, last = hold.paused_from, hold.paused_until
    if first is None or last is None or last < tx.today:
        first = last = None
    return {"paused": first is not None and first <= tx.today, "paused_from": first, "paused_until": last}


def set_aside_view(hold: Hold | None) -> View | None:
    """Whom a copy is set aside for, and until when: for staff alone."""
    return {"hold_id": hold.id, **pick(hold, "card_number", "fetch_before")} if hold else None


def item_view(*, tx: Transaction, barcode: str) -> View:
    """A copy as staff see it: never who has it. Refused: unknown_item."""
    item = tx.session.scalar(select(Item).where(Item.barcode == barcode))
    if item is None:
        raise Refused("unknown_item")
    due_on = tx.session.scalar(select(Loan.due_on).where(Loan.item_id == item.id))
    waiting = select(func.count()).where(Hold.edition == item.edition, Hold.item_id.is_(None))
    hold = tx.session.scalar(select(Hold).where(Hold.item_id == item.id))
    return {
        **pick(item, "barcode", "title", "author", "category", "state", "interlibrary", "lender"),
        "on_loan": due_on is not None,
        "due_on": due_on,
        "for_loan": item.state == "stock" and not item.interlibrary and item.category in tx.policy.categories,
        "waiting": tx.session.scalar(waiting) or 0,
        "hold": set_aside_view(hold),
    }


def titles_view(*, tx: Transaction, text: str) -> View:
    """The editions that can be reserved, by words of their title and author or by a copy's barcode: how many copies
    there are, how many of them are free, and how many patrons wait. `barcode` is one copy's. `more`: there are others.
    """
    words = match_key(text).split()
    named = [Item.match_key.contains(word, autoescape=True) | _author_has(word) for word in words]
    scanned = Item.edition.in_(select(Item.edition).where(Item.barcode == text))
    is_free = ~exists().where(Loan.item_id == Item.id) & ~exists().where(Hold.item_id == Item.id)
    waiting = select(func.count()).where(Hold.edition == Item.edition, Hold.item_id.is_(None)).scalar_subquery()
    first = [func.min(Item.__table__.c[name]).label(name) for name in ("barcode", "title", "author", "category")]
    found = (
        select(*first, func.min(Item.publication_year).label("publication_year"))
        .add_columns(func.count().label("copies"), func.sum(case((is_free, 1), else_=0)).label("free"))
        .add_columns(waiting.label("waiting"))
        .where(Item.state == "stock", Item.interlibrary.is_(False), Item.category.in_(tx.policy.categories))
        .where((and_(*named) | scanned) if named else scanned)
        .group_by(Item.edition)
        .order_by("title", "barcode")
        .limit(MOST_TITLES + 1)
    )
    titles = [dict(row) for row in tx.session.execute(found).mappings()]
    return {"titles": titles[:MOST_TITLES], "more": len(titles) > MOST_TITLES}


def _author_has(word: str) -> ColumnElement[bool]:
    # SQLite knows the small letters of ASCII alone.
    return Item.author.icontains(word, autoescape=True) | Item.author.contains(word.capitalize(), autoescape=True)


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
    waiting = set(tx.session.scalars(select(Hold.edition).where(Hold.edition.in_(editions), is_waiting(tx.today))))
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
    costs = [rules.cost_if_returned_on(policy=tx.rules, loan=loan, on=on) for loan in facts]
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
