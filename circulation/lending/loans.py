"""Copies go out and come back. When a copy is back, nothing in this building says who had it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from sqlalchemy import Row, delete, exists, select

from circulation.database import lock_editions, lock_patrons
from circulation.errors import Refused
from circulation.lending.accounts import LOANS_WITH_ITEMS, blocks_of, book_debt, facts_of, refuse_blocked, waive_debt
from circulation.lending.holds import end_hold, is_waiting, renewal_refusal, set_aside
from circulation.lending.transaction import Transaction
from circulation.policy.rules import due_day, overdue_fee, renewed_due_day, replacement_charge
from circulation.tables import Claim, Debt, Hold, Item, Loan, Notice
from circulation.totals import count


@dataclass(frozen=True, slots=True)
class CheckedOut:
    """A loan; `repeated` if this card already had the copy and nothing was changed. `hold_ended`: it was reserved."""

    loan: Loan
    repeated: bool
    hold_ended: bool


def check_out(*, tx: Transaction, card_number: str, barcode: str) -> CheckedOut:
    """Lend a copy. Refused: unknown_item, not_for_loan, on_loan, blocked, reserved."""
    session = tx.session
    lock_patrons(session, card_number)
    edition = session.scalar(select(Item.edition).where(Item.barcode == barcode))
    lock_editions(session, edition or "")
    item = session.scalar(select(Item).where(Item.barcode == barcode))
    if item is None:
        raise Refused("unknown_item")
    loan = session.scalar(select(Loan).where(Loan.item_id == item.id))
    if loan is not None:
        if loan.card_number != card_number:
            raise Refused("on_loan")
        return CheckedOut(loan, repeated=True, hold_ended=False)
    if item.state != "stock" or item.interlibrary or item.category not in tx.policy.categories:
        raise Refused("not_for_loan")
    refuse_blocked(tx=tx, card_number=card_number)
    waiting = session.scalar(select(Hold).where(Hold.item_id == item.id))
    if waiting is not None and waiting.card_number != card_number:
        raise Refused("reserved")
    loan = lend(tx=tx, card_number=card_number, item=item)
    mine = session.scalar(select(Hold).where(Hold.edition == item.edition, Hold.card_number == card_number))
    if mine is not None:
        end_hold(tx=tx, hold=mine)
    return CheckedOut(loan, repeated=False, hold_ended=mine is not None)


def lend(*, tx: Transaction, card_number: str, item: Item, due_on: date | None = None) -> Loan:
    """Write the loan; `due_on` where another library says when its copy must be back."""
    due_on = due_on or due_day(policy=tx.policy, category=item.category, lent_on=tx.today)
    loan = Loan(item_id=item.id, card_number=card_number, lent_on=tx.today, due_on=due_on)
    tx.session.add(loan)
    tx.session.flush()
    count(tx, "loan", item.category)
    return loan


@dataclass(frozen=True, slots=True)
class Returned:
    """A copy that came in, and the hold that it is set aside for now.

    `card_number`, `due_on` and `lent_on` are None for a lost copy that was found. `undoable`: nothing but the loan, its
    overdue fee and the place of a hold was changed. `lender`: the library of an interlibrary copy.
    `charge_waived`: what was unpaid of the copy's invoiced replacement.
    """

    title: str
    card_number: str | None
    due_on: date | None
    lent_on: date | None
    renewals: int
    debt: Debt | None
    hold: Hold | None
    interlibrary: bool
    undoable: bool
    lender: str | None
    charge_waived: int


def return_item(*, tx: Transaction, barcode: str) -> Returned:
    """Take a copy back: the loan, its claims and its notices are gone, and what is owed stays as an amount.

    An invoiced replacement falls away as far as it is unpaid. A lost copy that turns up goes back into stock.
    Refused: unknown_item (also a copy of another library), not_on_loan.
    """
    session = tx.session
    item, loan = lock_copy(tx, barcode)
    if loan is None and item.state == "stock":
        raise Refused("not_on_loan")
    debt, undoable, title, lender, waived = None, False, item.title, item.lender, 0
    card_number, due_on, lent_on, renewals = None, None, None, 0
    if loan is not None:
        card_number, due_on, lent_on, renewals = loan.card_number, loan.due_on, loan.lent_on, loan.renewals
        invoiced = session.scalar(select(Debt).where(Debt.loan_id == loan.id))
        if invoiced is not None and invoiced.settled_on is None:
            waived = invoiced.outstanding
            waive_debt(debt=invoiced, reason="returned", waived_by=None, today=tx.today)
        claimed = session.scalar(select(exists().where(Claim.loan_id == loan.id)))
        undoable = invoiced is None and not claimed and not item.interlibrary
        debt = end_loan(tx=tx, loan=loan, item=item)
        count(tx, "return", item.category)
    if item.interlibrary:
        session.delete(item)
        session.flush()
        hold, interlibrary = None, True
    else:
        item.state, interlibrary = "stock", False
        session.flush()
        set_aside(tx=tx, edition=item.edition, in_hand=item.id)
        hold = session.scalar(select(Hold).where(Hold.item_id == item.id))
    return Returned(
        title=title,
        card_number=card_number,
        due_on=due_on,
        lent_on=lent_on,
        renewals=renewals,
        debt=debt,
        hold=hold,
        interlibrary=interlibrary,
        undoable=undoable,
        lender=lender,
        charge_waived=waived,
    )


def end_loan(*, tx: Transaction, loan: Loan, item: Item) -> Debt | None:
    """Book the overdue fee and forget the loan: its row, claims and notices. Patron and edition are locked."""
    fee = overdue_fee(policy=tx.policy, loan=facts_of(loan, item), on=tx.today)
    debt = book_debt(tx=tx, card_number=loan.card_number, kind="overdue", amount=fee)
    for invoiced in tx.session.scalars(select(Debt).where(Debt.loan_id == loan.id)):
        invoiced.loan_id = None
    tx.session.flush()
    tx.session.execute(delete(Loan).where(Loan.id == loan.id))
    return debt


def lose(*, tx: Transaction, barcode: str, state: Literal["lost", "destroyed"]) -> list[Debt]:
    """Mark a copy lost or destroyed. If it was on loan, the loan ends with its overdue fee and a replacement charge.

    A charge that an invoice has named already is not taken again. Returns the debts that were booked now.
    Refused: unknown_item.
    """
    item, loan = lock_copy(tx, barcode)
    booked: list[Debt | None] = []
    if loan is not None:
        if not tx.session.scalar(select(exists().where(Debt.loan_id == loan.id))):
            charge = replacement_charge(policy=tx.policy, loan=facts_of(loan, item))
            booked.append(book_debt(tx=tx, card_number=loan.card_number, kind="replacement_charge", amount=charge))
        booked.append(end_loan(tx=tx, loan=loan, item=item))
    withdraw_copy(tx=tx, item=item, state=state)
    return [debt for debt in booked if debt is not None]


def withdraw_copy(*, tx: Transaction, item: Item, state: Literal["lost", "destroyed"]) -> None:
    """Take a copy out of the stock; a patron for whom it was set aside keeps the place in the queue."""
    if item.interlibrary:
        tx.session.delete(item)
        tx.session.flush()
        return
    item.state = state
    for hold in tx.session.scalars(select(Hold).where(Hold.item_id == item.id)):
        hold.item_id = hold.fetch_before = None
        tx.session.execute(delete(Notice).where(Notice.hold_id == hold.id))
    tx.session.flush()
    set_aside(tx=tx, edition=item.edition)


def renew(*, tx: Transaction, card_number: str, loan_id: str) -> Loan:
    """Lend for another period from today.

    Refused: unknown_loan (also somebody else's), not_renewable, blocked, overdue, reserved, renewals_used_up,
    nothing_gained.
    """
    lock_patrons(tx.session, card_number)
    mine = LOANS_WITH_ITEMS.where(Loan.card_number == card_number, Loan.id == loan_id)
    found = tx.session.execute(mine).all()
    if not found:
        raise Refused("unknown_loan")
    (renewal,) = _renew(tx, card_number, found)
    if renewal.refusal is not None:
        raise Refused(renewal.refusal)
    return renewal.loan


@dataclass(frozen=True, slots=True)
class Renewal:
    """A loan after the attempt; `refusal` is the code of the rule that forbade it, or None."""

    loan: Loan
    refusal: str | None


def renew_all(*, tx: Transaction, card_number: str) -> list[Renewal]:
    """Renew every loan that may be renewed, and say of each of the others why not."""
    lock_patrons(tx.session, card_number)
    mine = LOANS_WITH_ITEMS.where(Loan.card_number == card_number).order_by(Loan.due_on, Loan.id)
    return _renew(tx, card_number, tx.session.execute(mine).all())


def _renew(tx: Transaction, card_number: str, found: Sequence[Row[Loan, Item]]) -> list[Renewal]:
    blocked = bool(blocks_of(tx=tx, card_number=card_number))
    editions = [item.edition for _, item in found]
    lock_editions(tx.session, *editions)
    waiting = set(tx.session.scalars(select(Hold.edition).where(Hold.edition.in_(editions), is_waiting(tx.today))))
    result = []
    for loan, item in found:
        refusal = renewal_refusal(tx=tx, loan=loan, item=item, waiting=waiting, blocked=blocked)
        if refusal is None:
            loan.due_on = renewed_due_day(policy=tx.policy, category=item.category, due_on=loan.due_on, today=tx.today)
            loan.renewals += 1
            count(tx, "renewal", item.category)
            tx.session.execute(delete(Notice).where(Notice.loan_id == loan.id))
        result.append(Renewal(loan, refusal))
    tx.session.flush()
    return result


def lock_copy(tx: Transaction, barcode: str) -> tuple[Item, Loan | None]:
    """Lock the patron who has the copy, then its edition, and read both. Refused: unknown_item."""
    # What was read before the locks may be read once more, and is then as it is now.
    pair = select(Item, Loan).outerjoin(Loan, Loan.item_id == Item.id).where(Item.barcode == barcode)
    pair = pair.execution_options(populate_existing=True)
    while True:
        seen = tx.session.execute(pair.with_only_columns(Item.edition, Loan.card_number)).first()
        if seen is None:
            raise Refused("unknown_item")
        edition, card_number = seen
        attempt = tx.session.begin_nested()
        if card_number is not None:
            lock_patrons(tx.session, card_number)
        lock_editions(tx.session, edition)
        item, loan = tx.session.execute(pair).first() or (None, None)
        if item is not None and (loan.card_number if loan is not None else None) == card_number:
            attempt.commit()
            return item, loan
        # It changed hands while we waited. Going back to the savepoint gives the locks back as well, so that
        # they are always taken in the one order.
        attempt.rollback()
