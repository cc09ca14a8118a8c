"""Recording that a card is used, which calls off a planned deletion for lack of use."""

from collections.abc import Iterable
from datetime import date, datetime

from sqlalchemy import Date, Update, case, literal, or_, update

from app.register.patron.card_status import IS_INACTIVE, erasure_called_off
from app.register.store.transaction import autonomous
from app.register.tables.patrons import Patron
from app.rules.people.ages import day_in_norway


def note_use(*, patron_id: int, now: datetime) -> None:
    """Record and commit that a patron uses the card today; a deletion planned for lack of use is called off."""
    with autonomous() as connection:
        connection.execute(used_on([patron_id], day=day_in_norway(now)))


def used_on(patron_ids: Iterable[int], *, day: date) -> Update:
    """Return the statement that records a use of these patrons' cards on a day, and calls planned deletions off."""
    return (
        update(Patron)
        .where(Patron.id.in_(patron_ids), or_(Patron.last_used_on < day, IS_INACTIVE))
        .values(
            last_used_on=case((Patron.last_used_on < day, literal(day, Date())), else_=Patron.last_used_on),
            **erasure_called_off(),
        )
        .execution_options(synchronize_session=False)
    )
