"""What every act of lending works in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from circulation.policy.library import Policy
from circulation.policy.rules import local_day


@dataclass(frozen=True, slots=True)
class Transaction:
    """One open transaction of one library at `now` (aware): all of it is committed, or nothing.

    `staff` is the user name of the member of staff who asks, empty for a patron or a command.
    """

    session: Session
    policy: Policy
    now: datetime
    staff: str = ""

    @property
    def today(self) -> date:
        """Which day it is in the library."""
        return local_day(policy=self.policy, now=self.now)
