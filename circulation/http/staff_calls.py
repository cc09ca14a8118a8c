"""What only the library's staff can ask of this building."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field, StrictBool, StrictInt
from sqlalchemy import select

from circulation import totals
from circulation.errors import Refused
from circulation.http.calls import Answer, Call, loan_view
from circulation.http.forms import Amount, AnyDay, Barcode, CardNumber, Day, IdempotencyKey, Identifier, Text
from circulation.lending import claims, fees, holds, interlibrary, undoing
from circulation.lending import loans as lending
from circulation.lending.accounts import debt_total
from circulation.lending.overview import debt_view, item_view, request_view, titles_view
from circulation.lending.transaction import Transaction, was_done
from circulation.policy.keys import one_of
from circulation.tables import Debt, InterlibraryRequest, Item, Loan


def show_item(tx: Transaction, barcode: Barcode, idempotency_key: IdempotencyKey | None = None) -> Answer:
    """A copy: where it is, and whom it is set aside for; `done`: whether the act with that key was done."""
    return {**item_view(tx=tx, barcode=barcode), "done": was_done(tx=tx, key=idempotency_key)}


def find_titles(tx: Transaction, text: Text) -> Answer:
    """Titles that can be reserved."""
    return titles_view(tx=tx, text=text)


def undo_check_out(tx: Transaction, card_number: CardNumber, barcode: Barcode, was_held: StrictBool) -> Answer:
    """A copy was lent by mistake."""
    item = undoing.undo_check_out(tx=tx, card_number=card_number, barcode=barcode, was_held=was_held)
    return item_view(tx=tx, barcode=item.barcode)


def undo_return(
    tx: Transaction,
    card_number: CardNumber,
    barcode: Barcode,
    lent_on: AnyDay,
    due_on: AnyDay,
    renewals: Annotated[StrictInt, Field(ge=0, le=1000)],
    debt_id: Identifier | None = None,
) -> Answer:
    """A copy was returned by mistake: the loan is as it was."""
    loan = undoing.undo_return(
        tx=tx,
        card_number=card_number,
        barcode=barcode,
        lent_on=lent_on,
        due_on=due_on,
        renewals=renewals,
        debt_id=debt_id,
    )
    return {"loan": loan_view(tx, loan)}


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
    lender: Text | None = None,
) -> Answer:
    """Order a request, hand out what arrived, or refuse it."""
    for name, value in (("barcode", barcode), ("due_on", due_on), ("lender", lender)):
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
        loan, debt = interlibrary.arrive(tx=tx, request_id=request_id, barcode=barcode, due_on=due_on, lender=lender)
        answer |= {"loan": loan_view(tx, loan), "debt": debt and debt_view(debt)}
    return answer


def totals_show(tx: Transaction, year: Annotated[StrictInt, Field(ge=2000, le=9998)]) -> Answer:
    """What was counted in a year."""
    return totals.read_year(tx=tx, year=year)


def list_to_pick(tx: Transaction) -> Answer:
    """The copies to fetch from their shelves for holds."""
    return {"copies": holds.pick_list(tx=tx)}


def pick_copy(tx: Transaction, barcode: Barcode) -> Answer:
    """A copy was fetched from its shelf."""
    holds.mark_picked(tx=tx, barcode=barcode)
    return {"picked": True}


def list_claims(tx: Transaction) -> Answer:
    """The claims of the next days, and which of them are stopped."""
    return {"claims": claims.coming_claims(tx=tx)}


def stop_claims(tx: Transaction, loan_id: Identifier, reason: Annotated[str, one_of(*claims.STOP_REASONS)]) -> Answer:
    """Make no claim for a loan."""
    claims.stop_claims(tx=tx, loan_id=loan_id, reason=reason)
    return {"stopped": True}


def resume_claims(tx: Transaction, loan_id: Identifier) -> Answer:
    """Make claims for a loan again."""
    claims.resume_claims(tx=tx, loan_id=loan_id)
    return {"resumed": True}


STAFF_CALLS: Final = {
    "holds/to-pick": Call(list_to_pick, writes=False),
    "holds/picked": Call(pick_copy),
    "claims/list": Call(list_claims, writes=False),
    "claims/stop": Call(stop_claims),
    "claims/resume": Call(resume_claims),
    "items/show": Call(show_item, writes=False),
    "items/find": Call(find_titles, writes=False),
    "loans/undo-checkout": Call(undo_check_out),
    "loans/undo-return": Call(undo_return),
    "loans/lost": Call(lose),
    "loans/destroyed": Call(destroy),
    "fees/pay": Call(pay),
    "fees/waive": Call(waive),
    "cards/replacement": Call(replacement_card),
    "totals/show": Call(totals_show, writes=False),
    "interlibrary/list": Call(interlibrary_list, writes=False),
    "interlibrary/handle": Call(interlibrary_handle),
}
