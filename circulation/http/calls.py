"""What a patron can ask of this building, one function a call: read the form, open a transaction, act, answer.

The table at the end is the whole list. Staff may make these calls for a patron as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from circulation.database import Database
from circulation.http.forms import Form
from circulation.lending import holds, interlibrary, overview, patrons
from circulation.lending import loans as lending
from circulation.lending.overview import DebtView, LoanView, RequestView
from circulation.policy.library import Policy
from circulation.policy.rules import local_day
from circulation.tables import Debt, Item, Loan

Answer = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """One request to one library: `form` holds what the caller sent, `now` is aware.

    `staff` is the acting member of staff's user name, or empty.
    """

    form: Form
    policy: Policy
    database: Database
    now: datetime
    staff: str

    @property
    def today(self) -> date:
        """Which day it is in the library."""
        return local_day(policy=self.policy, now=self.now)


def loan_view(session: Session, call: Call, loan: Loan) -> LoanView:
    """A loan as the caller sees it."""
    views = overview.loan_views(session=session, policy=call.policy, card_number=loan.card_number, now=call.now)
    return views[loan.id]


def debt_view(debt: Debt | None) -> DebtView | None:
    """A debt as the caller sees it, if there is one."""
    return None if debt is None else DebtView.of(debt)


def patrons_overview(call: Call) -> Answer:
    """What several cards have here, in one call for a family."""
    card_numbers = call.form.card_numbers()
    call.form.finish()
    with call.database.reading() as session:
        views = overview.patrons_overview(session=session, policy=call.policy, card_numbers=card_numbers, now=call.now)
    return {
        "library": call.policy.library,
        "name": call.policy.name,
        "currency": call.policy.currency,
        "today": call.today,
        "patrons": views,
    }


def rename_card(call: Call) -> Answer:
    """A card was replaced: everything follows to the new number."""
    old, new = call.form.card_number("old_card_number"), call.form.card_number("new_card_number")
    call.form.finish()
    with call.database.writing() as session:
        moved = patrons.rename_card(
            session=session, policy=call.policy, old_card_number=old, new_card_number=new, now=call.now
        )
    return {"moved": moved}


def end_patron(call: Call) -> Answer:
    """A patron leaves: erase what need not be kept, and say what must and why."""
    card_number, dry_run = call.form.card_number(), call.form.boolean("dry_run")
    call.form.finish()
    with call.database.writing() as session:
        ending = patrons.end_patron(session=session, policy=call.policy, card_number=card_number, now=call.now)
        if dry_run:
            session.rollback()
    return {"erased": ending.erased, "kept": ending.kept, "dry_run": dry_run}


def check_out(call: Call) -> Answer:
    """Lend a copy."""
    card_number, barcode = call.form.card_number(), call.form.barcode()
    call.form.finish()
    with call.database.writing() as session:
        loan, repeated = lending.check_out(
            session=session, policy=call.policy, card_number=card_number, barcode=barcode, now=call.now
        )
        return {"loan": loan_view(session, call, loan), "repeated": repeated}


def return_item(call: Call) -> Answer:
    """Take a copy back."""
    barcode = call.form.barcode()
    call.form.finish()
    with call.database.writing() as session:
        back = lending.return_item(session=session, policy=call.policy, barcode=barcode, now=call.now)
    return {
        "title": back.title,
        "card_number": back.card_number,
        "due_on": back.due_on,
        "overdue_fee": back.debt.amount if back.debt else 0,
        "debt": debt_view(back.debt),
        "hold_waiting": back.hold_waiting,
        "interlibrary": back.interlibrary,
    }


def renew(call: Call) -> Answer:
    """Renew one loan."""
    card_number, loan_id = call.form.card_number(), call.form.identifier("loan_id")
    call.form.finish()
    with call.database.writing() as session:
        loan = lending.renew(
            session=session, policy=call.policy, card_number=card_number, loan_id=loan_id, now=call.now
        )
        return {"loan": loan_view(session, call, loan)}


def renew_all(call: Call) -> Answer:
    """Renew whatever may be renewed."""
    card_number = call.form.card_number()
    call.form.finish()
    with call.database.writing() as session:
        done = lending.renew_all(session=session, policy=call.policy, card_number=card_number, now=call.now)
        views = overview.loan_views(session=session, policy=call.policy, card_number=card_number, now=call.now)
    return {
        "results": [
            {"loan": views[r.loan.id], "renewed": r.refusal is None, "not_renewable_because": r.refusal} for r in done
        ]
    }


def cost(call: Call) -> Answer:
    """What it will cost to return on a given day."""
    card_number = call.form.card_number()
    on = call.form.day("on", today=call.today)
    loan_id = call.form.identifier("loan_id") if "loan_id" in call.form else None
    call.form.finish()
    with call.database.reading() as session:
        views, claim_fees = overview.costs_if_returned(
            session=session, policy=call.policy, card_number=card_number, on=on, loan_id=loan_id, now=call.now
        )
    due = sum(view.fee for view in views)
    return {"on": on, "loans": views, "fees": due, "claim_fees": claim_fees, "total": due + claim_fees}


def reserve(call: Call) -> Answer:
    """Queue for an edition."""
    card_number, barcode = call.form.card_number(), call.form.barcode()
    call.form.finish()
    with call.database.writing() as session:
        hold = holds.reserve(
            session=session, policy=call.policy, card_number=card_number, barcode=barcode, now=call.now
        )
        item = session.scalars(select(Item).where(Item.barcode == barcode)).one()
        return {"hold": overview.hold_view(session=session, hold=hold, item=item)}


def cancel_hold(call: Call) -> Answer:
    """Leave the queue."""
    card_number, hold_id = call.form.card_number(), call.form.identifier("hold_id")
    call.form.finish()
    with call.database.writing() as session:
        holds.cancel_hold(session=session, policy=call.policy, card_number=card_number, hold_id=hold_id, now=call.now)
    return {"cancelled": True}


def interlibrary_ask(call: Call) -> Answer:
    """Ask for a title from another library; the rules answer at once."""
    card_number, key = call.form.card_number(), call.form.idempotency_key()
    title, author, category = call.form.text("title"), call.form.text("author"), call.form.text("category")
    year = call.form.integer("publication_year", least=1, most=9999)
    call.form.finish()
    with call.database.writing() as session:
        asked, repeated = interlibrary.ask(
            session=session,
            policy=call.policy,
            card_number=card_number,
            title=title,
            author=author,
            publication_year=year,
            category=category,
            idempotency_key=key,
            now=call.now,
        )
    return {"request": RequestView.of(asked), "repeated": repeated}


def interlibrary_cancel(call: Call) -> Answer:
    """Take a request back that staff have not ordered yet."""
    card_number, request_id = call.form.card_number(), call.form.identifier("request_id")
    call.form.finish()
    with call.database.writing() as session:
        interlibrary.withdraw(session=session, card_number=card_number, request_id=request_id)
    return {"cancelled": True}


CALLS: Final[dict[str, Callable[[Call], Answer]]] = {
    "patrons/overview": patrons_overview,
    "patrons/rename": rename_card,
    "patrons/end": end_patron,
    "loans/checkout": check_out,
    "loans/return": return_item,
    "loans/renew": renew,
    "loans/renew-all": renew_all,
    "loans/cost": cost,
    "holds/reserve": reserve,
    "holds/cancel": cancel_hold,
    "interlibrary/ask": interlibrary_ask,
    "interlibrary/cancel": interlibrary_cancel,
}
