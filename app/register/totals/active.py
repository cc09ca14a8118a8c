"""How many cards are in use at each library, once a month and in full tens."""

from datetime import date, datetime
from typing import Final

from sqlalchemy import Date, bindparam, func, select, text

from app.register.store.transaction import db, writing
from app.register.tables.library import LibraryTotal
from app.register.tables.patrons import Affiliation
from app.rules.library.figures import Kind
from app.rules.people.ages import day_in_norway

_ROUNDED_TO: Final = 10
# Where two do it at once, the first one counts.
_NOTE: Final = text(f"""
    INSERT INTO library_totals (library_id, day, kind, part, total)
    VALUES (:library_id, :day, '{Kind.ACTIVE.value}', '', :total) ON CONFLICT (library_id, day, kind, part) DO NOTHING
""").bindparams(bindparam("day", type_=Date()))  # noqa: S608 - a constant


@writing()
def note_active(*, now: datetime) -> None:
    """Note how many cards were used at each library in the twelve months before this one, if that is not noted yet.

    In full tens, so that who compares two months does not learn that somebody has left.
    """
    first = day_in_norway(now).replace(day=1)
    noted = select(LibraryTotal.library_id).where(LibraryTotal.day == first, LibraryTotal.kind == Kind.ACTIVE.value)
    if db.session.scalar(noted.limit(1)) is not None:
        return
    used = Affiliation.last_used_month >= first.replace(year=first.year - 1)
    rows = db.session.execute(select(Affiliation.library_id, func.count()).where(used).group_by(Affiliation.library_id))
    found = [{"library_id": each, "day": first, "total": used // _ROUNDED_TO * _ROUNDED_TO} for each, used in rows]
    if found:
        db.session.connection().execute(_NOTE, found)


def read_active(*, library_id: str, year: int) -> dict[date, int]:
    """Return how many cards were in use, in full tens, on the first days of this year's months and of the next year."""
    rows = db.session.execute(
        select(LibraryTotal.day, LibraryTotal.total)
        .where(
            LibraryTotal.library_id == library_id,
            LibraryTotal.kind == Kind.ACTIVE.value,
            LibraryTotal.day.between(date(year, 1, 1), date(year + 1, 1, 1)),
        )
        .order_by(LibraryTotal.day)
    )
    return {row.day: row.total for row in rows}
