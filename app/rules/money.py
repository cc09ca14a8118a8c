"""Amounts of money as typed at a desk. In the program they are integers, in øre or öre."""

import re

from app.rules.errors import RuleBroken
from app.rules.typed import clean_identifier

_AMOUNT = re.compile(r"([0-9]{1,6})(?:[.,](?:([0-9]{2})|-))?")


class NotAnAmount(RuleBroken):
    """The text is not an amount above zero, such as `25` or `25,50`."""


def parse_amount(text: str, *, currency: str = "") -> int:
    """Return the amount in the smallest unit: `25`, `25,00`, `25.00`, `25,-` and `kr 25` are 2500.

    The code of the `currency` may stand at either side, and no other one's. Raises NotAnAmount.
    """
    typed = clean_identifier(text).casefold()
    for name in ("kr.", "kr", currency.casefold()):
        typed = typed.removeprefix(name).removesuffix(name)
    match = _AMOUNT.fullmatch(typed)
    amount = int(match[1]) * 100 + int(match[2] or 0) if match else 0
    if amount == 0:
        raise NotAnAmount
    return amount
