"""Taking back what was done by mistake at the desk a moment ago."""

from __future__ import annotations

from datetime import date

from sqlalchemy import delete, select

from circulation.database import lock_editions, lock_patrons
from circulation.errors import Refused
from circulation.lending.holds import fetch_before, set_aside
from circulation.lending.loans import lock_copy
from circulation.lending.transaction import Transaction
from circulation.tables import Debt, Hold, Item, Loan, Notice
from circulation.totals import count, count_wait


def undo_check_out(*, tx: Transaction, card_number: str, barcode: str, was_held: bool) -> Item:
    """End a loan that was made today as if it had not been made. Returns the copy.

    With `was_held` the patron had reserved it: the copy is set aside for them again. Refused: unknown_item,
    cannot_undo (another has it, it was renewed, or lent on another day).
    """
    item, loan = lock_copy(tx, barcode)
    if loan is None or loan.card_number != card_number:
        raise Refused("cannot_undo")
    if item.interlibrary or loan.renewals or loan.lent_on != tx.today:
        raise Refused("cannot_undo")
    tx.session.execute(delete(Loan).where(Loan.id == loan.id))
    count(tx, "loan", item.category, -1)
    if was_held:
        again = Hold(edition=item.edition, card_number=card_number, asked_on=tx.today, item_id=item.id)
        again.fetch_before = fetch_before(tx)
        tx.session.add(again)
        tx.session.flush()
    set_aside(tx=tx, edition=item.edition)
    return item


def undo_return(
    *,
    tx: Transaction,
    card_number: str,
    barcode: str,
    lent_on: date,
    due_on: date,
    renewals: int,
    debt_id: str | None,
) -> Loan:
    """Make a loan as it was before a return of today that was a mistake; its overdue fee is deleted.

    Who has reserved it keeps the place in the queue. Refused: unknown_item, cannot_undo (lent again, or the fee is
    paid or waived).
    """
    session = tx.session
    lock_patrons(session, card_number)
    edition = session.scalar(select(Item.edition).where(Item.barcode == barcode))
    if edition is None:
        raise Refused("unknown_item")
    lock_editions(session, edition)
    item = session.scalars(select(Item).where(Item.barcode == barcode)).one()
    lent = session.scalar(select(Loan.id).where(Loan.item_id == item.id))
    if lent is not None or item.state != "stock" or lent_on > tx.today or due_on < lent_on:
        raise Refused("cannot_undo")
    if debt_id is not None:
        debt = session.scalar(select(Debt).where(Debt.id == debt_id, Debt.card_number == card_number))
        if debt is None or debt.kind != "overdue" or debt.incurred_on != tx.today or debt.paid or debt.waived:
            raise Refused("cannot_undo")
        session.delete(debt)
    for hold in session.scalars(select(Hold).where(Hold.item_id == item.id)):
        hold.item_id = hold.fetch_before = None
        count_wait(tx, asked_on=hold.asked_on, number=-1)
        session.execute(delete(Notice).where(Notice.hold_id == hold.id))
    loan = Loan(item_id=item.id, card_number=card_number, lent_on=lent_on, due_on=due_on, renewals=renewals)
    session.add(loan)
    session.flush()
    count(tx, "return", item.category, -1)
    set_aside(tx=tx, edition=edition)
    return loan
