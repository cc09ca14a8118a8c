"""Card numbers: none is issued twice, ever.

The register keeps a keyed token of each. Numbers below DRAWN_BELOW are drawn, the others are reserved by libraries.
"""

import secrets
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, String, cast, func, literal, select, update

from app.register.keys.vault import vault
from app.register.store.transaction import db, savepoint
from app.register.tables.library import NumberSeries
from app.register.tables.patrons import IssuedNumber, Patron
from app.rules.card.number import parse_card_number
from app.rules.errors import RuleBroken
from app.rules.pins.pin import Budget

CARD_NUMBER = "card number"
MOST_RESERVED = 100_000
# For a library's desks and systems together. Numbers are never given back, so a stolen login may not use them up.
SERIES: Final = Budget("number series", limit=10, seconds=24 * 3600)
DRAWN_BELOW = 500_000_000
_ALL_BELOW = 1_000_000_000
_SPARE_DRAWS = 20


class PatronGone(RuleBroken):
    """The card number was that of somebody who was erased."""

    code = "gone"


class NumberWasIssued(RuleBroken):
    """The number was given to somebody before."""


class NoNumbersLeft(RuleBroken):
    """There are not that many numbers left to reserve, or more were asked for than one may reserve at a time."""


class NumberNotReserved(RuleBroken):
    """The card number is in none of the series that the library reserved."""


class _BeginningTaken(Exception):
    pass


@dataclass(frozen=True, slots=True)
class Series:
    """Card numbers from `first` to `last`, both included."""

    first: str
    last: str


@dataclass(frozen=True, slots=True)
class ReservedSeries:
    """A series that a library reserved, when (UTC), and how many of its numbers are on patrons' cards now."""

    first: str
    last: str
    size: int
    in_use: int
    reserved_at: datetime


def note_number(card_number: str) -> str:
    """Record that a number is issued, and return it. Raises NumberWasIssued."""
    _check_not_issued(card_number)
    with savepoint({"pk_issued_numbers": NumberWasIssued}):
        db.session.add(IssuedNumber(token=vault.token(purpose=CARD_NUMBER, text=card_number), key_id=vault.key_id))
    return card_number


def _is(card_number: str) -> ColumnElement[bool]:
    return IssuedNumber.token.in_(vault.tokens(purpose=CARD_NUMBER, text=card_number).values())


def _check_not_issued(card_number: str) -> None:
    if db.session.scalar(select(IssuedNumber.token).where(_is(card_number))):
        raise NumberWasIssued


def draw_number() -> str:
    """Draw a number that was never issued. It is random, so that it does not show when it was issued."""
    for _ in range(_SPARE_DRAWS):
        with suppress(NumberWasIssued):
            return note_number(f"N{secrets.randbelow(DRAWN_BELOW):09d}")
    raise NumberWasIssued


def reserve_series(*, library_id: str, count: int, now: datetime) -> Series:
    """Reserve the next `count` numbers for a library to issue by itself. Raises NoNumbersLeft."""
    for _ in range(_SPARE_DRAWS):
        first = (db.session.scalar(select(func.max(NumberSeries.last))) or DRAWN_BELOW - 1) + 1
        last = first + count - 1
        if not 1 <= count <= MOST_RESERVED or last >= _ALL_BELOW:
            raise NoNumbersLeft
        # Another library may take the same beginning meanwhile.
        with suppress(_BeginningTaken):
            with savepoint(dict.fromkeys(("uq_number_series_first", "uq_number_series_last"), _BeginningTaken)):
                db.session.add(NumberSeries(library_id=library_id, first=first, last=last, reserved_at=now))
            return Series(first=f"N{first:09d}", last=f"N{last:09d}")
    raise NoNumbersLeft


def bury_numbers(card_numbers: Collection[str], *, now: datetime) -> None:
    """Record that the patron with these numbers is erased. Of the patron's rows only these are kept."""
    for card_number in card_numbers:
        issued = update(IssuedNumber).where(_is(card_number)).values(gone_at=now)
        if db.session.execute(issued.returning(IssuedNumber.token)).first() is None:
            token = vault.token(purpose=CARD_NUMBER, text=card_number)
            db.session.add(IssuedNumber(token=token, key_id=vault.key_id, gone_at=now))


def check_reserved(*, library_id: str, card_number: str) -> str:
    """Return a number of a library's series as printed. Raises NotACardNumber, NumberNotReserved or NumberWasIssued."""
    number = parse_card_number(card_number)
    series = select(NumberSeries.id).where(
        NumberSeries.library_id == library_id, literal(int(number[1:])).between(NumberSeries.first, NumberSeries.last)
    )
    if db.session.scalar(series) is None:
        raise NumberNotReserved
    _check_not_issued(number)
    return number


def list_series(*, library_id: str) -> list[ReservedSeries]:
    """Return what a library reserved, newest first.

    Numbers of cards that were replaced or deleted are not counted as in use; they are known by their tokens alone.
    """
    # Reserved numbers have nine digits without leading zeros, so text compares as numbers do.
    first, last = (literal("N") + cast(edge, String) for edge in (NumberSeries.first, NumberSeries.last))
    in_use = select(func.count()).where(Patron.card_number.between(first, last)).scalar_subquery()
    rows = db.session.execute(
        select(NumberSeries.first, NumberSeries.last, in_use, NumberSeries.reserved_at)
        .where(NumberSeries.library_id == library_id)
        .order_by(NumberSeries.id.desc())
    )
    return [
        ReservedSeries(f"N{first:09d}", f"N{last:09d}", last - first + 1, used, reserved_at)
        for first, last, used, reserved_at in rows
    ]


def is_gone(card_number: str) -> bool:
    """Tell whether the number was that of somebody who was erased."""
    return db.session.scalar(select(IssuedNumber.gone_at).where(_is(card_number))) is not None
