"""The holder of a card, for a library's own rules: age, status, and whether the card is activated there."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from app.register.patron.card_status import COLUMNS, status_of
from app.register.store.transaction import db, reading
from app.register.tables.patrons import Affiliation, Patron
from app.rules.card.status import CardStatus
from app.rules.people.ages import age_on, day_in_norway


@dataclass(frozen=True, slots=True)
class Holder:
    """The holder of a card. `age` is in years."""

    age: int
    activated_here: bool
    status: CardStatus


def get_holder(*, card_number: str, library_id: str, now: datetime) -> Holder | None:
    """Return the holder of a card number, or None. The result is for the library alone."""
    with reading():
        row = db.session.execute(
            select(Patron.birth_date, Affiliation.library_id, *COLUMNS)
            .outerjoin(Affiliation, (Affiliation.patron_id == Patron.id) & (Affiliation.library_id == library_id))
            .where(Patron.card_number == card_number)
        ).first()
    if row is None:
        return None
    age = age_on(birth_date=row.birth_date, day=day_in_norway(now))
    return Holder(age, row.library_id is not None, status_of(row))
