"""The form of a PIN, and the budgets of tries. Why these numbers: docs/adr/0003 and 0011."""

import re
from dataclasses import dataclass
from datetime import timedelta

_PIN = re.compile(r"[0-9]{4}")
_QUARTER, _HOUR, _DAY = 15 * 60, 3600, 24 * 3600


def is_pin(text: str) -> bool:
    """Tell whether the text is four ASCII digits."""
    return _PIN.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Budget:
    """At most `limit` tries within `seconds`, counted from the first.

    `per_card` (of a source): so many more for each different card that signed in there within a day.
    """

    purpose: str
    limit: int
    seconds: int
    per_card: float = 0


WIDE = 4
"""A /48 has so many times what one of its /64 has."""

CARD_SOON = Budget("sign-in card soon", limit=5, seconds=_QUARTER)
CARD_DAY = Budget("sign-in card day", limit=5, seconds=_DAY)
CARD_SPARE = Budget("sign-in card spare", limit=10, seconds=_DAY)
"""A card has CARD_DAY at each kind of door, which no other door uses up, and this for all of them together."""
DEVICE_SOON = Budget("sign-in device soon", limit=5, seconds=_QUARTER)
DEVICE_DAY = Budget("sign-in device day", limit=15, seconds=_DAY)

SOURCE = Budget("sign-in source", limit=100, seconds=_QUARTER, per_card=0.2)
ALL = Budget("sign-in all", limit=10_000, seconds=_DAY)
"""Only this counts one guess on each of many cards. Past it, unknown devices must enter a code first."""
STRICT_SOURCE = Budget("sign-in strict source", limit=5, seconds=_DAY, per_card=0.2)
STRICT_ALL = Budget("sign-in strict all", limit=20_000, seconds=_DAY)

MACHINE_OWN = Budget("PIN checks own", limit=15, seconds=_HOUR)
MACHINE_SPARE = Budget("PIN checks spare", limit=80, seconds=_HOUR)
MACHINE_SLOW = Budget("PIN checks slow", limit=1, seconds=4 * 60)
"""Each of a library's four kinds of door has MACHINE_OWN, the library has MACHINE_SPARE for all of them, and past both
each door has one wrong PIN in four minutes: in an hour 4 x 15 + 80 + 4 x 15 = 200 at most."""

CODE_SOON = Budget("one-time code soon", limit=5, seconds=_QUARTER)
CODE_DAY = Budget("one-time code day", limit=20, seconds=_DAY)
CODE_SOURCE = Budget("one-time code source", limit=60, seconds=_QUARTER, per_card=0.2)
CODE_SENT = Budget("one-time code sent", limit=5, seconds=_HOUR)
LINK_SOURCE = Budget("one-time link source", limit=60, seconds=_QUARTER, per_card=0.2)
RECEIPT_SOURCE = Budget("receipt source", limit=60, seconds=_QUARTER)

CODE_RESENT_AFTER = timedelta(seconds=30)

ORDER_CARD = Budget("new PIN card", limit=3, seconds=_DAY)
ORDER_SOURCE = Budget("new PIN source", limit=20, seconds=_HOUR, per_card=0.2)
ORDER_ALL = Budget("new PIN all", limit=1000, seconds=_HOUR)
"""Only this counts one message to each of many patrons."""
ORDER_STRICT_SOURCE = Budget("new PIN strict source", limit=2, seconds=_DAY)

CODE_ORDER_CARD = Budget("code first card", limit=3, seconds=_DAY)
CODE_ORDER_SOURCE = Budget("code first source", limit=20, seconds=_HOUR, per_card=0.2)
CODE_ORDER_ALL = Budget("code first all", limit=1000, seconds=_HOUR)
CODE_ORDER_STRICT_SOURCE = Budget("code first strict source", limit=2, seconds=_DAY)
"""Codes that come before the PIN: as many as new PINs, counted separately."""

EID_SOURCE = Budget("national sign-in source", limit=60, seconds=_QUARTER, per_card=0.2)
EID_ONCE = Budget("national sign-in once", limit=1, seconds=_DAY)
"""The answer to a sign-in counts once, whichever process gets it."""

CHILD_NUMBERS = Budget("child's number", limit=10, seconds=_DAY)
"""A guardian types a child's number, and must not find out who has a card."""

PASSKEY_SOURCE = Budget("passkey source", limit=60, seconds=_QUARTER, per_card=0.2)
PASSKEY_ONCE = Budget("passkey once", limit=1, seconds=_DAY)
"""A challenge is answered once, whichever process gets the answer."""
PASSKEY_TOLD = Budget("passkey told", limit=1, seconds=_DAY)
"""A message that a passkey may have been copied, for each passkey."""
