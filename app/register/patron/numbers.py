"""Card numbers: none is issued twice, ever.

The register remembers each as a keyed token. Numbers that libraries reserve and numbers that are drawn come from
halves of their own, so they never meet.
"""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import String, cast, func, literal, select, update

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
    """Another library has reserved numbers from the same one on."""


@dataclass(frozen=True, slots=True)
class Series:
    """Card numbers from `first` to `last`, both included."""

    first: str
    last: str


@dataclass(frozen=True, slots=True)
class ReservedSeries:
    """A row that a library reserved (UTC), and how many of its numbers are on patrons' cards now."""

    first: str
    last: str
    size: int
    in_use: int
    reserved_at: datetime


def note_number(card_number: str) -> str:
    """Note that a number is issued, and return it. Raises NumberWasIssued."""
    tokens = vault.tokens(purpose=CARD_NUMBER, text=card_number)
    if db.session.scalar(select(IssuedNumber.token).where(IssuedNumber.token.in_(tokens.values()))):
        raise NumberWasIssued
    with savepoint({"pk_issued_numbers": NumberWasIssued}):
        db.session.add(IssuedNumber(token=tokens[vault.key_id], key_id=vault.key_id))
    return card_number


def draw_number() -> str:
    """Draw a number that was never issued. It is random, so that none tells when its neighbour came."""
    for spare in reversed(range(_SPARE_DRAWS)):
        try:
            return note_number(f"N{secrets.randbelow(DRAWN_BELOW):09d}")
        except NumberWasIssued:
            if not spare:
                raise
    raise AssertionError("unreachable")


def reserve_series(*, library_id: str, count: int, now: datetime) -> Series:
    """Reserve the next `count` numbers for a library to issue by itself. Raises NoNumbersLeft."""
    for spare in reversed(range(_SPARE_DRAWS)):
        first = (db.session.scalar(select(func.max(NumberSeries.last))) or DRAWN_BELOW - 1) + 1
        last = first + count - 1
        if not 1 <= count <= MOST_RESERVED or last >= _ALL_BELOW:
            raise NoNumbersLeft
        try:
            with savepoint(dict.fromkeys(("uq_number_series_first", "uq_number_series_last"), _BeginningTaken)):
                db.session.add(NumberSeries(library_id=library_id, first=first, last=last, reserved_at=now))
        except _BeginningTaken:
            # Another library took that beginning meanwhile.
            if not spare:
                raise
        else:
            return Series(first=f"N{first:09d}", last=f"N{last:09d}")
    raise AssertionError("unreachable")


def is_reserved_by(*, library_id: str, card_number: str) -> bool:
    """Tell whether a number is in a series that the library reserved."""
    number = int(card_number.removeprefix("N"))
    found = select(NumberSeries.id).where(
        NumberSeries.library_id == library_id, NumberSeries.first <= number, NumberSeries.last >= number
    )
    return db.session.scalar(found) is not None


def bury_numbers(card_numbers: Collection[str], *, now: datetime) -> None:
    """Note that whoever had these numbers is erased. Of their rows in the register this one is all that stays."""
    for card_number in card_numbers:
        tokens = vault.tokens(purpose=CARD_NUMBER, text=card_number)
        issued = update(IssuedNumber).where(IssuedNumber.token.in_(tokens.values())).values(gone_at=now)
        if db.session.execute(issued.returning(IssuedNumber.token)).first() is None:
            db.session.add(IssuedNumber(token=tokens[vault.key_id], key_id=vault.key_id, gone_at=now))


def check_reserved(*, library_id: str, card_number: str) -> str:
    """Return a number as printed, of a card that a library gives out of its own series.

    Raises NotACardNumber, NumberNotReserved or NumberWasIssued.
    """
    number = parse_card_number(card_number)
    if not is_reserved_by(library_id=library_id, card_number=number):
        raise NumberNotReserved
    tokens = vault.tokens(purpose=CARD_NUMBER, text=number).values()
    if db.session.scalar(select(IssuedNumber.token).where(IssuedNumber.token.in_(tokens))):
        raise NumberWasIssued
    return number


def list_series(*, library_id: str) -> list[ReservedSeries]:
    """Return what a library reserved, newest first.

    Numbers of cards that were replaced or deleted are not counted as in use; they are known by their tokens alone.
    """
    # Reserved numbers have nine digits each, so that they sort as they are written.
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
    tokens = vault.tokens(purpose=CARD_NUMBER, text=card_number).values()
    found = select(IssuedNumber.gone_at).where(IssuedNumber.token.in_(tokens))
    return db.session.scalar(found) is not None
