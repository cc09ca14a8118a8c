"""What happens to a card number as a whole: it is replaced, or its holder leaves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import CursorResult, Delete, Update, delete, exists, func, select, update
from sqlalchemy.orm import Session, aliased

from circulation.database import Database, lock_editions, lock_patrons
from circulation.errors import Refused
from circulation.lending.accounts import unpaid_debts
from circulation.lending.holds import end_hold
from circulation.lending.interlibrary import requests_of
from circulation.lending.transaction import Transaction
from circulation.policy.library import Policy
from circulation.policy.rules import local_day
from circulation.tables import (
    Agreement,
    DailyTotal,
    Debt,
    DoneAct,
    DoorEntry,
    Hold,
    InterlibraryRequest,
    Loan,
    Notice,
    Payment,
    ReminderChoice,
)

_CARD_COLUMNS: Final = {
    "loans": Loan.card_number,
    "holds": Hold.card_number,
    "debts": Debt.card_number,
    "payments": Payment.card_number,
    "requests": InterlibraryRequest.card_number,
    "notices": Notice.card_number,
    "agreements": Agreement.card_number,
    "reminder_choices": ReminderChoice.card_number,
    "door_entries": DoorEntry.card_number,
}

TOTALS_DAYS: Final = 5 * 366


def rename_card(*, tx: Transaction, old_card_number: str, new_card_number: str) -> dict[str, int]:
    """A replaced card: all rows get the new number, and join those made under it already. How many rows, by kind.

    No number is ever given to two people. Repeating it moves nothing. Refused: same_card_number.
    """
    if old_card_number == new_card_number:
        raise Refused("same_card_number")
    both = old, new = old_card_number, new_card_number
    lock_patrons(tx.session, *both)
    # Setting a copy aside writes to the number of its holder.
    lock_editions(tx.session, *tx.session.scalars(select(Hold.edition).where(Hold.card_number.in_(both))))
    _end_second_holds(tx, both)
    _make_room(tx.session, old, new)
    renamed = {name: update(c.class_).where(c == old).values({c: new}) for name, c in _CARD_COLUMNS.items()}
    return {name: count_rows(tx.session, rename) for name, rename in renamed.items()}


def _end_second_holds(tx: Transaction, card_numbers: tuple[str, str]) -> None:
    """Of two holds for one title, the one with a copy on the shelf stays, else the older."""
    holds = select(Hold).where(Hold.card_number.in_(card_numbers)).order_by(Hold.item_id.is_(None), Hold.number)
    kept: set[str] = set()
    for hold in tx.session.scalars(holds).all():
        if hold.edition in kept:
            end_hold(tx=tx, hold=hold)
        kept.add(hold.edition)


def _make_room(session: Session, old_card_number: str, new_card_number: str) -> None:
    """What was last agreed holds. Two claims' fees of one day both stand, though a card has one a day otherwise."""
    newer = select(Agreement.kind).where(Agreement.card_number == new_card_number)
    session.execute(delete(Agreement).where(Agreement.card_number == old_card_number, Agreement.kind.in_(newer)))
    if session.get(ReminderChoice, new_card_number) is not None:
        session.execute(delete(ReminderChoice).where(ReminderChoice.card_number == old_card_number))
    other = aliased(Debt)
    same_day = (other.claim_level == Debt.claim_level) & (other.claimed_on == Debt.claimed_on)
    twice = exists().where(other.card_number == new_card_number, same_day)
    claimed = update(Debt).where(Debt.card_number == old_card_number, twice).values(claim_level=None, claimed_on=None)
    session.execute(claimed, execution_options={"synchronize_session": False})


def drop_totals(*, database: Database, policy: Policy, now: datetime) -> int:
    """The daily command: totals are kept for five years. Returns how many rows were deleted."""
    before = local_day(policy=policy, now=now) - timedelta(days=TOTALS_DAYS)
    with database.writing() as session:
        return count_rows(session, delete(DailyTotal).where(DailyTotal.day < before))


def count_rows(session: Session, statement: Update | Delete) -> int:
    """Run it, and return how many rows it changed."""
    result = session.execute(statement)
    assert isinstance(result, CursorResult)
    return result.rowcount


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that outlives the patron's leave, and why (GDPR article 17(3)). `amount` for debts only."""

    kind: str
    count: int
    amount: int | None
    reason: str


def end_patron(*, tx: Transaction, card_number: str) -> tuple[dict[str, int], list[Kept]]:
    """Erase what the library need not keep. Open loans, unpaid debts and titles already ordered stay until done.

    Returns how many rows were erased, by kind, and what stays. Roll the session back to learn it beforehand. May be
    repeated.
    """
    session = tx.session
    lock_patrons(session, card_number)
    holds = session.scalars(select(Hold).where(Hold.card_number == card_number)).all()
    lock_editions(session, *(hold.edition for hold in holds))
    for hold in holds:
        end_hold(tx=tx, hold=hold)
    asked = delete(InterlibraryRequest).where(InterlibraryRequest.card_number == card_number)
    loose = delete(Notice).where(Notice.card_number == card_number, Notice.loan_id.is_(None))
    settled = update(Debt).where(Debt.card_number == card_number, Debt.settled_on.is_not(None))
    paid = update(Payment).where(Payment.card_number == card_number)
    agreed = delete(Agreement).where(Agreement.card_number == card_number)
    chosen = delete(ReminderChoice).where(ReminderChoice.card_number == card_number)
    came = update(DoorEntry).where(DoorEntry.card_number == card_number)
    erased = {
        "holds": len(holds),
        "requests": count_rows(session, asked.where(InterlibraryRequest.state == "asked")),
        "notices": count_rows(session, loose),
        "settled_debts": count_rows(session, settled.values(card_number=None)),
        "payments": count_rows(session, paid.values(card_number=None)),
        "agreements": count_rows(session, agreed),
        "reminder_choices": count_rows(session, chosen),
        "door_entries": count_rows(session, came.values(card_number=None)),
    }
    return erased, _kept(tx, card_number)


def _kept(tx: Transaction, card_number: str) -> list[Kept]:
    loans = tx.session.scalar(select(func.count()).where(Loan.card_number == card_number)) or 0
    debts = unpaid_debts(tx=tx, card_numbers=[card_number])
    owed = sum(debt.outstanding for debt in debts)
    ordered = len(requests_of(tx=tx, card_numbers=[card_number]))
    kept = (
        Kept("open_loans", loans, None, "The copies are the library's. Each loan is forgotten when its copy is back."),
        Kept("unpaid_debts", len(debts), owed, "The library has a claim to the money. It names no titles."),
        Kept("ordered_requests", ordered, None, "Another library has already been asked to send the title."),
    )
    return [what for what in kept if what.count]


def drop_settled(*, database: Database, policy: Policy, now: datetime) -> int:
    """The daily command: settled debts and payments lose their card number when the policy's days are over."""
    before = local_day(policy=policy, now=now) - timedelta(days=policy.settled_debts_days)
    with database.writing() as session:
        settled = update(Debt).where(Debt.card_number.is_not(None), Debt.settled_on < before)
        paid = update(Payment).where(Payment.card_number.is_not(None), Payment.paid_on < before)
        return sum(count_rows(session, named.values(card_number=None)) for named in (settled, paid))


def drop_keys(*, database: Database, policy: Policy, now: datetime) -> int:
    """The daily command: forget the keys of acts that were done before yesterday."""
    before = local_day(policy=policy, now=now) - timedelta(days=1)
    with database.writing() as session:
        return count_rows(session, delete(DoneAct).where(DoneAct.done_on < before))
