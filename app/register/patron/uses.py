"""That a card is used: a deletion that was planned for lack of use is off."""

from collections.abc import Iterable
from datetime import date, datetime

from sqlalchemy import Date, Update, case, literal, or_, update

from app.register.patron.card_status import IS_INACTIVE, erasure_called_off
from app.register.store.transaction import autonomous
from app.register.tables.patrons import Patron
from app.rules.people.ages import day_in_norway


def note_use(*, patron_id: int, now: datetime) -> None:
    """Note that a patron uses the card today, committed at once; a deletion that was planned for lack of use is off."""
    with autonomous() as connection:
        connection.execute(used_on([patron_id], day=day_in_norway(now)))


def used_on(patron_ids: Iterable[int], *, day: date) -> Update:
    """Return the statement that notes a use of these patrons' cards on a day; it calls a planned deletion off."""
    return (
        update(Patron)
        .where(Patron.id.in_(patron_ids), or_(Patron.last_used_on < day, IS_INACTIVE))
        .values(
            last_used_on=case((Patron.last_used_on < day, literal(day, Date())), else_=Patron.last_used_on),
            **erasure_called_off(),
        )
        .execution_options(synchronize_session=False)
    )
