"""What happens to a card number as a whole: it is replaced, or its holder leaves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import CursorResult, Delete, Update, delete, exists, func, select, update
from sqlalchemy.orm import Session, aliased

from circulation.database import Database, lock_editions, lock_patrons
from circulation.errors import Refused
from circulation.lending.accounts import unpaid_debts
from circulation.lending.holds import end_hold
from circulation.lending.interlibrary import requests_of
from circulation.policy.library import Policy
from circulation.policy.rules import local_day
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


def rename_card(
    *, session: Session, policy: Policy, old_card_number: str, new_card_number: str, now: datetime
) -> dict[str, int]:
    """A replaced card: everything follows to the new number, and joins what was done under it before this was told.

    No number is ever given to two people. Repeating it moves nothing. Refused: same_card_number.
    """
    if old_card_number == new_card_number:
        raise Refused("same_card_number")
    both = (old_card_number, new_card_number)
    lock_patrons(session, *both)
    holds = select(Hold.edition).where(Hold.card_number.in_(both))
    lock_editions(session, *session.scalars(holds))  # whoever sets a copy aside writes to the holder's number
    _end_second_holds(session, policy, both, today=local_day(policy=policy, now=now))
    _make_room(session, old_card_number, new_card_number)
    return {
        name: _rows(
            session,
            update(table).where(table.card_number == old_card_number).values(card_number=new_card_number),
        )
        for name, table in _TABLES.items()
    }


def _end_second_holds(session: Session, policy: Policy, card_numbers: tuple[str, str], *, today: date) -> None:
    """Of two holds for one title, the one with a copy on the shelf stays, else the older."""
    holds = select(Hold).where(Hold.card_number.in_(card_numbers)).order_by(Hold.item_id.is_(None), Hold.number)
    kept: set[str] = set()
    for hold in list(session.scalars(holds)):
        if hold.edition in kept:
            end_hold(session=session, policy=policy, hold=hold, today=today)
        kept.add(hold.edition)


def _make_room(session: Session, old_card_number: str, new_card_number: str) -> None:
    """What was last agreed holds. Two claims' fees of one day both stand, though a card has one a day otherwise."""
    newer = select(Agreement.kind).where(Agreement.card_number == new_card_number)
    session.execute(delete(Agreement).where(Agreement.card_number == old_card_number, Agreement.kind.in_(newer)))
    other = aliased(Debt)
    same_day = (other.claim_level == Debt.claim_level) & (other.claimed_on == Debt.claimed_on)
    twice = exists().where(other.card_number == new_card_number, same_day)
    claimed = update(Debt).where(Debt.card_number == old_card_number, twice).values(claim_level=None, claimed_on=None)
    session.execute(claimed, execution_options={"synchronize_session": False})


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
    return Ending(erased, tuple(_kept_answer(session, card_number)))


def _kept_answer(session: Session, card_number: str) -> list[Kept]:
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
