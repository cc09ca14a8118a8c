"""What every act of lending works in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from circulation.policy.library import Policy
from circulation.policy.rules import local_day
from circulation.tables import DoneAct


@dataclass(frozen=True, slots=True)
class Transaction:
    """One open transaction of one library at `now` (aware): all of it is committed, or nothing.

    `rules` is the newest policy, perhaps one for a day to come. `staff` is the user name of the member of staff who
    asks, empty for a patron or a command.
    """

    session: Session
    rules: Policy
    now: datetime
    staff: str = ""

    @property
    def policy(self) -> Policy:
        """What holds today."""
        return self.rules.on(self.today)

    @property
    def today(self) -> date:
        """Which day it is in the library."""
        return local_day(policy=self.rules, now=self.now)


def do_once(*, tx: Transaction, key: str | None) -> None:
    """Note that the act with this key is done in this transaction; an act without a key may be repeated.

    Refused: done_before. Whoever asks while the same act is under way waits for its end.
    """
    if key is not None:
        tx.session.add(DoneAct(key=key, done_on=tx.today))
        tx.session.flush()


def was_done(*, tx: Transaction, key: str | None) -> bool:
    """Return whether the act with this key was done today or yesterday; older keys are forgotten."""
    return key is not None and bool(tx.session.scalar(select(exists().where(DoneAct.key == key))))
