"""A branch's hours as a whole: those of its library, copied, or none of its own any more."""

from datetime import date

from sqlalchemy import delete

from app.register.face.opening import (
    NoSuchHours,
    columns_of,
    list_exceptions,
    lock_place,
    read_hours,
)
from app.register.store.transaction import db
from app.register.tables.library import BranchException, BranchWeek
from app.rules.library.face import ChangedMeanwhile, version_of
from app.rules.library.opening import week_on, write_week


def copy_hours(*, library_id: str, branch_id: int, shown: str, today: date) -> None:
    """Give a branch the library's own hours of today and later, exceptions included, in place of all that it has.

    `shown` is the version of the branch's weeks that were shown. They are two from then on. Raises NoSuchHours where
    the library has none, NoSuchBranch and ChangedMeanwhile.
    """
    _lock_as_shown(library_id, branch_id, shown)
    hours = read_hours(library_id=library_id)
    valid = week_on(hours, today)
    coming = [(max(week.since, today), week) for week in hours.weeks if week is valid or week.since > today]
    if not coming:
        raise NoSuchHours
    _delete_all(branch_id)
    its = {"library_id": library_id, "branch_id": branch_id}
    db.session.add_all(BranchWeek(**its, valid_from=since, days=write_week(week.days)) for since, week in coming)
    ahead = (known.about for known in list_exceptions(library_id=library_id, since=today))
    db.session.add_all(BranchException(**its, **columns_of(about)) for about in ahead)


def remove_hours(*, library_id: str, branch_id: int, shown: str) -> None:
    """Take all hours of a branch away, exceptions included, so that it has none, as before any were set.

    `shown` as for `copy_hours`. Raises NoSuchBranch and ChangedMeanwhile.
    """
    _lock_as_shown(library_id, branch_id, shown)
    _delete_all(branch_id)


def _lock_as_shown(library_id: str, branch_id: int, shown: str) -> None:
    lock_place(library_id, branch_id)
    if version_of(tuple(read_hours(library_id=library_id, branch_id=branch_id).weeks)) != shown:
        raise ChangedMeanwhile


def _delete_all(branch_id: int) -> None:
    for table in (BranchWeek, BranchException):
        db.session.execute(delete(table).where(table.branch_id == branch_id))
