"""How many tries are left. A try is taken before it is made, in a transaction of its own, and survives a restart."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Integer, bindparam, delete, text

from app.register.tables import AttemptCount, UtcInstant
from app.register.transaction import db, direct_connection
from app.register.vault import vault
from app.rules.errors import RuleBroken
from app.rules.pin import Budget

# One atomic statement: however many ask at once, each gets a number of its own.
_TAKE = (
    text(
        """
        INSERT INTO attempt_counts (purpose, subject, since, taken) VALUES (:purpose, :subject, :now, 1)
        ON CONFLICT (purpose, subject) DO UPDATE SET
            taken = CASE WHEN attempt_counts.since <= :old THEN 1 ELSE attempt_counts.taken + 1 END,
            since = CASE WHEN attempt_counts.since <= :old THEN excluded.since ELSE attempt_counts.since END
        RETURNING taken, since
        """
    )
    .bindparams(bindparam("now", type_=UtcInstant()), bindparam("old", type_=UtcInstant()))
    .columns(taken=Integer, since=UtcInstant)
)
_GIVE_BACK = text(
    "UPDATE attempt_counts SET taken = taken - 1 WHERE purpose = :purpose AND subject = :subject AND taken > 0"
)


@dataclass(frozen=True, slots=True)
class Counted:
    """Where a counter stands, and when it starts anew (UTC)."""

    taken: int
    free_at: datetime


Try = tuple[Budget, str]
"""A budget, and in clear whose it is. Only a keyed hash of that is stored."""


class TooManyAttempts(RuleBroken):
    """The budget is used up. `retry_after` is in seconds."""

    code = "too-many-attempts"

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after


def count_try(connection: Connection, *, purpose: str, subject: str, seconds: int, now: datetime) -> Counted:
    """Add one to a counter that starts anew `seconds` after its first try, and return where it stands."""
    window = timedelta(seconds=seconds)
    row = connection.execute(_TAKE, {"purpose": purpose, "subject": subject, "now": now, "old": now - window}).one()
    return Counted(taken=row.taken, free_at=row.since + window)


def take_tries(*, tries: Sequence[Try], now: datetime) -> None:
    """Take one from each budget, in the order given. Raises TooManyAttempts at the first that is used up."""
    with direct_connection() as connection:
        for budget, whose in tries:
            subject = vault.subject(f"{budget.purpose}:{whose}")
            counted = count_try(connection, purpose=budget.purpose, subject=subject, seconds=budget.seconds, now=now)
            if counted.taken > budget.limit:
                raise TooManyAttempts(retry_after=max(1, int((counted.free_at - now).total_seconds())))


def give_back_tries(*, tries: Sequence[Try]) -> None:
    """Give back what `take_tries` took: the try turned out to be a right one, and only failures count."""
    with direct_connection() as connection:
        for budget, whose in tries:
            subject = vault.subject(f"{budget.purpose}:{whose}")
            connection.execute(_GIVE_BACK, {"purpose": budget.purpose, "subject": subject})


def forget_tries(*, tries: Sequence[Try]) -> None:
    """Let these budgets start anew, in the request's own transaction."""
    for budget, whose in tries:
        subject = vault.subject(f"{budget.purpose}:{whose}")
        of_budget = (AttemptCount.purpose == budget.purpose, AttemptCount.subject == subject)
        db.session.execute(delete(AttemptCount).where(*of_budget))
