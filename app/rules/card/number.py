"""Lånernummer, the number printed on the card: `N` and nine digits, without a check digit."""

import re

from app.rules.errors import RuleBroken
from app.rules.typed import clean_identifier, clean_scan

_CARD_NUMBER = re.compile(r"N[0-9]{9}")


class NotACardNumber(RuleBroken):
    """The text is not `N` and nine digits."""


def parse_card_number(text: str) -> str:
    """Return the number as printed (`N000106188`).

    It may be scanned, or typed with blanks, in small letters or without the `N`. Raises NotACardNumber.
    """
    number = clean_identifier(clean_scan(text)).upper()
    if len(number) == 9:
        number = "N" + number
    if not _CARD_NUMBER.fullmatch(number):
        raise NotACardNumber
    return number


def is_card_number(text: str) -> bool:
    """Tell whether a text is a card number, as `parse_card_number` reads it."""
    try:
        parse_card_number(text)
    except NotACardNumber:
        return False
    return True


def group_card_number(number: str) -> str:
    """Return `N000106188` as `N 000 106 188`."""
    return f"{number[0]} {number[1:4]} {number[4:7]} {number[7:]}"
