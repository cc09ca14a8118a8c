"""Sums of money as people and programs write them: `5.000000`, `1 234,50`, `kr 7,-`, `£7.00`."""

import re
import unicodedata
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from babel.numbers import is_currency

LARGEST_AMOUNT: Final = 10**10
# Currencies of ISO 4217 near here without a smaller unit.
_WITHOUT_FRACTION: Final = frozenset({"ISK", "JPY", "KRW"})
_CROWNS: Final = ("NOK", "SEK", "DKK", "ISK")
_CURRENCIES: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(("KR", "KRONE", "KRONER", "KRONA", "KRONOR"), _CROWNS),
    "NKR": ("NOK",),
    "SKR": ("SEK",),
    "DKR": ("DKK",),
    "£": ("GBP",),
    "€": ("EUR",),
    "$": ("USD", "CAD", "AUD", "NZD"),
}
_UNIT: Final = r"([^\W\d_]+\.?|[^\w\s.,'’()+:-])?"
_SUM: Final = re.compile(rf"([-+(]?) *{_UNIT} *([-+]?) *([\d.,'’ ]*\d[.,]?) *{_UNIT} *([-)]?)")
_GROUPS: Final = re.compile(r"\d{1,3}(?:([ .,'’])\d{3})(?:\1\d{3})*|\d*")


def name_currency(written: str, *, usual: str) -> str | None:
    """Return the ISO 4217 code for a code or a sign, such as `nok` or `kr`; None where it is unknown. `usual` is the
    currency where nothing is written, and the one of several that share a sign."""
    word = written.strip(" .").upper()
    if not word:
        return usual
    if word not in _CURRENCIES:
        return word if len(word) == 3 and is_currency(word) else None
    choices = _CURRENCIES[word]
    return usual if usual in choices else choices[0] if len(choices) == 1 else None


def read_money(text: str) -> tuple[Decimal, str]:
    """Return an amount of the main unit, negative for a credit, and the currency's code or sign beside it, if any.
    ValueError: it is no amount, or may be two, such as `1,234`."""
    written = re.sub(r"[.,:]-+$", "", unicodedata.normalize("NFKC", text).replace("−", "-").strip())
    if (match := _SUM.fullmatch(written)) is None:
        raise ValueError("no amount")
    first, unit, second, digits, unit_behind, last = match.groups(default="")
    if unit and unit_behind:
        raise ValueError("two units")
    points = re.findall(r"[.,]", digits)
    whole, fraction = digits, ""
    if len(set(points)) == 2 or len(points) == 1:
        whole, _point, fraction = digits.rpartition(points[-1])
        if points == [","] and len(fraction) == 3 and 1 <= len(whole) <= 3 and whole != "0":
            raise ValueError("thousands or a fraction")
    if not _GROUPS.fullmatch(whole) or not re.fullmatch(r"\d*", fraction) or not (whole or fraction):
        raise ValueError("no amount")
    amount = Decimal("".join(re.findall(r"\d+", whole)) + f".{fraction}0")
    if amount > LARGEST_AMOUNT:
        raise ValueError("no amount")
    is_credit = "-" in first + second + last or first == "("
    return (-amount if is_credit else amount), unit or unit_behind


def to_smallest_unit(amount: Decimal, *, currency: str) -> int:
    """Return an amount of the main unit (12.50) in the smallest (1250), rounded half up."""
    return int((amount if currency in _WITHOUT_FRACTION else amount * 100).to_integral_value(ROUND_HALF_UP))
