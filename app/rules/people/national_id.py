"""National identity numbers: parsed into a canonical form, from which nothing else is read.

From 2032 a Norwegian number says neither gender nor century, so birth date and gender are fields of their own. The
canonical form is used only to make a keyed token (app/register/keys/vault.py).
Sources: Skatteetaten (fødselsnummer, D- and H-number, synthetic numbers, the 2032 check digit), Skatteverket SKV 704,
UDI (the DUF number's form) and Statistics Norway's KOSTRA controls (its check digits).
"""

import re
from dataclasses import dataclass
from datetime import date

from stdnum import luhn

from app.rules.errors import RuleBroken
from app.rules.typed import clean_identifier

_FIRST_WEIGHTS = (3, 7, 6, 1, 8, 9, 4, 5, 2)
_SECOND_WEIGHTS = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
_DUF_WEIGHTS = (4, 6, 3, 2, 4, 6, 3, 2, 7, 5)
_NORWEGIAN = re.compile(r"[0-9]{11}")
_SWEDISH = re.compile(r"((?:18|19|20)?)([0-9]{6})(\+?)([0-9]{4})")
_DUF = re.compile(r"((?:19|20)[0-9]{2})[0-9]{6}([0-9]{2})")
_SEPARATOR = re.compile(r"[-\u2010-\u2015\u2212./]")


class NotANationalId(RuleBroken):
    """The text is none of the numbers that the register knows."""


class SyntheticNationalId(RuleBroken):
    """The number of a test person, which production refuses."""


@dataclass(frozen=True, slots=True, repr=False)
class NationalId:
    """A number in canonical form: `NO:` and 11 digits, `SE:` or `DUF:` and 12. Never store, log or show it."""

    canonical: str
    synthetic: bool


def parse_national_id(text: str, *, today: date, allow_synthetic: bool) -> NationalId:
    """Return the canonical form of a fødselsnummer, D-, H-, DUF or synthetic number, personnummer, samordningsnummer.

    Separators between the digits are ignored, except a `+`, which makes a Swedish number a hundred years older. `today`
    decides the century of a short Swedish number. Twelve digits that are valid as a Swedish and as a DUF number count
    as Swedish. Raises NotANationalId, or SyntheticNationalId where those are not allowed.
    """
    compact = _SEPARATOR.sub("", clean_identifier(text))
    number = _parse_norwegian(compact) or _parse_swedish(compact, today=today) or _parse_duf(compact, today=today)
    if number is None:
        raise NotANationalId
    if number.synthetic and not allow_synthetic:
        raise SyntheticNationalId
    return number


def _parse_norwegian(digits: str) -> NationalId | None:
    if not _NORWEGIAN.fullmatch(digits):
        return None
    values = [int(digit) for digit in digits]
    # From 1 January 2032 the first check digit also accepts the remainders 1 to 3.
    first = (sum(w * v for w, v in zip(_FIRST_WEIGHTS, values, strict=False)) + values[9]) % 11
    second = (sum(w * v for w, v in zip(_SECOND_WEIGHTS, values, strict=False)) + values[10]) % 11
    if first not in (0, 1, 2, 3) or second != 0:
        return None
    day, month = int(digits[:2]), int(digits[2:4])
    synthetic = month > 80
    day = day - 40 if day > 40 else day
    month = month - 80 if synthetic else month - 40 if month > 40 else month
    # The year is not checked: 29 February must be possible.
    return NationalId(f"NO:{digits}", synthetic) if _is_day_of_year(day=day, month=month) else None


def _parse_swedish(text: str, *, today: date) -> NationalId | None:
    match = _SWEDISH.fullmatch(text)
    if match is None:
        return None
    century, day, sign, serial = match.groups()
    if not luhn.is_valid(day + serial):
        return None
    if not century:
        year = today.year // 100 * 100 + int(day[:2])
        year -= 100 if year > today.year else 0
        century = f"{(year - (100 if sign == '+' else 0)) // 100:02d}"
    month, of_month = int(day[2:4]), int(day[4:])
    if of_month >= 60:
        # A coordination number (samordningsnummer), in which the month, or the day, is 0 where it is not known.
        month, of_month = month or 1, of_month - 60 or 1
    if not _is_day_of_year(day=of_month, month=month):
        return None
    return NationalId(f"SE:{century}{day}{serial}", synthetic=False)


def _parse_duf(digits: str, *, today: date) -> NationalId | None:
    # The year of the application, six digits, and the remainder modulo 11.
    match = _DUF.fullmatch(digits)
    if match is None or int(match[1]) > today.year:
        return None
    remainder = sum(w * int(digit) for w, digit in zip(_DUF_WEIGHTS, digits, strict=False)) % 11
    return NationalId(f"DUF:{digits}", synthetic=False) if int(match[2]) == remainder else None


def _is_day_of_year(*, day: int, month: int) -> bool:
    try:
        date(2000, month, day)
    except ValueError:
        return False
    return True
