"""Patrons of a library of whom a consent or a look at papers is missing: a list for its desk to work through."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import and_, exists, or_, select

from app.register.log.access_log import Viewer, log_list_access
from app.register.store.transaction import autonomous
from app.register.tables.library import Library
from app.register.tables.patrons import Affiliation, Patron
from app.rules.people.ages import born_at_latest, day_in_norway

PURPOSE: Final = "missing papers"
PAGE: Final = 20


@dataclass(frozen=True, slots=True)
class Missing:
    """A patron, and what is missing of them. `card_number` is for looking them up when they come."""

    patron_id: int
    name: str
    card_number: str
    birth_date: date
    papers: bool
    consent: bool


def list_missing(*, library_id: str, viewer: Viewer, after: int, now: datetime) -> tuple[Sequence[Missing], int | None]:
    """Log the access, and return the next twenty after the patron `after`, and after whom to go on if there are more.

    Of those whose home library it is: nobody has seen papers of who registered online; and of those who joined it and
    are too young there to decide alone, a guardian's consent is not noted.
    """
    with autonomous() as connection:
        consent_age = connection.execute(select(Library.consent_age).where(Library.id == library_id)).scalar_one()
        youngest = born_at_latest(age=consent_age, day=day_in_norway(now))
        joined = exists().where(Affiliation.patron_id == Patron.id, Affiliation.library_id == library_id)
        no_papers = Patron.stated_at.is_not(None)
        no_consent = and_(Patron.birth_date > youngest, Patron.guardian_consent_at.is_(None), joined)
        columns = (Patron.id, Patron.name, Patron.card_number, Patron.birth_date)
        found = (
            select(*columns, no_papers.label("papers"), no_consent.label("consent"))
            .where(Patron.home_library_id == library_id, Patron.id > after, or_(no_papers, no_consent))
            .where(Patron.erase_at.is_(None))
            .order_by(Patron.id)
            .limit(PAGE + 1)
        )
        rows = connection.execute(found).all()
    ids = [row.id for row in rows[:PAGE]]
    fields = "name, birth date, card number"
    shown = log_list_access(patron_ids=ids, viewer=viewer, purpose=PURPOSE, fields=fields, now=now)
    missing = [Missing(*row) for row in rows[:PAGE] if row.id in shown]
    return missing, ids[-1] if len(rows) > PAGE else None
