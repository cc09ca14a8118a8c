"""Claims 1-2-3 for loans that are not returned, by a daily command that may run as often as one likes.

The desk sees beforehand which are about to be made, and may stop them. A stop hangs on the loan and goes with it.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, exists, select

from circulation.database import Database, lock_patrons
from circulation.errors import Refused
from circulation.lending.accounts import LOANS_WITH_ITEMS, book_debt, facts_of
from circulation.lending.transaction import Transaction
from circulation.policy.library import ClaimStep, Policy
from circulation.policy.rules import claims_due, local_day, replacement_charge
from circulation.tables import Claim, Debt, Item, Loan, Notice, StoppedClaim
from circulation.totals import count

DAYS_AHEAD: Final = 7
MOST_ROWS: Final = 500
STOP_REASONS: Final = ("searching", "agreed", "illness", "mistake", "other")
"""The copy is being looked for, a new day was agreed on, illness, the library's own mistake, another one."""

# One from before a loan was renewed stops nothing.
_STOPS: Final = (
    select(StoppedClaim).join(Loan, Loan.id == StoppedClaim.loan_id).where(StoppedClaim.due_on == Loan.due_on)
)


def run_claims(*, database: Database, policy: Policy, now: datetime) -> int:
    """Make each claim that is due and not made. One transaction a card. Returns how many were made."""
    # The days before a change may have had claims sooner.
    first = [each.claims[0].after_days for each in policy.back_in_time() if each.claims]
    if not first:
        return 0
    due_on = local_day(policy=policy, now=now) - timedelta(days=min(first))
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
    stopped = {stop.loan_id for stop in tx.session.scalars(_STOPS.where(Loan.card_number == card_number))}
    made = 0
    for loan, item in tx.session.execute(late.order_by(Loan.due_on, Item.barcode)):
        if loan.id in stopped:
            continue
        known = set(tx.session.scalars(select(Claim.level).where(Claim.loan_id == loan.id)))
        due = claims_due(policy=tx.policy, due_on=loan.due_on, today=tx.today)
        new = [(step, day) for step, day in due if step.level not in known]
        for step, day in new:
            tx.session.add(Claim(loan_id=loan.id, level=step.level, claimed_on=day))
            count(tx, "claim", str(step.level))
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
        amount = replacement_charge(policy=tx.rules.on(day), loan=facts_of(loan, item))
        invoice = {"invoice": True, "loan_id": loan.id}
        book_debt(tx=tx, card_number=card, kind="replacement_charge", amount=amount, incurred_on=day, **invoice)


def coming_claims(*, tx: Transaction) -> list[dict[str, Any]]:
    """The claims that the daily command makes within the next seven days, today included, by day; 500 loans at most.

    Of each loan the next claim. `stopped` has the reason, who stopped it and when; such a claim is not made.
    """
    steps = [each.claims[0].after_days for each in tx.policy.back_in_time() if each.claims]
    if not steps:
        return []
    last = tx.today + timedelta(days=DAYS_AHEAD)
    late = LOANS_WITH_ITEMS.where(Loan.due_on <= last - timedelta(days=min(steps))).order_by(Loan.due_on, Item.barcode)
    stops = {stop.loan_id: stop for stop in tx.session.scalars(_STOPS)}
    made = {(loan_id, level) for loan_id, level in tx.session.execute(select(Claim.loan_id, Claim.level))}
    views: list[dict[str, Any]] = []
    for loan, item in tx.session.execute(late):
        due = claims_due(policy=tx.policy, due_on=loan.due_on, today=last)
        coming = next(((step, day) for step, day in due if (loan.id, step.level) not in made), None)
        if coming is None:
            continue
        step, day = coming
        stop = stops.get(loan.id)
        views.append(
            {
                "loan_id": loan.id,
                "card_number": loan.card_number,
                "title": item.title,
                "barcode": item.barcode,
                "due_on": loan.due_on,
                "level": step.level,
                "on": max(day, tx.today),
                "fee": step.fee,
                "invoice": step.invoice,
                "stopped": stop and {"reason": stop.reason, "by": stop.stopped_by, "on": stop.stopped_on},
            }
        )
    return sorted(views, key=lambda view: view["on"])[:MOST_ROWS]


def stop_claims(*, tx: Transaction, loan_id: str, reason: str) -> None:
    """Make no claim for a loan until it is resumed, renewed or returned. Refused: unknown_loan."""
    loan = _lock_loan(tx, loan_id)
    tx.session.execute(delete(StoppedClaim).where(StoppedClaim.loan_id == loan.id))
    stop = {"reason": reason, "stopped_by": tx.staff, "stopped_on": tx.today}
    tx.session.add(StoppedClaim(loan_id=loan.id, due_on=loan.due_on, **stop))


def resume_claims(*, tx: Transaction, loan_id: str) -> None:
    """Let a loan's claims be made again; may be repeated. Refused: unknown_loan."""
    loan = _lock_loan(tx, loan_id)
    tx.session.execute(delete(StoppedClaim).where(StoppedClaim.loan_id == loan.id))


def _lock_loan(tx: Transaction, loan_id: str) -> Loan:
    card_number = tx.session.scalar(select(Loan.card_number).where(Loan.id == loan_id))
    if card_number is not None:
        lock_patrons(tx.session, card_number)
        loan = tx.session.scalar(select(Loan).where(Loan.id == loan_id))
        if loan is not None:
            return loan
    raise Refused("unknown_loan")
