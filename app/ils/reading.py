"""Read what a library answered, field by field. What does not fit is Unavailable("bad_answer"), never a guess."""

import re
import unicodedata
from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final, NoReturn, Self

from app.ils.port import Unavailable
from app.rules import json_text

_LONGEST_TEXT: Final = 1000
_LARGEST_NUMBER: Final = 10**12
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,40}", re.ASCII)
_CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)
# Currencies of ISO 4217 near here without a smaller unit.
_WITHOUT_FRACTION: Final = frozenset({"ISK", "JPY", "KRW"})


def parse_json(raw: bytes) -> object:
    """Return the JSON value in `raw` (UTF-8); numbers with a fraction as Decimal."""

    def refuse(name: str) -> NoReturn:
        raise ValueError(name)

    try:
        return json_text.parse_json(raw, parse_constant=refuse, parse_float=Decimal)
    except (ValueError, InvalidOperation):
        raise Unavailable("bad_answer") from None


def clean_text(value: str) -> str:
    """Return one line that can be shown anywhere: no control characters (MARC has some) and no half surrogates."""
    shown = "".join(" " if character.isspace() else character for character in value[: 2 * _LONGEST_TEXT])
    kept = "".join(character for character in shown if unicodedata.category(character) not in ("Cc", "Cs"))
    return " ".join(kept.split())[:_LONGEST_TEXT]


def read_day(value: object) -> date:
    """Return the date in YYYY-MM-DD."""
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise Unavailable("bad_answer")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise Unavailable("bad_answer") from None


def read_currency(value: object) -> str:
    """Return an ISO 4217 code."""
    if not isinstance(value, str) or not _CURRENCY.fullmatch(value):
        raise Unavailable("bad_answer")
    return value


def to_smallest_unit(amount: Decimal, *, currency: str) -> int:
    """Return an amount of the main unit (12.50) in the smallest (1250)."""
    scaled = amount if currency in _WITHOUT_FRACTION else amount * 100
    if not scaled.is_finite() or abs(scaled) > _LARGEST_NUMBER:
        raise Unavailable("bad_answer")
    return int(scaled.to_integral_value())


class Reader:
    """One JSON object. Every method raises Unavailable where the field is not of its kind."""

    __slots__ = ("_fields",)

    def __init__(self, value: object) -> None:
        if not isinstance(value, dict):
            raise Unavailable("bad_answer")
        self._fields = value

    def has(self, name: str) -> bool:
        """Whether the field is there and not null."""
        return self._fields.get(name) is not None

    def text(self, name: str) -> str:
        """Return a line to show."""
        if not isinstance(value := self._fields.get(name), str):
            raise Unavailable("bad_answer")
        return clean_text(value)

    def maybe_text(self, name: str) -> str:
        """Return a line to show, or nothing."""
        return self.text(name) if self.has(name) else ""

    def code(self, name: str) -> str:
        """Return a word for machines, such as "renewals_used_up"."""
        value = self._fields.get(name)
        if not isinstance(value, str) or not _CODE.fullmatch(value):
            raise Unavailable("bad_answer")
        return value

    def integer(self, name: str) -> int:
        """Return a whole number, 0 or more."""
        value = self._fields.get(name)
        if type(value) is not int or not 0 <= value <= _LARGEST_NUMBER:
            raise Unavailable("bad_answer")
        return value

    def maybe_integer(self, name: str) -> int | None:
        """Return a whole number, 0 or more, or None."""
        return self.integer(name) if self.has(name) else None

    def amount(self, name: str, *, currency: str) -> int:
        """Return a number of the main unit, which may be negative, in the smallest unit."""
        value = self._fields.get(name)
        if type(value) is not int and not isinstance(value, Decimal):
            raise Unavailable("bad_answer")
        return to_smallest_unit(Decimal(value), currency=currency)

    def flag(self, name: str) -> bool:
        """Return true or false, nothing that resembles them."""
        if not isinstance(value := self._fields.get(name), bool):
            raise Unavailable("bad_answer")
        return value

    def day(self, name: str) -> date:
        """Return a date."""
        return read_day(self._fields.get(name))

    def maybe_day(self, name: str) -> date | None:
        """Return a date or None."""
        return self.day(name) if self.has(name) else None

    def currency(self, name: str) -> str:
        """Return an ISO 4217 code."""
        return read_currency(self._fields.get(name))

    def part(self, name: str) -> Self:
        """Return the object in the field."""
        return type(self)(self._fields.get(name))

    def maybe_part(self, name: str) -> Self | None:
        """Return the object in the field or None."""
        return self.part(name) if self.has(name) else None

    def parts(self, name: str) -> Iterator[Self]:
        """Return the objects in the field's list."""
        return map(type(self), self.values(name))

    def values(self, name: str) -> list[object]:
        """Return the field's list."""
        if not isinstance(value := self._fields.get(name), list):
            raise Unavailable("bad_answer")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """Return the lines in the field's list."""
        return tuple(Reader({"": value}).text("") for value in self.values(name))

    def counts(self, name: str) -> dict[str, int]:
        """Return the whole numbers in the field's object by their names."""
        inner = self.part(name)
        return {clean_text(str(key)): inner.integer(key) for key in inner._fields}

    def words(self, name: str) -> dict[str, str]:
        """Return the lines in the field's object by their names."""
        inner = self.part(name)
        return {clean_text(str(key)): inner.text(key) for key in inner._fields}
