"""Money at the desk. A payment carries a key, so that a repeated request is one payment."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from circulation.database import lock_editions, lock_patrons
from circulation.errors import Refused
from circulation.lending.accounts import book_debt, unpaid_debts, waive_debt
from circulation.lending.loans import end_loan, withdraw_copy
from circulation.policy.library import Policy
from circulation.policy.rules import local_day
from circulation.tables import Debt, Item, Loan, Payment

# A closed list: a free text would sooner or later hold a title.
WAIVE_REASONS: Final = ("mistake", "goodwill", "illness", "hardship", "item_found", "other")


def pay(
    *,
    session: Session,
    policy: Policy,
    card_number: str,
    amount: int,
    currency: str,
    idempotency_key: str,
    staff: str,
    now: datetime,
) -> tuple[Payment, bool]:
    """Receive money for the oldest debts first. The second value tells that this payment was already booked.

    `amount` is above zero, in the smallest unit. Paying an invoiced replacement in full ends that loan: the copy is
    the patron's. Refused: wrong_currency, key_reused, overpaid.
    """
    today = local_day(policy=policy, now=now)
    if currency != policy.currency:
        raise Refused("wrong_currency")
    lock_patrons(session, card_number)
    earlier = session.scalar(select(Payment).where(Payment.idempotency_key == idempotency_key))
    if earlier is not None:
        if (earlier.card_number, earlier.amount) != (card_number, amount):
            raise Refused("key_reused")
        return earlier, True
    debts = unpaid_debts(session=session, card_numbers=[card_number])
    if amount > sum(debt.outstanding for debt in debts):
        raise Refused("overpaid")
    left = amount
    for debt in debts:
        part = min(left, debt.outstanding)
        debt.paid += part
        left -= part
        if debt.outstanding == 0:
            debt.settled_on = today
    payment = Payment(
        card_number=card_number,
        amount=amount,
        currency=currency,
        paid_on=today,
        received_by=staff,
        idempotency_key=idempotency_key,
    )
    session.add(payment)
    session.flush()
    _keep_what_is_paid_for(session, policy, debts, now)
    return payment, False


def _keep_what_is_paid_for(session: Session, policy: Policy, debts: list[Debt], now: datetime) -> None:
    today = local_day(policy=policy, now=now)
    replaced = [debt.loan_id for debt in debts if debt.loan_id is not None and debt.settled_on is not None]
    bought = select(Loan, Item).join(Item, Item.id == Loan.item_id).where(Loan.id.in_(replaced))
    # The oldest first: the fees that are booked now are paid in this order.
    pairs = list(session.execute(bought.order_by(Loan.due_on, Item.barcode)))
    lock_editions(session, *(item.edition for _, item in pairs))
    for loan, item in pairs:
        end_loan(session=session, policy=policy, loan=loan, item=item, today=today)
        withdraw_copy(session=session, policy=policy, item=item, state="lost", today=today)


def waive(
    *,
    session: Session,
    policy: Policy,
    card_number: str,
    debt_id: str,
    reason: str,
    staff: str,
    now: datetime,
) -> Debt:
    """Forgo what is unpaid of one debt. Refused: unknown_debt (also somebody else's), already_settled."""
    lock_patrons(session, card_number)
    debt = session.scalar(select(Debt).where(Debt.id == debt_id, Debt.card_number == card_number))
    if debt is None:
        raise Refused("unknown_debt")
    if debt.settled_on is not None:
        raise Refused("already_settled")
    waive_debt(debt=debt, reason=reason, waived_by=staff, today=local_day(policy=policy, now=now))
    session.flush()
    return debt


def charge_replacement_card(
    *, session: Session, policy: Policy, card_number: str, idempotency_key: str, now: datetime
) -> tuple[Debt | None, bool]:
    """Book the fee for a new card; None where it is free. The second value tells that it was already booked.

    Refused: key_reused.
    """
    lock_patrons(session, card_number)
    earlier = session.scalar(select(Debt).where(Debt.idempotency_key == idempotency_key))
    if earlier is not None:
        if earlier.card_number != card_number:
            raise Refused("key_reused")
        return earlier, True
    debt = book_debt(
        session=session,
        policy=policy,
        card_number=card_number,
        kind="replacement_card",
        amount=policy.replacement_card,
        today=local_day(policy=policy, now=now),
        idempotency_key=idempotency_key,
    )
    return debt, False
