"""The PIN's shape, and how many guesses the register allows. Why these numbers: docs/adr/0003 and 0011."""

import re
from dataclasses import dataclass
from datetime import timedelta

_PIN = re.compile(r"[0-9]{4}")


def is_pin(text: str) -> bool:
    """Tell whether the text is four ASCII digits."""
    return _PIN.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Budget:
    """At most `limit` tries within `seconds`, counted from the first."""

    purpose: str
    limit: int
    seconds: int


CARD_SOON = Budget("sign-in card soon", limit=5, seconds=15 * 60)
CARD_DAY = Budget("sign-in card day", limit=15, seconds=24 * 3600)
SOURCE = Budget("sign-in source", limit=60, seconds=15 * 60)
ALL = Budget("sign-in all", limit=3000, seconds=15 * 60)
"""One guess on each of many cards trips no counter but this. Past it only devices that a card knows may try."""

CODE_SOON = Budget("one-time code soon", limit=5, seconds=15 * 60)
CODE_DAY = Budget("one-time code day", limit=20, seconds=24 * 3600)
CODE_SOURCE = Budget("one-time code source", limit=60, seconds=15 * 60)
CODE_SENT = Budget("one-time code sent", limit=5, seconds=3600)
LINK_SOURCE = Budget("one-time link source", limit=60, seconds=15 * 60)
RECEIPT_SOURCE = Budget("receipt source", limit=60, seconds=15 * 60)

CODE_RESENT_AFTER = timedelta(seconds=30)

ORDER_CARD = Budget("new PIN card", limit=3, seconds=24 * 3600)
ORDER_SOURCE = Budget("new PIN source", limit=20, seconds=3600)
ORDER_ALL = Budget("new PIN all", limit=1000, seconds=3600)
"""A message to each of many patrons trips no counter but this."""

EID_SOURCE = Budget("national sign-in source", limit=60, seconds=15 * 60)
EID_ONCE = Budget("national sign-in once", limit=1, seconds=24 * 3600)
"""Each sign-in that was begun counts once, at whichever process its answer comes in."""

CHILD_NUMBERS = Budget("child's number", limit=10, seconds=24 * 3600)
"""A guardian types a child's number: nobody tries out who has a card."""
