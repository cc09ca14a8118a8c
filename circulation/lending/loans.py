"""Copies go out and come back. When a copy is back, nothing in this building says who had it.

Functions take an open writing session: what they do is committed as a whole, or not at all. `now` is aware.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from circulation.database import lock_editions, lock_patrons
from circulation.errors import Refused
from circulation.lending.accounts import blocks_of, book_debt, facts_of, refuse_blocked, waive_debt
from circulation.lending.holds import end_hold, is_set_aside, set_aside
from circulation.policy.library import Policy
from circulation.policy.rules import (
    due_day,
    local_day,
    overdue_fee,
    renewed_due_day,
    replacement_charge,
    why_not_renewable,
)
from circulation.tables import Debt, Hold, Item, Loan, Notice


def check_out(*, session: Session, policy: Policy, card_number: str, barcode: str, now: datetime) -> tuple[Loan, bool]:
    """Lend a copy. The second value tells that this card already had it, so that nothing was changed.

    Refused: unknown_item, not_for_loan, on_loan, blocked, reserved.
    """
    today = local_day(policy=policy, now=now)
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
        return loan, True
    if item.state != "stock" or item.interlibrary or item.category not in policy.categories:
        raise Refused("not_for_loan")
    refuse_blocked(session=session, policy=policy, card_number=card_number, today=today)
    waiting = session.scalar(select(Hold).where(Hold.item_id == item.id))
    if waiting is not None and waiting.card_number != card_number:
        raise Refused("reserved")
    loan = lend(session=session, policy=policy, card_number=card_number, item=item, today=today)
    mine = session.scalar(select(Hold).where(Hold.edition == item.edition, Hold.card_number == card_number))
    if mine is not None:
        end_hold(session=session, policy=policy, hold=mine, today=today)
    return loan, False


def lend(
    *, session: Session, policy: Policy, card_number: str, item: Item, today: date, due_on: date | None = None
) -> Loan:
    """Write the loan; `due_on` where another library says when its copy must be back."""
    due_on = due_on or due_day(policy=policy, category=item.category, lent_on=today)
    loan = Loan(item_id=item.id, card_number=card_number, lent_on=today, due_on=due_on, renewals=0)
    session.add(loan)
    session.flush()
    return loan


@dataclass(frozen=True, slots=True)
class Returned:
    """What the desk is told about a copy that came in; `card_number` is None for a lost copy that was found."""

    title: str
    card_number: str | None
    due_on: date | None
    debt: Debt | None
    hold_waiting: bool
    interlibrary: bool


def return_item(*, session: Session, policy: Policy, barcode: str, now: datetime) -> Returned:
    """Take a copy back: the loan, its claims and its notices are gone, and what is owed stays as an amount.

    An invoiced replacement falls away as far as it is unpaid. A lost copy that turns up goes back into stock.
    Refused: unknown_item (also a copy of another library), not_on_loan.
    """
    today = local_day(policy=policy, now=now)
    item, loan = _lock_copy(session, barcode)
    if loan is None and item.state == "stock":
        raise Refused("not_on_loan")
    card_number, due_on, debt, title = None, None, None, item.title
    if loan is not None:
        card_number, due_on = loan.card_number, loan.due_on
        invoiced = session.scalar(select(Debt).where(Debt.loan_id == loan.id))
        if invoiced is not None and invoiced.settled_on is None:
            waive_debt(debt=invoiced, reason="returned", waived_by=None, today=today)
        debt = end_loan(session=session, policy=policy, loan=loan, item=item, today=today)
    if item.interlibrary:
        session.delete(item)
        session.flush()
        return Returned(title, card_number, due_on, debt, False, True)
    item.state = "stock"
    session.flush()
    set_aside(session=session, policy=policy, edition=item.edition, today=today)
    return Returned(title, card_number, due_on, debt, is_set_aside(session=session, item=item), False)


def end_loan(*, session: Session, policy: Policy, loan: Loan, item: Item, today: date) -> Debt | None:
    """Book the overdue fee and forget the loan: its row, claims and notices. Patron and edition are locked."""
    fee = overdue_fee(policy=policy, loan=facts_of(loan, item), on=today)
    debt = book_debt(
        session=session, policy=policy, card_number=loan.card_number, kind="overdue", amount=fee, today=today
    )
    for invoiced in session.scalars(select(Debt).where(Debt.loan_id == loan.id)):
        invoiced.loan_id = None
    session.flush()
    session.execute(delete(Loan).where(Loan.id == loan.id))
    return debt


def lose(
    *, session: Session, policy: Policy, barcode: str, state: Literal["lost", "destroyed"], now: datetime
) -> list[Debt]:
    """Mark a copy lost or destroyed. If it was on loan, the loan ends with its overdue fee and a replacement charge.

    A charge that an invoice has named already is not taken again. Returns the debts that were booked now.
    Refused: unknown_item.
    """
    today = local_day(policy=policy, now=now)
    item, loan = _lock_copy(session, barcode)
    booked: list[Debt | None] = []
    if loan is not None:
        if not session.scalar(select(exists().where(Debt.loan_id == loan.id))):
            charge = replacement_charge(policy=policy, loan=facts_of(loan, item))
            kind = "replacement_charge"
            booked.append(
                book_debt(
                    session=session,
                    policy=policy,
                    card_number=loan.card_number,
                    kind=kind,
                    amount=charge,
                    today=today,
                )
            )
        booked.append(end_loan(session=session, policy=policy, loan=loan, item=item, today=today))
    withdraw_copy(session=session, policy=policy, item=item, state=state, today=today)
    return [debt for debt in booked if debt is not None]


def withdraw_copy(
    *, session: Session, policy: Policy, item: Item, state: Literal["lost", "destroyed"], today: date
) -> None:
    """Take a copy out of the stock; whoever it was set aside for keeps the place in the queue."""
    if item.interlibrary:
        session.delete(item)
        session.flush()
        return
    item.state = state
    for hold in session.scalars(select(Hold).where(Hold.item_id == item.id)):
        hold.item_id = hold.fetch_before = None
        session.execute(delete(Notice).where(Notice.hold_id == hold.id))
    session.flush()
    set_aside(session=session, policy=policy, edition=item.edition, today=today)


def renew(*, session: Session, policy: Policy, card_number: str, loan_id: str, now: datetime) -> Loan:
    """Lend for another period from today.

    Refused: unknown_loan (also somebody else's), not_renewable, blocked, overdue, reserved, renewals_used_up,
    nothing_gained.
    """
    lock_patrons(session, card_number)
    found = _loans(session, card_number, loan_id)
    if not found:
        raise Refused("unknown_loan")
    (renewal,) = _renew(session, policy, card_number, found, now)
    if renewal.refusal is not None:
        raise Refused(renewal.refusal)
    return renewal.loan


@dataclass(frozen=True, slots=True)
class Renewal:
    """A loan after the attempt; `refusal` is the code of the rule that forbade it, or None."""

    loan: Loan
    refusal: str | None


def renew_all(*, session: Session, policy: Policy, card_number: str, now: datetime) -> list[Renewal]:
    """Renew every loan that may be renewed, and say of each of the others why not."""
    lock_patrons(session, card_number)
    return _renew(session, policy, card_number, _loans(session, card_number), now)


def _loans(session: Session, card_number: str, loan_id: str | None = None) -> list[tuple[Loan, Item]]:
    query = select(Loan, Item).join(Item, Item.id == Loan.item_id).where(Loan.card_number == card_number)
    if loan_id is not None:
        query = query.where(Loan.id == loan_id)
    return list(session.execute(query.order_by(Loan.due_on, Loan.id)))


def _renew(
    session: Session, policy: Policy, card_number: str, found: list[tuple[Loan, Item]], now: datetime
) -> list[Renewal]:
    today = local_day(policy=policy, now=now)
    blocked = bool(blocks_of(session=session, policy=policy, card_number=card_number, today=today))
    editions = [item.edition for _, item in found]
    lock_editions(session, *editions)
    waiting = set(session.scalars(select(Hold.edition).where(Hold.edition.in_(editions), Hold.item_id.is_(None))))
    result = []
    for loan, item in found:
        refusal = why_not_renewable(
            policy=policy,
            category=item.category,
            due_on=loan.due_on,
            renewals=loan.renewals,
            reserved=item.edition in waiting,
            interlibrary=item.interlibrary,
            blocked=blocked,
            today=today,
        )
        if refusal is None:
            loan.due_on = renewed_due_day(policy=policy, category=item.category, due_on=loan.due_on, today=today)
            loan.renewals += 1
            session.execute(delete(Notice).where(Notice.loan_id == loan.id))
        result.append(Renewal(loan, refusal))
    session.flush()
    return result


def _lock_copy(session: Session, barcode: str) -> tuple[Item, Loan | None]:
    """Lock whoever has the copy, then its edition, and read both. Refused: unknown_item."""
    # What was read before the locks may be read once more, and is then as it is now.
    pair = select(Item, Loan).outerjoin(Loan, Loan.item_id == Item.id).where(Item.barcode == barcode)
    pair = pair.execution_options(populate_existing=True)
    while True:
        seen = session.execute(pair.with_only_columns(Item.edition, Loan.card_number)).first()
        if seen is None:
            raise Refused("unknown_item")
        edition, card_number = seen
        attempt = session.begin_nested()
        if card_number is not None:
            lock_patrons(session, card_number)
        lock_editions(session, edition)
        item, loan = session.execute(pair).first() or (None, None)
        if item is not None and (loan.card_number if loan is not None else None) == card_number:
            attempt.commit()
            return item, loan
        # It changed hands while we waited. Going back to the savepoint gives the locks back as well, so that
        # they are always taken in the one order.
        attempt.rollback()
