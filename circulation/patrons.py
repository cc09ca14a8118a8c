"""What happens to a card number as a whole: it is replaced, or its holder leaves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import CursorResult, Delete, Update, delete, exists, func, select, update
from sqlalchemy.orm import Session

from circulation.accounts import unpaid_debts
from circulation.database import Database, lock_editions, lock_patrons
from circulation.errors import Refused
from circulation.holds import end_hold
from circulation.interlibrary import requests_of
from circulation.policy import Policy
from circulation.rules import local_day
from circulation.tables import Agreement, Debt, DoorEntry, Hold, InterlibraryRequest, Loan, Notice, Payment

_Table = (
    type[Loan]
    | type[Hold]
    | type[Debt]
    | type[Payment]
    | type[InterlibraryRequest]
    | type[Notice]
    | type[Agreement]
    | type[DoorEntry]
)

_TABLES: Final[dict[str, _Table]] = {
    "loans": Loan,
    "holds": Hold,
    "debts": Debt,
    "payments": Payment,
    "requests": InterlibraryRequest,
    "notices": Notice,
    "agreements": Agreement,
    "door_entries": DoorEntry,
}


def rename_card(*, session: Session, old_card_number: str, new_card_number: str) -> dict[str, int]:
    """A replaced card: everything follows to the new number. Repeating it moves nothing.

    Refused: same_card_number, card_number_in_use (both numbers have something here).
    """
    if old_card_number == new_card_number:
        raise Refused("same_card_number")
    lock_patrons(session, old_card_number, new_card_number)
    holds = select(Hold.edition).where(Hold.card_number == old_card_number)
    lock_editions(session, *session.scalars(holds))  # whoever sets a copy aside writes to the holder's number
    if _has_anything(session, old_card_number) and _has_anything(session, new_card_number):
        raise Refused("card_number_in_use")
    return {
        name: _rows(
            session,
            update(table).where(table.card_number == old_card_number).values(card_number=new_card_number),
        )
        for name, table in _TABLES.items()
    }


def _has_anything(session: Session, card_number: str) -> bool:
    return any(session.scalar(select(exists().where(t.card_number == card_number))) for t in _TABLES.values())


def _rows(session: Session, statement: Update | Delete) -> int:
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


@dataclass(frozen=True, slots=True)
class Ending:
    """What was erased (rows by kind) and what had to stay."""

    erased: dict[str, int]
    kept: tuple[Kept, ...]


def end_patron(*, session: Session, policy: Policy, card_number: str, now: datetime) -> Ending:
    """Erase whatever the library need not keep. Open loans, unpaid debts and titles already ordered stay until done.

    Roll the session back to learn beforehand what would happen. May be repeated.
    """
    today = local_day(policy=policy, now=now)
    lock_patrons(session, card_number)
    holds = list(session.scalars(select(Hold).where(Hold.card_number == card_number)))
    lock_editions(session, *(hold.edition for hold in holds))
    for hold in holds:
        end_hold(session=session, policy=policy, hold=hold, today=today)
    asked = delete(InterlibraryRequest).where(InterlibraryRequest.card_number == card_number)
    loose = delete(Notice).where(Notice.card_number == card_number, Notice.loan_id.is_(None))
    settled = update(Debt).where(Debt.card_number == card_number, Debt.settled_on.is_not(None))
    paid = update(Payment).where(Payment.card_number == card_number)
    agreed = delete(Agreement).where(Agreement.card_number == card_number)
    came = update(DoorEntry).where(DoorEntry.card_number == card_number)
    erased = {
        "holds": len(holds),
        "requests": _rows(session, asked.where(InterlibraryRequest.state == "asked")),
        "notices": _rows(session, loose),
        "settled_debts": _rows(session, settled.values(card_number=None)),
        "payments": _rows(session, paid.values(card_number=None)),
        "agreements": _rows(session, agreed),
        "door_entries": _rows(session, came.values(card_number=None)),
    }
    return Ending(erased, tuple(_what_is_kept(session, card_number)))


def _what_is_kept(session: Session, card_number: str) -> list[Kept]:
    loans = session.scalar(select(func.count()).where(Loan.card_number == card_number)) or 0
    debts = unpaid_debts(session=session, card_numbers=[card_number])
    ordered = len(requests_of(session=session, card_numbers=[card_number]))
    owed = sum(debt.outstanding for debt in debts)
    kept = (
        Kept(
            "open_loans",
            loans,
            None,
            "The copies are the library's. Each loan is forgotten when its copy is back.",
        ),
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
        return _rows(session, settled.values(card_number=None)) + _rows(session, paid.values(card_number=None))
