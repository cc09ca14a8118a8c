"""Checking a PIN for a kiosk or a library's system, which signs nobody in by it.

The engine is that of every sign-in. A machine has tries of its own, and so has its library: whoever steals a login
learns next to nothing by guessing (docs/adr/0003). Of patrons who neither joined the library nor are there it learns
nothing at all (docs/adr/0016).
"""

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select

from app.register.access_log import Looker, write_down
from app.register.budgets import Try, give_back_tries, take_tries
from app.register.fetching import state_of
from app.register.pins import Origin, SignInRefused, sign_in
from app.register.presence import PIN_CHECK, has_joined, is_there
from app.register.tables import Patron
from app.register.transaction import direct_connection
from app.rules.card_number import NotACardNumber, parse_card_number
from app.rules.pin import Budget

LIBRARY_SOON: Final = Budget("PIN checks soon", limit=150, seconds=15 * 60)
LIBRARY_DAY: Final = Budget("PIN checks day", limit=1000, seconds=24 * 3600)
_FIELDS = "PIN"


def check_pin(*, card_number: str, pin: str, looker: Looker, library_id: str, now: datetime) -> bool:
    """Tell whether card number and PIN belong together, of a patron who has joined this library or is there now.

    Only failures use up tries. A number nobody has, a patron of other libraries, a card that is blocked, frozen or
    another library's, and a wrong PIN are all False, after the same work: only the PIN of who may be asked about is
    held against a verifier. A right answer is in the access log before it is given. Raises TooManyAttempts or
    NotWrittenDown.
    """
    return _check(card_number, pin, of_anybody=False, looker=looker, library_id=library_id, now=now)


def enter_pin(*, card_number: str, pin: str, looker: Looker, library_id: str, now: datetime) -> bool:
    """Do as `check_pin` does of anybody, to join this library: then the patron is told, whose PIN it was."""
    return _check(card_number, pin, of_anybody=True, looker=looker, library_id=library_id, now=now)


def _check(card_number: str, pin: str, *, of_anybody: bool, looker: Looker, library_id: str, now: datetime) -> bool:
    # Looked for whatever the PIN is, so that the time that passes tells nothing.
    with direct_connection() as connection:
        answers = _answers(connection, card_number, of_anybody=of_anybody, library_id=library_id, now=now)
    tries: list[Try] = [(LIBRARY_SOON, library_id), (LIBRARY_DAY, library_id)]
    take_tries(tries=tries, now=now)
    origin = Origin(address=f"machine {looker.actor}")
    try:
        patron_id = sign_in(card_number=card_number, pin=pin, origin=origin, answers=answers, now=now)
    except SignInRefused:
        return False
    give_back_tries(tries=tries)
    write_down(patron_id=patron_id, looker=looker, purpose=PIN_CHECK, fields=_FIELDS, now=now)
    return True


def _answers(connection: Connection, card_number: str, *, of_anybody: bool, library_id: str, now: datetime) -> bool:
    """Tell whether this library may ask about the PIN of a card."""
    try:
        number = parse_card_number(card_number)
    except NotACardNumber:
        number = ""
    known = has_joined(library_id) | is_there(library_id, now=now)
    row = connection.execute(
        select(
            Patron.card_state, Patron.frozen_at, Patron.erase_reason, Patron.local_to, known.label("is_known")
        ).where(Patron.card_number == number)
    ).first()
    if row is None or row.local_to not in (None, library_id) or not (row.is_known or of_anybody):
        return False
    state = state_of(card_state=row.card_state, frozen_at=row.frozen_at, erase_reason=row.erase_reason)
    return state == "active"
