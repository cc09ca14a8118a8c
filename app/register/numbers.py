"""Card numbers: none is issued twice, ever."""

import secrets

from sqlalchemy.exc import IntegrityError

from app.register.tables import IssuedNumber
from app.register.transaction import db

_SPARE_DRAWS = 20


def note_number(card_number: str) -> str:
    """Note that a number is issued, and return it. One that was issued before breaks the primary key on flush."""
    db.session.add(IssuedNumber(card_number=card_number))
    return card_number


def draw_number() -> str:
    """Draw a number that was never issued. It is random, so that none tells when its neighbour came."""
    for spare in reversed(range(_SPARE_DRAWS)):
        number = f"N{secrets.randbelow(10**9):09d}"
        try:
            with db.session.begin_nested():
                return note_number(number)
        except IntegrityError:
            if not spare:
                raise
    raise AssertionError("unreachable")
