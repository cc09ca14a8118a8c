"""What a card owes, and whether that blocks it. Blocks are never stored: they follow from debts and loans."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from circulation.errors import Refused
from circulation.policy.library import Policy
from circulation.policy.rules import Block, LoanFacts, blocks, overdue_fee
from circulation.tables import Debt, Item, Loan


def facts_of(loan: Loan, item: Item, claim_level: int = 0) -> LoanFacts:
    """What the rules need to know of a loan."""
    return LoanFacts(
        category=item.category,
        shelf_code=item.shelf_code,
        due_on=loan.due_on,
        claim_level=claim_level,
        replacement_price=item.price,
    )


def unpaid_debts(*, session: Session, card_numbers: Sequence[str]) -> list[Debt]:
    """Oldest first: the order in which payments are used."""
    unpaid = select(Debt).where(Debt.card_number.in_(card_numbers), Debt.settled_on.is_(None))
    return list(session.scalars(unpaid.order_by(Debt.incurred_on, Debt.number)))


def debt_total(*, session: Session, card_number: str) -> int:
    """All booked debts of a card that are not settled."""
    return sum(debt.outstanding for debt in unpaid_debts(session=session, card_numbers=[card_number]))


def blocks_from(*, policy: Policy, debts: Sequence[Debt], running_fees: int) -> tuple[Block, ...]:
    """The blocks that follow from unpaid debts and running fees."""
    return blocks(
        policy=policy,
        debt=sum(debt.outstanding for debt in debts) + running_fees,
        unpaid_invoice=sum(debt.outstanding for debt in debts if debt.invoice),
    )


def blocks_of(*, session: Session, policy: Policy, card_number: str, today: date) -> tuple[Block, ...]:
    """The blocks that stand against a card today, running overdue fees counted."""
    late = select(Loan, Item).join(Item, Item.id == Loan.item_id)
    late = late.where(Loan.card_number == card_number, Loan.due_on < today)
    running = sum(
        overdue_fee(policy=policy, loan=facts_of(loan, item), on=today) for loan, item in session.execute(late)
    )
    debts = unpaid_debts(session=session, card_numbers=[card_number])
    return blocks_from(policy=policy, debts=debts, running_fees=running)


def refuse_blocked(*, session: Session, policy: Policy, card_number: str, today: date) -> None:
    """Refused `blocked`, naming the blocks, if the card may not borrow."""
    found = blocks_of(session=session, policy=policy, card_number=card_number, today=today)
    if found:
        raise Refused("blocked", blocks=[{"reason": block.reason, "amount": block.amount} for block in found])


def book_debt(
    *,
    session: Session,
    policy: Policy,
    card_number: str,
    kind: str,
    amount: int,
    today: date,
    invoice: bool = False,
    loan_id: str | None = None,
    claim: tuple[int, date] | None = None,
    idempotency_key: str | None = None,
) -> Debt | None:
    """Write down what a card owes from today; nothing for an amount of nothing."""
    if amount == 0:
        return None
    level, claimed_on = claim or (None, None)
    debt = Debt(
        card_number=card_number,
        kind=kind,
        amount=amount,
        paid=0,
        waived=0,
        currency=policy.currency,
        incurred_on=today,
        invoice=invoice,
        loan_id=loan_id,
        claim_level=level,
        claimed_on=claimed_on,
        idempotency_key=idempotency_key,
    )
    session.add(debt)
    session.flush()
    return debt


def waive_debt(*, debt: Debt, reason: str, waived_by: str | None, today: date) -> None:
    """Forgo what is still unpaid of a debt. What was paid stays paid."""
    debt.waived += debt.outstanding
    debt.waive_reason, debt.waived_by, debt.settled_on = reason, waived_by, today
