"""The types of values in libraries' answers, for the dataclasses of `port.read`. Each checks and cleans one value.

Values are as `json_call` reads JSON: numbers with a fraction are Decimal. A value that does not fit is a ValueError,
which `port.read` turns into Unavailable.
"""

import re
import unicodedata
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Final

from pydantic import BeforeValidator, Field, PlainValidator, Strict

from app.ils.money import LARGEST_AMOUNT, read_money

_LONGEST_TEXT: Final = 1000
_LARGEST_NUMBER: Final = 10**12
# Programs write a missing date as the first day they know.
_FIRST_YEAR: Final = 1900
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def clean_text(value: object) -> str:
    """Return one line in NFC that can be shown anywhere: no control characters (MARC has some), no half surrogates."""
    if not isinstance(value, str):
        raise ValueError
    shown = "".join(" " if character.isspace() else character for character in value[: 2 * _LONGEST_TEXT])
    kept = "".join(character for character in shown if unicodedata.category(character) not in ("Cc", "Cs"))
    return unicodedata.normalize("NFC", " ".join(kept.split()))[:_LONGEST_TEXT]


def read_day(value: object) -> date:
    """Return the date in YYYY-MM-DD."""
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError
    return date.fromisoformat(value)


def day_or_none(value: object) -> date | None:
    """Return the date at the beginning of a text in ISO 8601; None where there is none that somebody means."""
    try:
        day = date.fromisoformat(clean_text(value)[: len("2026-11-22")])
    except ValueError:
        return None
    return day if day.year >= _FIRST_YEAR else None


def read_instant(value: object) -> datetime:
    """Return the moment in ISO 8601, which must name its offset from UTC."""
    instant = datetime.fromisoformat(clean_text(value))
    if instant.tzinfo is None:
        raise ValueError
    return instant


def read_amount(value: object) -> Decimal:
    """Return an amount of the main unit."""
    if isinstance(value, str):
        return read_money(value)[0]
    if type(value) is not int and not isinstance(value, Decimal):
        raise ValueError
    amount = Decimal(value)
    if not amount.is_finite() or abs(amount) > LARGEST_AMOUNT:
        raise ValueError
    return amount


def _or_nothing(value: object) -> str:
    return "" if value is None else clean_text(str(value) if type(value) is int else value)


Text = Annotated[str, PlainValidator(clean_text)]
"""A line to show."""
MaybeText = Annotated[str, PlainValidator(_or_nothing)]
"""A line to show, or a number of one; nothing for null."""
TextOrNone = Annotated[str | None, PlainValidator(lambda value: _or_nothing(value) or None), Field(default=None)]
"""A line; None for null, an empty line, and a field that is missing."""
Code = Annotated[str, Field(strict=True, pattern="^[a-z][a-z0-9_]{0,40}$")]
"""A word for machines, such as "renewals_used_up"."""
Currency = Annotated[str, Field(strict=True, pattern="^[A-Z]{3}$")]
"""An ISO 4217 code."""
Number = Annotated[int, Field(strict=True, ge=0, le=_LARGEST_NUMBER)]
"""A whole number, 0 or more."""
Amount = Annotated[Decimal, PlainValidator(read_amount)]
"""A number of the currency's main unit, which may be negative."""
Flag = Annotated[bool, Strict()]
"""True or false, nothing that resembles them."""
MaybeFlag = Annotated[bool, Strict(), BeforeValidator(lambda value: value is not None and value)]
"""True or false; false for null."""
Day = Annotated[date, PlainValidator(read_day)]
Instant = Annotated[datetime, PlainValidator(read_instant)]
