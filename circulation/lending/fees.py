"""Money at the desk. A payment carries a key, so that a repeated request is one payment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import select

from circulation.database import lock_editions, lock_patrons
from circulation.errors import Refused
from circulation.lending.accounts import LOANS_WITH_ITEMS, book_debt, unpaid_debts, waive_debt
from circulation.lending.loans import end_loan, withdraw_copy
from circulation.lending.transaction import Transaction
from circulation.tables import Debt, Item, Loan, Payment

# A closed list: a free text would sooner or later hold a title.
WAIVE_REASONS: Final = ("mistake", "goodwill", "illness", "hardship", "item_found", "other")


def pay(*, tx: Transaction, card_number: str, amount: int, currency: str, idempotency_key: str) -> tuple[Payment, bool]:
    """Receive money for the oldest debts first. The second value: whether this payment was already booked.

    `amount` is above zero, in the smallest unit. Paying an invoiced replacement in full ends that loan: the copy is
    the patron's. Refused: wrong_currency, key_reused, overpaid.
    """
    if currency != tx.policy.currency:
        raise Refused("wrong_currency")
    lock_patrons(tx.session, card_number)
    earlier = tx.session.scalar(select(Payment).where(Payment.idempotency_key == idempotency_key))
    if earlier is not None:
        if (earlier.card_number, earlier.amount) != (card_number, amount):
            raise Refused("key_reused")
        return earlier, True
    debts = unpaid_debts(tx=tx, card_numbers=[card_number])
    if amount > sum(debt.outstanding for debt in debts):
        raise Refused("overpaid")
    left = amount
    for debt in debts:
        part = min(left, debt.outstanding)
        debt.paid += part
        left -= part
        if debt.outstanding == 0:
            debt.settled_on = tx.today
    money = {"amount": amount, "currency": currency, "paid_on": tx.today, "received_by": tx.staff}
    payment = Payment(card_number=card_number, idempotency_key=idempotency_key, **money)
    tx.session.add(payment)
    tx.session.flush()
    _keep_what_is_paid_for(tx, debts)
    return payment, False


def _keep_what_is_paid_for(tx: Transaction, debts: Sequence[Debt]) -> None:
    replaced = [debt.loan_id for debt in debts if debt.loan_id is not None and debt.settled_on is not None]
    # The oldest first: the fees that are booked now are paid in this order.
    bought = LOANS_WITH_ITEMS.where(Loan.id.in_(replaced)).order_by(Loan.due_on, Item.barcode)
    pairs = tx.session.execute(bought).all()
    lock_editions(tx.session, *(item.edition for _, item in pairs))
    for loan, item in pairs:
        end_loan(tx=tx, loan=loan, item=item)
        withdraw_copy(tx=tx, item=item, state="lost")


def waive(*, tx: Transaction, card_number: str, debt_id: str, reason: str) -> Debt:
    """Forgo what is unpaid of one debt. Refused: unknown_debt (also somebody else's), already_settled."""
    lock_patrons(tx.session, card_number)
    debt = tx.session.scalar(select(Debt).where(Debt.id == debt_id, Debt.card_number == card_number))
    if debt is None:
        raise Refused("unknown_debt")
    if debt.settled_on is not None:
        raise Refused("already_settled")
    waive_debt(debt=debt, reason=reason, waived_by=tx.staff, today=tx.today)
    tx.session.flush()
    return debt


def charge_replacement_card(*, tx: Transaction, card_number: str, idempotency_key: str) -> tuple[Debt | None, bool]:
    """Book the fee for a new card (None: free), and say whether it was already booked. Refused: key_reused."""
    lock_patrons(tx.session, card_number)
    earlier = tx.session.scalar(select(Debt).where(Debt.idempotency_key == idempotency_key))
    if earlier is not None:
        if earlier.card_number != card_number:
            raise Refused("key_reused")
        return earlier, True
    fee, key = tx.policy.replacement_card, idempotency_key
    return book_debt(tx=tx, card_number=card_number, kind="replacement_card", amount=fee, idempotency_key=key), False
