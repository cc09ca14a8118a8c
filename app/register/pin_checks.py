"""Checking a PIN for a kiosk or a library's system, which signs nobody in by it.

The engine and budgets are those of every sign-in. A machine has tries of its own beside those, and so has its library:
whoever steals a login learns next to nothing by guessing (docs/adr/0003).
"""

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select

from app.register.access_log import Looker, write_down
from app.register.budgets import Try, give_back_tries, take_tries
from app.register.fetching import state_of
from app.register.pins import Origin, SignInRefused, sign_in
from app.register.tables import Patron
from app.register.transaction import direct_connection
from app.rules.card_number import NotACardNumber, parse_card_number
from app.rules.pin import Budget

LIBRARY_SOON: Final = Budget("PIN checks soon", limit=150, seconds=15 * 60)
LIBRARY_DAY: Final = Budget("PIN checks day", limit=1000, seconds=24 * 3600)
PURPOSE: Final = "pin-check"
_FIELDS = "PIN"


def check_pin(*, card_number: str, pin: str, looker: Looker, library_id: str, now: datetime) -> bool:
    """Tell whether card number and PIN belong together and the card may be used at this library.

    Only failures use up tries. A number nobody has, a card that is blocked, frozen or another library's, and a wrong
    PIN are all False. A right answer is in the access log before it is given. Raises TooManyAttempts or NotWrittenDown.
    """
    # Looked for whatever the PIN is, so that the time that passes tells nothing.
    with direct_connection() as connection:
        usable = _may_be_used(connection, card_number=card_number, library_id=library_id)
    tries: list[Try] = [(LIBRARY_SOON, library_id), (LIBRARY_DAY, library_id)]
    take_tries(tries=tries, now=now)
    try:
        patron_id = sign_in(card_number=card_number, pin=pin, origin=Origin(address=f"machine {looker.actor}"), now=now)
    except SignInRefused:
        return False
    give_back_tries(tries=tries)
    if usable:
        write_down(patron_id=patron_id, looker=looker, purpose=PURPOSE, fields=_FIELDS, now=now)
    return usable


def _may_be_used(connection: Connection, *, card_number: str, library_id: str) -> bool:
    try:
        number = parse_card_number(card_number)
    except NotACardNumber:
        number = ""
    row = connection.execute(
        select(Patron.card_state, Patron.frozen_at, Patron.erase_reason, Patron.local_to).where(
            Patron.card_number == number
        )
    ).first()
    if row is None or row.local_to not in (None, library_id):
        return False
    state = state_of(card_state=row.card_state, frozen_at=row.frozen_at, erase_reason=row.erase_reason)
    return state == "active"
