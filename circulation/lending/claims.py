"""Claims 1-2-3 for loans that are not returned, by a daily command that may run as often as one likes."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from circulation.database import Database, lock_patrons
from circulation.lending.accounts import book_debt, facts_of
from circulation.policy.library import Policy
from circulation.policy.rules import claims_due, local_day, replacement_charge
from circulation.tables import Claim, Debt, Item, Loan, Notice


def run_claims(*, database: Database, policy: Policy, now: datetime) -> int:
    """Make each claim that is due and not made. One transaction a card. Returns how many were made."""
    if not policy.claims:
        return 0
    today = local_day(policy=policy, now=now)
    due_on = today - timedelta(days=policy.claims[0].after_days)
    with database.reading() as session:
        late = select(Loan.card_number).where(Loan.due_on <= due_on).distinct()
        cards = list(session.scalars(late.order_by(Loan.card_number)))
    made = 0
    for card_number in cards:
        with database.writing() as session:
            made += _claim(session, policy, card_number, today)
    return made


def _claim(session: Session, policy: Policy, card_number: str, today: date) -> int:
    lock_patrons(session, card_number)
    late = select(Loan, Item).join(Item, Item.id == Loan.item_id).where(Loan.card_number == card_number)
    made = 0
    for loan, item in session.execute(late.order_by(Loan.due_on, Item.barcode)):
        known = set(session.scalars(select(Claim.level).where(Claim.loan_id == loan.id)))
        new = [c for c in claims_due(policy=policy, due_on=loan.due_on, today=today) if c[0].level not in known]
        for step, day in new:
            session.add(Claim(loan_id=loan.id, level=step.level, claimed_on=day))
            letter = (step.level, day)
            if not _is_booked(session, card_number, letter):
                book_debt(
                    session=session,
                    policy=policy,
                    card_number=card_number,
                    kind="claim_fee",
                    amount=step.fee,
                    today=day,
                    invoice=step.invoice,
                    claim=letter,
                )
            if step.invoice and not session.scalar(select(exists().where(Debt.loan_id == loan.id))):
                book_debt(
                    session=session,
                    policy=policy,
                    card_number=card_number,
                    kind="replacement_charge",
                    amount=replacement_charge(policy=policy, loan=facts_of(loan, item)),
                    today=day,
                    invoice=True,
                    loan_id=loan.id,
                )
        if new:
            step, day = new[-1]
            notice = Notice(
                card_number=card_number,
                kind="claim",
                loan_id=loan.id,
                about_day=day,
                step=step.level,
                created_on=today,
            )
            session.add(notice)
        made += len(new)
    return made


def _is_booked(session: Session, card_number: str, letter: tuple[int, date]) -> bool:
    """One letter names all loans that reached the claim on that day; its fee is taken once."""
    level, day = letter
    same = exists().where(Debt.card_number == card_number, Debt.claim_level == level, Debt.claimed_on == day)
    return bool(session.scalar(select(same)))
