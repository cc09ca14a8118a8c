"""Reminders before the due date, into the library's own outbox. They hold a card number and a day, never a title.

When and by which way is what the card's holder chose at the register, which tells the library; else the policy says.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select

from circulation.database import Database, lock_patrons
from circulation.lending.transaction import Transaction
from circulation.policy.library import Policy
from circulation.policy.rules import local_day
from circulation.tables import Loan, Notice, ReminderChoice

WAYS: Final = ("email", "sms", "push", "none")
MOST_DAYS: Final = 14
"""The farthest that a patron may choose."""


def choose_reminders(
    *,
    tx: Transaction,
    card_number: str,
    due: str,
    ready: str,
    overdue: str,
    days_before: int,
    quiet_from: int,
    quiet_to: int,
) -> ReminderChoice:
    """Note what the card's holder wants; what was noted before is replaced. May be repeated."""
    lock_patrons(tx.session, card_number)
    choice = ReminderChoice(
        card_number=card_number,
        due=due,
        ready=ready,
        overdue=overdue,
        days_before=days_before,
        quiet_from=quiet_from,
        quiet_to=quiet_to,
    )
    return tx.session.merge(choice)


def run_reminders(*, database: Database, policy: Policy, now: datetime) -> int:
    """Remind of each loan that is due soon and was not reminded of at this distance. Returns how many were made.

    The distances are those of the policy, or the one that the card's holder chose. If the command missed a
    day, the nearest reminder that is due is made and the farther ones are skipped.
    """
    today = local_day(policy=policy, now=now)
    policy = policy.on(today)
    farthest = max(MOST_DAYS, *policy.reminder_days)
    soon = Loan.due_on.between(today, today + timedelta(days=farthest))
    with database.reading() as session:
        cards = session.scalars(select(Loan.card_number).where(soon).distinct().order_by(Loan.card_number)).all()
    made = 0
    for card_number in cards:
        with database.writing() as session:
            lock_patrons(session, card_number)
            choice = session.get(ReminderChoice, card_number)
            distances = policy.reminder_days if choice is None else (choice.days_before,)
            if choice is not None and choice.due == "none":
                continue
            for loan in session.scalars(select(Loan).where(soon, Loan.card_number == card_number)):
                left = (loan.due_on - today).days
                step = next((days for days in distances if days >= left), None)
                if step is None:
                    continue
                about = {"loan_id": loan.id, "kind": "reminder", "about_day": loan.due_on}
                made_before = select(Notice.id).filter_by(**about).where(Notice.step <= step)
                if loan.lent_on == today or session.scalar(made_before.limit(1)):
                    continue
                session.add(Notice(card_number=card_number, step=step, created_on=today, **about))
                made += 1
    return made
