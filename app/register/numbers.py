"""Card numbers: none is issued twice, ever.

The register remembers each as a keyed token. Numbers that libraries reserve and numbers that are drawn come from
halves of their own, so they never meet.
"""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from app.register.tables import IssuedNumber, NumberSeries
from app.register.transaction import db
from app.register.vault import vault
from app.rules.errors import RuleBroken

CARD_NUMBER = "card number"
MOST_RESERVED = 100_000
_DRAWN_BELOW = 500_000_000
_ALL_BELOW = 1_000_000_000
_SPARE_DRAWS = 20


class NumberWasIssued(RuleBroken):
    """The number was given to somebody before."""

    code = "number-was-issued"


class NoNumbersLeft(RuleBroken):
    """There are not that many numbers left to reserve, or more were asked for than one may reserve at a time."""

    code = "no-numbers-left"


@dataclass(frozen=True, slots=True)
class Series:
    """Card numbers from `first` to `last`, both included."""

    first: str
    last: str


def note_number(card_number: str) -> str:
    """Note that a number is issued, and return it. Raises NumberWasIssued."""
    tokens = vault.tokens(purpose=CARD_NUMBER, text=card_number)
    if db.session.scalar(select(IssuedNumber.token).where(IssuedNumber.token.in_(tokens.values()))):
        raise NumberWasIssued
    try:
        with db.session.begin_nested():
            db.session.add(IssuedNumber(token=tokens[vault.key_id], key_id=vault.key_id))
    except IntegrityError:
        raise NumberWasIssued from None
    return card_number


def draw_number() -> str:
    """Draw a number that was never issued. It is random, so that none tells when its neighbour came."""
    for spare in reversed(range(_SPARE_DRAWS)):
        try:
            return note_number(f"N{secrets.randbelow(_DRAWN_BELOW):09d}")
        except NumberWasIssued:
            if not spare:
                raise
    raise AssertionError("unreachable")


def reserve_series(*, library_id: str, count: int, now: datetime) -> Series:
    """Reserve the next `count` numbers for a library to issue by itself. Raises NoNumbersLeft."""
    for spare in reversed(range(_SPARE_DRAWS)):
        first = (db.session.scalar(select(func.max(NumberSeries.last))) or _DRAWN_BELOW - 1) + 1
        last = first + count - 1
        if not 1 <= count <= MOST_RESERVED or last >= _ALL_BELOW:
            raise NoNumbersLeft
        try:
            with db.session.begin_nested():
                db.session.add(NumberSeries(library_id=library_id, first=first, last=last, reserved_at=now))
        except IntegrityError:
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


def is_gone(card_number: str) -> bool:
    """Tell whether the number was that of somebody who was erased."""
    tokens = vault.tokens(purpose=CARD_NUMBER, text=card_number).values()
    found = select(IssuedNumber.gone_at).where(IssuedNumber.token.in_(tokens))
    return db.session.scalar(found) is not None
