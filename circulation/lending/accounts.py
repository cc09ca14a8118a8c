"""What a card owes, and whether that blocks it. Blocks are never stored: they follow from debts and loans."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import select

from circulation.errors import Refused
from circulation.lending.transaction import Transaction
from circulation.policy.library import Policy
from circulation.policy.rules import Block, LoanFacts, blocks, overdue_fee
from circulation.tables import Debt, Item, Loan

LOANS_WITH_ITEMS: Final = select(Loan, Item).join(Item, Item.id == Loan.item_id)


def facts_of(loan: Loan, item: Item, claim_level: int = 0) -> LoanFacts:
    """What the rules need to know of a loan."""
    return LoanFacts(item.category, item.shelf_code, loan.due_on, claim_level, item.price)


def unpaid_debts(*, tx: Transaction, card_numbers: Sequence[str]) -> Sequence[Debt]:
    """Oldest first: the order in which payments are used."""
    unpaid = select(Debt).where(Debt.card_number.in_(card_numbers), Debt.settled_on.is_(None))
    return tx.session.scalars(unpaid.order_by(Debt.incurred_on, Debt.number)).all()


def debt_total(*, tx: Transaction, card_number: str) -> int:
    """All booked debts of a card that are not settled."""
    return sum(debt.outstanding for debt in unpaid_debts(tx=tx, card_numbers=[card_number]))


def blocks_from(*, policy: Policy, debts: Sequence[Debt], running_fees: int) -> tuple[Block, ...]:
    """The blocks that follow from unpaid debts and running fees."""
    return blocks(
        policy=policy,
        debt=sum(debt.outstanding for debt in debts) + running_fees,
        unpaid_invoice=sum(debt.outstanding for debt in debts if debt.invoice),
    )


def blocks_of(*, tx: Transaction, card_number: str) -> tuple[Block, ...]:
    """The blocks that stand against a card today, running overdue fees counted."""
    late = LOANS_WITH_ITEMS.where(Loan.card_number == card_number, Loan.due_on < tx.today)
    fees = (
        overdue_fee(policy=tx.policy, loan=facts_of(loan, item), on=tx.today) for loan, item in tx.session.execute(late)
    )
    debts = unpaid_debts(tx=tx, card_numbers=[card_number])
    return blocks_from(policy=tx.policy, debts=debts, running_fees=sum(fees))


def refuse_blocked(*, tx: Transaction, card_number: str) -> None:
    """Refused `blocked`, naming the blocks, if the card may not borrow."""
    if found := blocks_of(tx=tx, card_number=card_number):
        raise Refused("blocked", blocks=[{"reason": block.reason, "amount": block.amount} for block in found])


def book_debt(
    *, tx: Transaction, card_number: str, kind: str, amount: int, incurred_on: date | None = None, **columns: object
) -> Debt | None:
    """Write down what a card owes from `incurred_on` (None: today); None for an amount of 0. `columns`: of the debt."""
    if amount == 0:
        return None
    values: dict[str, Any] = {"currency": tx.policy.currency, "incurred_on": incurred_on or tx.today, **columns}
    debt = Debt(card_number=card_number, kind=kind, amount=amount, **values)
    tx.session.add(debt)
    tx.session.flush()
    return debt


def waive_debt(*, debt: Debt, reason: str, waived_by: str | None, today: date) -> None:
    """Forgo what is still unpaid of a debt. What was paid stays paid."""
    debt.waived += debt.outstanding
    debt.waive_reason, debt.waived_by, debt.settled_on = reason, waived_by, today
