"""What is counted at each library, and into which parts each kind is divided."""

from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from app.rules.card.scan import Reason


class Kind(StrEnum):
    """What the register counts of a library. The words stand in the database.

    CARD: cards that were issued, and whose home library this is. ACTIVATION: cards activated here. HOUR and MEANS:
    cards shown here, each counted once as both. REFUSAL: codes that were refused. ONLINE: how far those came who
    ordered a card online and chose this library. ACTIVE: cards used here in the twelve months before a month, in full
    tens.
    """

    CARD = "card"
    ACTIVATION = "activation"
    HOUR = "hour"
    MEANS = "means"
    REFUSAL = "refusal"
    ONLINE = "online"
    ACTIVE = "active"


PHONE: Final = "phone"
WALLET: Final = "wallet"
LOOKED_UP: Final = "looked up"
"""At the desk, by a plastic card or photo id."""
CHOSEN: Final = "library chosen"
CONFIRMED: Final = "address confirmed"
MADE: Final = "card made"
HOURS: Final = tuple(f"{hour:02}" for hour in range(24))
PARTS: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.CARD: ("",),
    Kind.ACTIVATION: ("",),
    Kind.HOUR: HOURS,
    Kind.MEANS: (PHONE, WALLET, LOOKED_UP),
    Kind.REFUSAL: tuple(reason.value for reason in Reason),
    Kind.ONLINE: (CHOSEN, CONFIRMED, MADE),
    Kind.ACTIVE: ("",),
}
STOPPED_BEFORE_CODE: Final = "stopped before code"
STOPPED_BEFORE_CARD: Final = "stopped before card"


def where_they_stopped(steps: Mapping[str, int]) -> Mapping[str, int]:
    """Return of those who chose the library how many went no further, and how many got a card.

    Who chose it on the last day of a month may get the card in the next: none is less than 0.
    """
    chosen, confirmed, made = (steps.get(step, 0) for step in PARTS[Kind.ONLINE])
    return {
        STOPPED_BEFORE_CODE: max(0, chosen - confirmed),
        STOPPED_BEFORE_CARD: max(0, confirmed - made),
        MADE: made,
    }


def last_month(today: date) -> date:
    """Return the first day of the newest month that is shown: from the second day after it, when all is counted."""
    before = (today - timedelta(days=1)).replace(day=1) - timedelta(days=1)
    return before.replace(day=1)


def months_of(year: int, *, today: date) -> range:
    """Return the numbers of a year's months that are shown."""
    newest = last_month(today)
    return range(1, 13) if year < newest.year else range(1, newest.month + 1) if year == newest.year else range(0)
