"""What only the library's staff can ask of this building. The door lets nobody else come this far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any, Final, Literal

from sqlalchemy import select

from circulation.errors import Refused
from circulation.http.calls import Answer, Call, debt_view, loan_view
from circulation.http.forms import MAX_AMOUNT
from circulation.lending import fees, interlibrary
from circulation.lending import loans as lending
from circulation.lending.accounts import debt_total
from circulation.lending.overview import DebtView, RequestView
from circulation.tables import InterlibraryRequest, Item, Loan


def lose(call: Call, *, state: Literal["lost", "destroyed"]) -> Answer:
    """A copy is lost or destroyed."""
    barcode = call.form.barcode()
    call.form.finish()
    with call.database.writing() as session:
        debts = lending.lose(session=session, policy=call.policy, barcode=barcode, state=state, now=call.now)
    return {"debts": [DebtView.of(debt) for debt in debts], "total": sum(debt.amount for debt in debts)}


def pay(call: Call) -> Answer:
    """Receive money."""
    card_number, key = call.form.card_number(), call.form.idempotency_key()
    amount, currency = (
        call.form.integer("amount", least=1, most=MAX_AMOUNT),
        call.form.choice("currency", ("SEK", "NOK", "DKK")),
    )
    call.form.finish()
    with call.database.writing() as session:
        payment, repeated = fees.pay(
            session=session,
            policy=call.policy,
            card_number=card_number,
            amount=amount,
            currency=currency,
            idempotency_key=key,
            staff=call.staff,
            now=call.now,
        )
        receipt = {"payment_id": payment.id, "amount": payment.amount, "paid_on": payment.paid_on}
        left = debt_total(session=session, card_number=card_number)
    return {"payment": receipt, "debt_total": left, "repeated": repeated}


def waive(call: Call) -> Answer:
    """Forgo a debt."""
    card_number, debt_id = call.form.card_number(), call.form.identifier("debt_id")
    reason = call.form.choice("reason", fees.WAIVE_REASONS)
    call.form.finish()
    with call.database.writing() as session:
        debt = fees.waive(
            session=session,
            policy=call.policy,
            card_number=card_number,
            debt_id=debt_id,
            reason=reason,
            staff=call.staff,
            now=call.now,
        )
        return {"debt": DebtView.of(debt), "debt_total": debt_total(session=session, card_number=card_number)}


def replacement_card(call: Call) -> Answer:
    """Take the fee for a new card."""
    card_number, key = call.form.card_number(), call.form.idempotency_key()
    call.form.finish()
    with call.database.writing() as session:
        debt, repeated = fees.charge_replacement_card(
            session=session, policy=call.policy, card_number=card_number, idempotency_key=key, now=call.now
        )
    return {"debt": debt_view(debt), "repeated": repeated}


def interlibrary_list(call: Call) -> Answer:
    """What was asked for, and what has come and is lent."""
    call.form.finish()
    requests = select(InterlibraryRequest).order_by(InterlibraryRequest.asked_on, InterlibraryRequest.id)
    lent = select(Item.barcode, Item.title, Loan.due_on).join(Loan, Loan.item_id == Item.id)
    with call.database.reading() as session:
        return {
            "requests": [
                {**asdict(RequestView.of(r)), "card_number": r.card_number} for r in session.scalars(requests)
            ],
            "on_loan": [
                {"barcode": barcode, "title": title, "due_on": due_on}
                for barcode, title, due_on in session.execute(
                    lent.where(Item.interlibrary.is_(True)).order_by(Loan.due_on, Item.barcode)
                )
            ],
        }


def interlibrary_handle(call: Call) -> Answer:
    """Order a request, hand out what arrived, or refuse it."""
    request_id = call.form.identifier("request_id")
    action = call.form.choice("action", ("order", "arrive", "refuse"))
    barcode = call.form.barcode() if action == "arrive" else ""
    due_on = call.form.day("due_on", today=call.today) if "due_on" in call.form else None
    if due_on is not None and action != "arrive":
        raise Refused("invalid_field", field="due_on")
    call.form.finish()
    answer: dict[str, Any] = {"request": None, "loan": None, "debt": None}
    with call.database.writing() as session:
        if action == "order":
            answer["request"] = RequestView.of(interlibrary.order(session=session, request_id=request_id))
        elif action == "refuse":
            interlibrary.refuse(session=session, policy=call.policy, request_id=request_id, now=call.now)
        else:
            loan, debt = interlibrary.arrive(
                session=session,
                policy=call.policy,
                request_id=request_id,
                barcode=barcode,
                due_on=due_on,
                now=call.now,
            )
            answer.update(loan=loan_view(session, call, loan), debt=debt_view(debt))
    return answer


STAFF_CALLS: Final[dict[str, Callable[[Call], Answer]]] = {
    "loans/lost": partial(lose, state="lost"),
    "loans/destroyed": partial(lose, state="destroyed"),
    "fees/pay": pay,
    "fees/waive": waive,
    "cards/replacement": replacement_card,
    "interlibrary/list": interlibrary_list,
    "interlibrary/handle": interlibrary_handle,
}
