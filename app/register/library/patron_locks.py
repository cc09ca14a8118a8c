"""Locking the patron whom a library's system changes, and how often it may."""

from typing import Final

from sqlalchemy import select

from app.register.patron.card_status import status_of
from app.register.patron.numbers import PatronGone, is_gone
from app.register.patron.patrons import NoSuchPatron, NotJoined
from app.register.store.transaction import db
from app.register.tables.patrons import Affiliation, Patron
from app.rules.card.number import parse_card_number
from app.rules.errors import RuleBroken
from app.rules.pins.pin import Budget

ACTS: Final = Budget("library acts", limit=5000, seconds=3600)
"""Limited as fetches are: an act shows whether anybody has a card number."""
ACTIVATIONS: Final = Budget("library activations", limit=600, seconds=3600)
"""A library that a patron has joined gets all their data: this limits a stolen login."""
DEATHS: Final = Budget("library deaths", limit=100, seconds=24 * 3600)
ERASURES: Final = Budget("library erasures", limit=50, seconds=24 * 3600)
"""An erasure cannot be undone: this limits a stolen login."""


class NotTheirHome(RuleBroken):
    """The library is not the patron's home library, which alone may erase them on their behalf."""

    code = "not-home-library"


def lock_known(*, card_number: str, library_id: str) -> Patron:
    """Return the patron with this card number, locked until the transaction ends.

    Raises NotACardNumber, PatronGone, or NoSuchPatron, of a card that only another library takes too.
    """
    number = parse_card_number(card_number)
    locked = select(Patron).where(Patron.card_number == number).with_for_update(key_share=True)
    patron = db.session.scalars(locked.execution_options(populate_existing=True)).one_or_none()
    if patron is None:
        raise PatronGone if is_gone(number) else NoSuchPatron
    if not status_of(patron).is_taken_at(library_id):
        raise NoSuchPatron
    return patron


def lock_member(*, card_number: str, library_id: str) -> Patron:
    """Return a patron as `lock_known` does, who has joined the library. Raises NotJoined or CardRefused too."""
    patron = lock_known(card_number=card_number, library_id=library_id)
    if db.session.get(Affiliation, (patron.id, library_id)) is None:
        raise NotJoined
    status_of(patron).check_not_at_rest()
    return patron


def lock_newcomer(*, card_number: str, library_id: str) -> Patron:
    """Return a patron as `lock_known` does, whose card may be activated. Raises CardRefused too."""
    patron = lock_known(card_number=card_number, library_id=library_id)
    status_of(patron).check_in_use()
    return patron


def lock_at_home(*, card_number: str, library_id: str) -> Patron:
    """Return a patron as `lock_member` does, whose home library this is. Raises NotTheirHome too."""
    patron = lock_member(card_number=card_number, library_id=library_id)
    if patron.home_library_id != library_id:
        raise NotTheirHome
    return patron
