"""Which version of its opening hours a library's loans system has."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from app.register.face.facts import lock_library
from app.register.face.opening import read_hours
from app.register.store.transaction import db
from app.register.tables.library import Library
from app.rules.library.opening import ALWAYS, Exceptional, WeekFrom


@dataclass(frozen=True, slots=True)
class HoursToTell:
    """A version of a library's hours for its loans system; weeks that were never set here are left out."""

    version: int
    weeks: Sequence[WeekFrom]
    exceptions: Sequence[Exceptional]


def read_hours_to_tell(*, library_id: str) -> HoursToTell | None:
    """Return what a library's loans system is to have; None where nothing was ever set here."""
    library = db.session.get(Library, library_id, populate_existing=True)
    if library is None or not library.hours_version:
        return None
    hours = read_hours(library_id=library_id)
    weeks = tuple(week for week in hours.weeks if week.since > ALWAYS)
    return HoursToTell(library.hours_version, weeks, hours.exceptions)


def is_told(*, library_id: str) -> bool:
    """Tell whether a library's loans system has its newest hours, as far as it has answered."""
    library = db.session.get(Library, library_id, populate_existing=True)
    return library is not None and library.hours_told >= library.hours_version


def read_told_at(*, library_id: str) -> datetime | None:
    """Return when a library's loans system was last told of its hours (UTC); None where it never was."""
    return db.session.scalar(select(Library.hours_told_at).where(Library.id == library_id))


def list_untold(*, among: Sequence[str], told_before: datetime) -> list[str]:
    """Return which libraries' systems lack the newest hours, or were last told of them before an instant.

    The latter may have been restored from a backup since.
    """
    waits = (Library.hours_told < Library.hours_version) | (Library.hours_told_at < told_before)
    wanted = select(Library.id).where(Library.hours_version > 0, waits, Library.id.in_(among))
    return list(db.session.scalars(wanted.order_by(Library.id)))


def note_told(*, library_id: str, version: int, now: datetime) -> None:
    """Note that a library's system has a version of its hours."""
    library = lock_library(library_id)
    library.hours_told = max(library.hours_told, version)
    library.hours_told_at = now
