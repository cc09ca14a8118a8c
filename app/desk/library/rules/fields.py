"""The fields of the rules: how each value of a policy's document is shown, and read from what was typed.

A field's name is the path of its value in the document, with places in a list from 1: `categories.dvd.loan_days`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from flask_babel import gettext as _

from app.rules.errors import RuleBroken
from app.rules.money import NotAnAmount, parse_amount
from app.web.pages.library_words import amount_in_field

Kind = Literal[
    "number", "numbers", "amount", "amount_or_none", "flag", "text", "words", "day", "days", "choice", "choices"
]

_NOTHING: Final = re.compile(r"0+(?:[.,]0{0,2})?")
_DAY: Final = re.compile(r"(\d{1,2})[./](\d{1,2})\.?", re.ASCII)
_DATE: Final = re.compile(r"(\d{1,2})[./](\d{1,2})[./](\d{4})", re.ASCII)
_LONGEST: Final = 2000
"""Of what is read of a field: the days of ten years."""


class Unreadable(RuleBroken):
    """What was typed is no value of its kind; `sentence` says what is wanted."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Field:
    """One value of the rules. `choices` are values and their labels."""

    name: str
    label: str
    kind: Kind
    hint: str = ""
    choices: Sequence[tuple[str, str]] = field(default=())

    @property
    def id(self) -> str:
        """What a page knows the field by."""
        return self.name.replace(".", "-")

    @property
    def is_name(self) -> bool:
        """Whether it is what a kind of media is called in a language."""
        return ".names." in self.name

    def show(self, value: object) -> list[str]:
        """Return what stands in the field for a value of the document; None is a value that is not there."""
        match value:
            case None:
                return [] if self.kind in ("flag", "choices") else [""]
            case bool():
                return ["yes"] if value else []
            case int() if self.kind.startswith("amount"):
                return [amount_in_field(value)]
            case dict():  # a table that is there
                return ["yes"]
            case list() if self.kind == "days":
                return [", ".join(_day_in_field(str(one)) for one in value)]
            case list() if self.kind == "choices":
                return [str(one) for one in value]
            case list():
                return [", ".join(str(one) for one in value)]
            case str() if self.kind == "day":
                return [_day_in_field(value)]
        return [str(value)]

    def read(self, typed: Sequence[str], *, currency: str) -> object:
        """Return the value of the document, or None where it has none. Raises Unreadable."""
        text = (typed[0] if typed else "").strip()[:_LONGEST]
        match self.kind:
            case "flag":
                return bool(typed)
            case "choices":
                return [value for value, _label in self.choices if value in typed]
            case "choice":
                return next((value for value, _label in self.choices if value == text), None)
            case "words":
                return _parts(text)
            case "days":
                return [_date(part) if _DATE.fullmatch(part) else _day(part) for part in _parts(text)]
            case "numbers":
                return [_number(part) for part in _parts(text)]
            case "amount_or_none" if not text:
                return None
            case "amount" | "amount_or_none":
                return _amount(text, currency)
            case "number":
                return _number(text)
            case "day":
                return _day(text)
            case "text":
                return text


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", text):
        raise Unreadable(_("Write a whole number, such as %(number)s.", number=14))
    return int(text)


def _amount(text: str, currency: str) -> int:
    if _NOTHING.fullmatch(text):
        return 0
    try:
        return parse_amount(text, currency=currency)
    except NotAnAmount:
        raise Unreadable(_("Write an amount, such as %(amount)s.", amount=amount_in_field(2550))) from None


def _day_in_field(value: str) -> str:
    """A day as it is typed: `1.6.` for `06-01`, `24.12.2026` for `2026-12-24`."""
    *year, month, day = value.split("-")
    return f"{int(day)}.{int(month)}.{''.join(year)}"


def _date(text: str) -> str:
    found = _DATE.fullmatch(text)
    assert found is not None
    return f"{found[3]}-{int(found[2]):02}-{int(found[1]):02}"


def _day(text: str) -> str:
    found = _DAY.fullmatch(text)
    if found is None:
        raise Unreadable(_("Write a day and a month, such as %(day)s.", day="1.6."))
    return f"{int(found[2]):02}-{int(found[1]):02}"
