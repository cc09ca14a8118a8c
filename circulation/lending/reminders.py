"""Reminders before the due date, into the library's own outbox. They hold a card number and a day, never a title."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from circulation.database import Database, lock_patrons
from circulation.policy.library import Policy
from circulation.policy.rules import local_day
from circulation.tables import Loan, Notice


def run_reminders(*, database: Database, policy: Policy, now: datetime) -> int:
    """Remind of each loan that is due soon and was not reminded of at this distance. Returns how many were made.

    If the command missed a day, the nearest reminder that is due is made and the farther ones are skipped.
    """
    if not policy.reminder_days:
        return 0
    today = local_day(policy=policy, now=now)
    soon = Loan.due_on.between(today, today + timedelta(days=policy.reminder_days[-1]))
    with database.reading() as session:
        cards = session.scalars(select(Loan.card_number).where(soon).distinct().order_by(Loan.card_number)).all()
    made = 0
    for card_number in cards:
        with database.writing() as session:
            lock_patrons(session, card_number)
            for loan in session.scalars(select(Loan).where(soon, Loan.card_number == card_number)):
                left = (loan.due_on - today).days
                step = next(days for days in policy.reminder_days if days >= left)
                about = {"loan_id": loan.id, "kind": "reminder", "about_day": loan.due_on}
                made_before = select(Notice.id).filter_by(**about).where(Notice.step <= step)
                if loan.lent_on == today or session.scalar(made_before.limit(1)):
                    continue
                session.add(Notice(card_number=card_number, step=step, created_on=today, **about))
                made += 1
    return made
