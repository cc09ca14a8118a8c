"""What a patron can ask of this building, one function a call. Its parameters are the fields of the body.

The table at the end is the whole list. Staff may make these calls for a patron as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import Field, StrictBool, StrictInt

from circulation.http.forms import Barcode, CardNumber, CardNumbers, Day, IdempotencyKey, Identifier, Text
from circulation.lending import holds, interlibrary, overview, patrons, reminders
from circulation.lending import loans as lending
from circulation.lending.overview import View, debt_view, loan_views, pick, set_aside_view
from circulation.lending.transaction import Transaction, do_once
from circulation.policy.keys import one_of
from circulation.tables import Loan
from circulation.totals import forget_counted

Answer = Mapping[str, Any]
Way = Annotated[str, one_of(*reminders.WAYS)]
Hour = Annotated[StrictInt, Field(ge=0, le=23)]


@dataclass(frozen=True, slots=True)
class Call:
    """A function that answers a call inside a transaction, and whether that writes."""

    act: Callable[..., Answer]
    writes: bool = True


def loan_view(tx: Transaction, loan: Loan) -> View:
    """A loan as the caller sees it."""
    return loan_views(tx=tx, card_number=loan.card_number)[loan.id]


def patrons_overview(tx: Transaction, card_numbers: CardNumbers) -> Answer:
    """What several cards have here, in one call for a family."""
    policy, views = tx.policy, overview.patrons_overview(tx=tx, card_numbers=card_numbers)
    library = {"library": policy.library, "name": policy.name, "currency": policy.currency}
    return {**library, "today": tx.today, "patrons": views}


def rename_card(tx: Transaction, old_card_number: CardNumber, new_card_number: CardNumber) -> Answer:
    """A card was replaced: all rows get the new number."""
    moved = patrons.rename_card(tx=tx, old_card_number=old_card_number, new_card_number=new_card_number)
    return {"moved": moved}


def end_patron(tx: Transaction, card_number: CardNumber, dry_run: StrictBool) -> Answer:
    """A patron leaves: erase what need not be kept, and say what must and why."""
    erased, kept = patrons.end_patron(tx=tx, card_number=card_number)
    if dry_run:
        tx.session.rollback()
        forget_counted(tx.session)
    return {"erased": erased, "kept": kept, "dry_run": dry_run}


def check_out(
    tx: Transaction, card_number: CardNumber, barcode: Barcode, idempotency_key: IdempotencyKey | None = None
) -> Answer:
    """Lend a copy."""
    do_once(tx=tx, key=idempotency_key)
    done = lending.check_out(tx=tx, card_number=card_number, barcode=barcode)
    return {"loan": loan_view(tx, done.loan), **pick(done, "repeated", "hold_ended")}


def return_item(tx: Transaction, barcode: Barcode, idempotency_key: IdempotencyKey | None = None) -> Answer:
    """Take a copy back. Only staff get to know for whom it is set aside."""
    do_once(tx=tx, key=idempotency_key)
    back = lending.return_item(tx=tx, barcode=barcode)
    fee, debt = (back.debt.amount, debt_view(back.debt)) if back.debt else (0, None)
    copy = pick(back, "title", "card_number", "due_on", "lent_on", "renewals", "interlibrary", "undoable", "lender")
    waiting = {"hold_waiting": back.hold is not None, "hold": set_aside_view(back.hold) if tx.staff else None}
    return {**copy, "overdue_fee": fee, "debt": debt, "charge_waived": back.charge_waived, **waiting}


def renew(tx: Transaction, card_number: CardNumber, loan_id: Identifier) -> Answer:
    """Renew one loan."""
    return {"loan": loan_view(tx, lending.renew(tx=tx, card_number=card_number, loan_id=loan_id))}


def renew_all(tx: Transaction, card_number: CardNumber) -> Answer:
    """Renew every loan that may be renewed."""
    done, views = lending.renew_all(tx=tx, card_number=card_number), loan_views(tx=tx, card_number=card_number)
    tried = [(views[renewal.loan.id], renewal.refusal) for renewal in done]
    return {"results": [{"loan": loan, "renewed": why is None, "not_renewable_because": why} for loan, why in tried]}


def cost(tx: Transaction, card_number: CardNumber, on: Day, loan_id: Identifier | None = None) -> Answer:
    """What it will cost to return on a given day."""
    views, claim_fees = overview.costs_if_returned(tx=tx, card_number=card_number, on=on, loan_id=loan_id)
    fees = sum(view["fee"] for view in views)
    return {"on": on, "loans": views, "fees": fees, "claim_fees": claim_fees, "total": fees + claim_fees}


def reserve(tx: Transaction, card_number: CardNumber, barcode: Barcode) -> Answer:
    """Queue for an edition."""
    hold, item = holds.reserve(tx=tx, card_number=card_number, barcode=barcode)
    return {"hold": overview.hold_view(tx=tx, hold=hold, item=item)}


def cancel_hold(tx: Transaction, card_number: CardNumber, hold_id: Identifier) -> Answer:
    """Leave the queue."""
    holds.cancel_hold(tx=tx, card_number=card_number, hold_id=hold_id)
    return {"cancelled": True}


def pause_hold(
    tx: Transaction, card_number: CardNumber, hold_id: Identifier, paused_from: Day, paused_until: Day
) -> Answer:
    """Keep the place in the queue, and take no copy on these days."""
    holds.pause_hold(tx=tx, card_number=card_number, hold_id=hold_id, first=paused_from, last=paused_until)
    return {"paused_from": paused_from, "paused_until": paused_until}


def resume_hold(tx: Transaction, card_number: CardNumber, hold_id: Identifier) -> Answer:
    """End a pause."""
    holds.resume_hold(tx=tx, card_number=card_number, hold_id=hold_id)
    return {"resumed": True}


def interlibrary_ask(
    tx: Transaction,
    card_number: CardNumber,
    idempotency_key: IdempotencyKey,
    title: Text,
    author: Text,
    category: Text,
    publication_year: Annotated[StrictInt, Field(ge=1, le=9999)],
) -> Answer:
    """Ask for a title from another library; the rules decide immediately."""
    asked, repeated = interlibrary.ask(
        tx=tx,
        card_number=card_number,
        title=title,
        author=author,
        publication_year=publication_year,
        category=category,
        idempotency_key=idempotency_key,
    )
    return {"request": overview.request_view(asked), "repeated": repeated}


def interlibrary_cancel(tx: Transaction, card_number: CardNumber, request_id: Identifier) -> Answer:
    """Take a request back that staff have not ordered yet."""
    interlibrary.withdraw(tx=tx, card_number=card_number, request_id=request_id)
    return {"cancelled": True}


def choose_reminders(
    tx: Transaction,
    card_number: CardNumber,
    due: Way,
    ready: Way,
    overdue: Way,
    days_before: Annotated[StrictInt, Field(ge=0, le=reminders.MOST_DAYS)],
    quiet_from: Hour,
    quiet_to: Hour,
) -> Answer:
    """What the card's holder wants to be reminded of, as the register says."""
    choice = reminders.choose_reminders(
        tx=tx,
        card_number=card_number,
        due=due,
        ready=ready,
        overdue=overdue,
        days_before=days_before,
        quiet_from=quiet_from,
        quiet_to=quiet_to,
    )
    return pick(choice, "due", "ready", "overdue", "days_before", "quiet_from", "quiet_to")


CALLS: Final = {
    "patrons/overview": Call(patrons_overview, writes=False),
    "patrons/rename": Call(rename_card),
    "patrons/end": Call(end_patron),
    "patrons/reminders": Call(choose_reminders),
    "loans/checkout": Call(check_out),
    "loans/return": Call(return_item),
    "loans/renew": Call(renew),
    "loans/renew-all": Call(renew_all),
    "loans/cost": Call(cost, writes=False),
    "holds/reserve": Call(reserve),
    "holds/cancel": Call(cancel_hold),
    "holds/pause": Call(pause_hold),
    "holds/resume": Call(resume_hold),
    "interlibrary/ask": Call(interlibrary_ask),
    "interlibrary/cancel": Call(interlibrary_cancel),
}
