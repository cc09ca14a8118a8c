"""A library's totals, added up for whole months."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date

from sqlalchemy import func, select

from app.register.store.transaction import db
from app.register.tables.library import LibraryTotal
from app.rules.library.figures import PARTS, Kind

Months = Mapping[int, Mapping[str, int]]
"""By the month's number, 1 to 12: how many of each part."""


def read_year(*, library_id: str, year: int) -> Mapping[Kind, Months]:
    """Return what was counted at a library in each month of a year. Every part of a kind is there, if only with 0."""
    counted = {kind: {month: dict.fromkeys(PARTS[kind], 0) for month in range(1, 13)} for kind in Kind}
    for day, kind, part, total in _rows(library_id, date(year, 1, 1), date(year, 12, 31)):
        # A newer program beside this one may count what this one does not know.
        if kind in list(Kind) and part in PARTS[Kind(kind)]:
            counted[Kind(kind)][day.month][part] += total
    return counted


def read_days(*, library_id: str, year: int) -> Mapping[Kind, Mapping[date, int]]:
    """Return how many of each kind were counted at a library on each day of a year, as far as there were any."""
    counted: dict[Kind, Counter[date]] = {kind: Counter() for kind in Kind}
    for day, kind, part, total in _rows(library_id, date(year, 1, 1), date(year, 12, 31)):
        if kind in list(Kind) and part in PARTS[Kind(kind)]:
            counted[Kind(kind)][day] += total
    return counted


def read_hours(*, library_id: str, month: date) -> Mapping[tuple[int, str], int]:
    """Return how many cards were shown in a month by weekday (Monday is 0) and hour, as far as there were any."""
    last = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    counted: Counter[tuple[int, str]] = Counter()
    for day, kind, part, total in _rows(library_id, month, last):
        if kind == Kind.HOUR.value and day < last:
            counted[day.weekday(), part] += total
    return counted


def first_year(*, library_id: str) -> int | None:
    """Return the year of the oldest total; None where nothing is counted yet."""
    oldest = db.session.scalar(select(func.min(LibraryTotal.day)).where(LibraryTotal.library_id == library_id))
    return oldest.year if oldest is not None else None


def _rows(library_id: str, first: date, last: date) -> Iterable[tuple[date, str, str, int]]:
    total = LibraryTotal
    found = select(total.day, total.kind, total.part, total.total)
    rows = db.session.execute(found.where(total.library_id == library_id, total.day.between(first, last)))
    return [(day, kind, part, number) for day, kind, part, number in rows]
