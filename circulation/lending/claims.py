"""Claims 1-2-3 for loans that are not returned, by a daily command that may run as often as one likes."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import exists, select

from circulation.database import Database, lock_patrons
from circulation.lending.accounts import LOANS_WITH_ITEMS, book_debt, facts_of
from circulation.lending.transaction import Transaction
from circulation.policy.library import ClaimStep, Policy
from circulation.policy.rules import claims_due, local_day, replacement_charge
from circulation.tables import Claim, Debt, Item, Loan, Notice


def run_claims(*, database: Database, policy: Policy, now: datetime) -> int:
    """Make each claim that is due and not made. One transaction a card. Returns how many were made."""
    if not policy.claims:
        return 0
    due_on = local_day(policy=policy, now=now) - timedelta(days=policy.claims[0].after_days)
    with database.reading() as session:
        late = select(Loan.card_number).where(Loan.due_on <= due_on).distinct()
        cards = session.scalars(late.order_by(Loan.card_number)).all()
    made = 0
    for card_number in cards:
        with database.writing() as session:
            made += _claim(Transaction(session, policy, now), card_number)
    return made


def _claim(tx: Transaction, card_number: str) -> int:
    lock_patrons(tx.session, card_number)
    late = LOANS_WITH_ITEMS.where(Loan.card_number == card_number)
    made = 0
    for loan, item in tx.session.execute(late.order_by(Loan.due_on, Item.barcode)):
        known = set(tx.session.scalars(select(Claim.level).where(Claim.loan_id == loan.id)))
        due = claims_due(policy=tx.policy, due_on=loan.due_on, today=tx.today)
        new = [(step, day) for step, day in due if step.level not in known]
        for step, day in new:
            tx.session.add(Claim(loan_id=loan.id, level=step.level, claimed_on=day))
            _book(tx, loan, item, step, day)
        if new:
            step, day = new[-1]
            about = {"loan_id": loan.id, "about_day": day, "step": step.level}
            tx.session.add(Notice(card_number=card_number, kind="claim", created_on=tx.today, **about))
        made += len(new)
    return made


def _book(tx: Transaction, loan: Loan, item: Item, step: ClaimStep, day: date) -> None:
    # One letter names all loans that reached the claim on that day; its fee is taken once.
    card = loan.card_number
    same = exists().where(Debt.card_number == card, Debt.claim_level == step.level, Debt.claimed_on == day)
    if not tx.session.scalar(select(same)):
        letter = {"invoice": step.invoice, "claim_level": step.level, "claimed_on": day}
        book_debt(tx=tx, card_number=card, kind="claim_fee", amount=step.fee, incurred_on=day, **letter)
    if step.invoice and not tx.session.scalar(select(exists().where(Debt.loan_id == loan.id))):
        amount = replacement_charge(policy=tx.policy, loan=facts_of(loan, item))
        invoice = {"invoice": True, "loan_id": loan.id}
        book_debt(tx=tx, card_number=card, kind="replacement_charge", amount=amount, incurred_on=day, **invoice)
