"""What only the library's staff can ask of this building."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from sqlalchemy import select

from circulation.errors import Refused
from circulation.http.calls import Answer, Call, loan_view
from circulation.http.forms import Amount, Barcode, CardNumber, Day, IdempotencyKey, Identifier
from circulation.lending import fees, interlibrary
from circulation.lending import loans as lending
from circulation.lending.accounts import debt_total
from circulation.lending.overview import debt_view, request_view
from circulation.lending.transaction import Transaction
from circulation.policy.keys import one_of
from circulation.tables import Debt, InterlibraryRequest, Item, Loan


def lose(tx: Transaction, barcode: Barcode) -> Answer:
    """A copy is lost."""
    return _debts(lending.lose(tx=tx, barcode=barcode, state="lost"))


def destroy(tx: Transaction, barcode: Barcode) -> Answer:
    """A copy is destroyed."""
    return _debts(lending.lose(tx=tx, barcode=barcode, state="destroyed"))


def _debts(debts: list[Debt]) -> Answer:
    return {"debts": [debt_view(debt) for debt in debts], "total": sum(debt.amount for debt in debts)}


def pay(
    tx: Transaction,
    card_number: CardNumber,
    idempotency_key: IdempotencyKey,
    amount: Amount,
    currency: Literal["SEK", "NOK", "DKK"],
) -> Answer:
    """Receive money."""
    payment, repeated = fees.pay(
        tx=tx, card_number=card_number, amount=amount, currency=currency, idempotency_key=idempotency_key
    )
    receipt = {"payment_id": payment.id, "amount": payment.amount, "paid_on": payment.paid_on}
    return {"payment": receipt, "debt_total": debt_total(tx=tx, card_number=card_number), "repeated": repeated}


def waive(
    tx: Transaction, card_number: CardNumber, debt_id: Identifier, reason: Annotated[str, one_of(*fees.WAIVE_REASONS)]
) -> Answer:
    """Forgo a debt."""
    debt = fees.waive(tx=tx, card_number=card_number, debt_id=debt_id, reason=reason)
    return {"debt": debt_view(debt), "debt_total": debt_total(tx=tx, card_number=card_number)}


def replacement_card(tx: Transaction, card_number: CardNumber, idempotency_key: IdempotencyKey) -> Answer:
    """Take the fee for a new card."""
    debt, repeated = fees.charge_replacement_card(tx=tx, card_number=card_number, idempotency_key=idempotency_key)
    return {"debt": debt and debt_view(debt), "repeated": repeated}


def interlibrary_list(tx: Transaction) -> Answer:
    """What was asked for, and what has come and is lent."""
    requests = select(InterlibraryRequest).order_by(InterlibraryRequest.asked_on, InterlibraryRequest.id)
    lent = select(Item.barcode, Item.title, Loan.due_on).join(Loan, Loan.item_id == Item.id)
    lent = lent.where(Item.interlibrary.is_(True)).order_by(Loan.due_on, Item.barcode)
    return {
        "requests": [{**request_view(r), "card_number": r.card_number} for r in tx.session.scalars(requests)],
        "on_loan": [dict(row) for row in tx.session.execute(lent).mappings()],
    }


def interlibrary_handle(
    tx: Transaction,
    request_id: Identifier,
    action: Literal["order", "arrive", "refuse"],
    barcode: Barcode | None = None,
    due_on: Day | None = None,
) -> Answer:
    """Order a request, hand out what arrived, or refuse it."""
    for name, value in (("barcode", barcode), ("due_on", due_on)):
        if value is not None and action != "arrive":
            raise Refused("invalid_field", field=name)
    answer: dict[str, Any] = {"request": None, "loan": None, "debt": None}
    if action == "order":
        answer["request"] = request_view(interlibrary.order(tx=tx, request_id=request_id))
    elif action == "refuse":
        interlibrary.refuse(tx=tx, request_id=request_id)
    elif barcode is None:
        raise Refused("invalid_field", field="barcode")
    else:
        loan, debt = interlibrary.arrive(tx=tx, request_id=request_id, barcode=barcode, due_on=due_on)
        answer |= {"loan": loan_view(tx, loan), "debt": debt and debt_view(debt)}
    return answer


STAFF_CALLS: Final = {
    "loans/lost": Call(lose),
    "loans/destroyed": Call(destroy),
    "fees/pay": Call(pay),
    "fees/waive": Call(waive),
    "cards/replacement": Call(replacement_card),
    "interlibrary/list": Call(interlibrary_list, writes=False),
    "interlibrary/handle": Call(interlibrary_handle),
}
