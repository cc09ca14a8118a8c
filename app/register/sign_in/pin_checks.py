"""Checking a PIN for a kiosk or a library's system, without signing anybody in.

Each kind of machine of a library (kiosk, door in unstaffed hours, supplier, system) has budgets of its own: a stolen
login guesses few PINs, and uses up no other machine's tries (docs/adr/0003). About patrons who neither joined the
library nor are there it learns nothing (docs/adr/0016).
"""

from datetime import datetime

from sqlalchemy import Connection, select

from app.register.limits.budgets import FirstOf
from app.register.log.access_log import Viewer, log_access
from app.register.patron.card_status import COLUMNS, status_of
from app.register.patron.patrons import used_at
from app.register.patron.presence import PIN_CHECK, has_joined, is_present
from app.register.sign_in.pins import Origin, SignInRefused, sign_in
from app.register.store.transaction import autonomous
from app.register.tables.patrons import Patron
from app.rules.card.number import NotACardNumber, parse_card_number
from app.rules.card.status import State
from app.rules.people.ages import day_in_norway
from app.rules.pins.pin import MACHINE_OWN, MACHINE_SLOW, MACHINE_SPARE

_FIELDS = "PIN"


def check_pin(*, card_number: str, pin: str, viewer: Viewer, library_id: str, now: datetime, door: str = "") -> bool:
    """Tell whether card number and PIN belong together, of a patron who has joined this library or is there now.

    `door` is the kind of door where that is not the kind of machine. Only failures use up tries. An unknown number, a
    patron of other libraries, a card that is blocked, frozen or another library's, and a wrong PIN are all False, after
    the same work. A right answer is logged before it is given. Raises TooManyAttempts or AccessNotLogged.
    """
    return _check(card_number, pin, viewer, of_anybody=False, library_id=library_id, now=now, door=door or viewer.role)


def enter_pin(*, card_number: str, pin: str, viewer: Viewer, library_id: str, now: datetime) -> bool:
    """Check the PIN of any patron, who joins this library by it and then gets a message. Else as `check_pin`."""
    return _check(card_number, pin, viewer, of_anybody=True, library_id=library_id, now=now, door=viewer.role)


def _check(
    card_number: str, pin: str, viewer: Viewer, *, of_anybody: bool, library_id: str, now: datetime, door: str
) -> bool:
    # Queried whatever the PIN is, so that the time it takes reveals nothing.
    with autonomous() as connection:
        answers = _answers(connection, card_number, of_anybody=of_anybody, library_id=library_id, now=now)
    origin = _origin(door=door, library_id=library_id)
    try:
        patron_id = sign_in(card_number=card_number, pin=pin, origin=origin, answers=answers, now=now)
    except SignInRefused:
        return False
    with autonomous() as connection:
        connection.execute(used_at([patron_id], library_id=library_id, day=day_in_norway(now)))
    log_access(patron_id=patron_id, viewer=viewer, purpose=PIN_CHECK, fields=_FIELDS, now=now)
    return True


def _origin(*, door: str, library_id: str) -> Origin:
    at_door = f"{door} {library_id}"
    ways = ((MACHINE_OWN, at_door), (MACHINE_SPARE, library_id), (MACHINE_SLOW, at_door))
    return Origin(door=at_door, tries=[FirstOf(tuple((way,) for way in ways))])


def _answers(connection: Connection, card_number: str, *, of_anybody: bool, library_id: str, now: datetime) -> bool:
    # Whether this library may check the PIN of the card.
    try:
        number = parse_card_number(card_number)
    except NotACardNumber:
        number = ""
    known = has_joined(library_id) | is_present(library_id, now=now)
    found = select(*COLUMNS, known.label("is_known")).where(Patron.card_number == number)
    row = connection.execute(found).first()
    if row is None or not (row.is_known or of_anybody):
        return False
    return status_of(row).at(library_id) is State.ACTIVE
