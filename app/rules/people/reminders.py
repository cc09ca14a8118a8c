"""What a patron wants to be reminded of: by which way, how many days before, and at which hours not."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.rules.people.ages import NORWAY

DUE, READY, OVERDUE, PERMISSION = "due", "ready", "overdue", "permission"
OF_LIBRARIES: Final = (DUE, READY, OVERDUE)
"""What libraries remind of. The register sends none of it, and is told of none (docs/adr/0034)."""
KINDS: Final = (*OF_LIBRARIES, PERMISSION)
EMAIL, SMS, PUSH, NONE = "email", "sms", "push", "none"
WAYS: Final = (EMAIL, SMS, PUSH, NONE)
MOST_DAYS: Final = 14
USUAL_DAYS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """By which of WAYS each of KINDS comes, and how many days before the due date.

    Quiet are the hours of Norway's clock from `quiet_from` until `quiet_to` (0 to 23); None: no hours are.
    """

    due: str
    ready: str
    overdue: str
    permission: str
    days_before: int
    quiet_from: int | None = None
    quiet_to: int | None = None

    def way_of(self, kind: str) -> str:
        """Return by which way one of KINDS comes."""
        return str(getattr(self, kind))


def quiet_until(choices: Choices | None, *, now: datetime) -> datetime | None:
    """Return when the quiet hours end that `now` is in (aware, in Norway's time); None where it is in none."""
    if choices is None or choices.quiet_from is None or choices.quiet_to is None:
        return None
    here = now.astimezone(NORWAY)
    # From 21 until 8 the hours are counted across midnight; the same hour twice is no time at all.
    if (here.hour - choices.quiet_from) % 24 >= (choices.quiet_to - choices.quiet_from) % 24:
        return None
    end = here.replace(hour=choices.quiet_to, minute=0, second=0, microsecond=0, fold=0)
    return end if end > here else end + timedelta(days=1)
