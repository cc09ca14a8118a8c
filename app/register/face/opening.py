"""Opening hours of libraries and of their branches: weeks that are valid from a day, and exceptions.

Without `branch_id` they are the library's own. Those alone are told to its loans system, which knows no branches.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import select

from app.register.face.facts import find_branch, lock_library
from app.register.store.transaction import db
from app.register.tables.library import BranchException, BranchWeek, Library, OpeningException, OpeningWeek
from app.rules.errors import RuleBroken
from app.rules.library.face import ChangedMeanwhile, version_of
from app.rules.library.opening import (
    Exceptional,
    OpeningHours,
    Week,
    WeekFrom,
    read_day,
    read_week,
    write_day,
    write_week,
)

MOST_EXCEPTIONS: Final = 100
MOST_DAYS: Final = 366
_HOME: Final = ZoneInfo("Europe/Oslo")


class HoursInPast(RuleBroken):
    """Hours are set from today on: what was lent by the former ones keeps its due date."""


class NeverOpen(RuleBroken):
    """A week has no hours at all. A library that is closed for a time has an exception."""


class BadDays(RuleBroken):
    """An exception ends before it begins, begins before today, or is longer than MOST_DAYS."""


class ExceptionsOverlap(RuleBroken):
    """Another exception of the same kind is about one of these days."""


class TooManyExceptions(RuleBroken):
    """The library has MOST_EXCEPTIONS."""


class NoSuchHours(RuleBroken):
    """They are not there any more."""


@dataclass(frozen=True, slots=True)
class KnownException:
    """An exception and the number that names it."""

    id: int
    about: Exceptional


def read_zone(*, library_id: str) -> ZoneInfo:
    """Return a library's time zone; Norway's where none is known."""
    return _zone(db.session.scalar(select(Library.time_zone).where(Library.id == library_id)))


def _zone(name: str | None) -> ZoneInfo:
    try:
        return ZoneInfo(name or _HOME.key)
    except (ZoneInfoNotFoundError, ValueError):
        return _HOME


def read_hours(*, library_id: str, branch_id: int | None = None) -> OpeningHours:
    """Return the hours of a library, or of a branch; without weeks where none are entered."""
    weeks, _exceptions, its = _kept(library_id, branch_id)
    return OpeningHours(
        zone=read_zone(library_id=library_id),
        weeks=_in_order(db.session.scalars(select(weeks).filter_by(**its))),
        exceptions=tuple(known.about for known in list_exceptions(library_id=library_id, branch_id=branch_id)),
    )


def read_hours_of(*, library_ids: Sequence[str]) -> Mapping[str, OpeningHours]:
    """Return the hours of each of these libraries by its id."""
    weeks, exceptions = defaultdict[str, list[OpeningWeek]](list), defaultdict[str, list[Exceptional]](list)
    for week in db.session.scalars(select(OpeningWeek).where(OpeningWeek.library_id.in_(library_ids))):
        weeks[week.library_id].append(week)
    for row in db.session.scalars(select(OpeningException).where(OpeningException.library_id.in_(library_ids))):
        exceptions[row.library_id].append(_exceptional(row))
    zones = db.session.execute(select(Library.id, Library.time_zone).where(Library.id.in_(library_ids)))
    return {id_: OpeningHours(_zone(zone), _in_order(weeks[id_]), tuple(exceptions[id_])) for id_, zone in zones}


def read_branch_hours(*, library_id: str) -> Mapping[int, OpeningHours]:
    """Return the hours of each branch that has some, by the branch's number."""
    weeks, exceptions = defaultdict[int, list[BranchWeek]](list), defaultdict[int, list[Exceptional]](list)
    for week in db.session.scalars(select(BranchWeek).where(BranchWeek.library_id == library_id)):
        weeks[week.branch_id].append(week)
    for row in db.session.scalars(select(BranchException).where(BranchException.library_id == library_id)):
        exceptions[row.branch_id].append(_exceptional(row))
    zone = read_zone(library_id=library_id)
    return {id_: OpeningHours(zone, _in_order(rows), tuple(exceptions[id_])) for id_, rows in weeks.items()}


def list_exceptions(
    *, library_id: str, branch_id: int | None = None, since: date | None = None
) -> Sequence[KnownException]:
    """Return exceptions, those of every year first, by day; with `since` without those that end before."""
    _weeks, exceptions, its = _kept(library_id, branch_id)
    known = [
        KnownException(row.id, _exceptional(row)) for row in db.session.scalars(select(exceptions).filter_by(**its))
    ]
    if since is not None:
        known = [one for one in known if _is_ahead(one.about, since)]
    return sorted(
        known,
        key=lambda one: (
            not one.about.yearly,
            (one.about.first.month, one.about.first.day) if one.about.yearly else one.about.first.timetuple()[:3],
            one.id,
        ),
    )


def set_week(
    *,
    library_id: str,
    branch_id: int | None = None,
    since: date,
    days: Week,
    shown: str,
    today: date,
    now: datetime,
    is_seed: bool = False,
) -> None:
    """Make a week valid from a day on, in place of one from the same day.

    `shown` is the version of the weeks that were shown (`version_of`), `today` the library's day. Raises HoursInPast,
    NeverOpen, NoSuchBranch and ChangedMeanwhile. `is_seed`: the library's system has these hours already.
    """
    if since < today and not is_seed:
        raise HoursInPast
    if not any(days):
        raise NeverOpen
    library = lock_place(library_id, branch_id)
    if version_of(tuple(read_hours(library_id=library_id, branch_id=branch_id).weeks)) != shown:
        raise ChangedMeanwhile
    weeks, _exceptions, its = _kept(library_id, branch_id)
    db.session.merge(weeks(**its, valid_from=since, days=write_week(days)))
    if not is_seed:
        _count_change(library, branch_id, now)


def withdraw_week(*, library_id: str, branch_id: int | None = None, since: date, today: date, now: datetime) -> None:
    """Take back a week whose day has not come. Raises NoSuchHours, NoSuchBranch and HoursInPast."""
    if since <= today:
        raise HoursInPast
    library = lock_place(library_id, branch_id)
    weeks, _exceptions, its = _kept(library_id, branch_id)
    row = db.session.scalar(select(weeks).filter_by(**its, valid_from=since))
    if row is None:
        raise NoSuchHours
    db.session.delete(row)
    _count_change(library, branch_id, now)


def add_exception(
    *,
    library_id: str,
    branch_id: int | None = None,
    about: Exceptional,
    today: date,
    now: datetime,
    is_seed: bool = False,
) -> None:
    """Add an exception. Raises BadDays, ExceptionsOverlap, TooManyExceptions and NoSuchBranch. `is_seed` as for
    `set_week`.
    """
    if about.last < about.first or (about.last - about.first).days >= MOST_DAYS:
        raise BadDays
    if about.first < today and not about.yearly:
        raise BadDays
    library = lock_place(library_id, branch_id)
    others = [known.about for known in list_exceptions(library_id=library_id, branch_id=branch_id, since=today)]
    if len(others) >= MOST_EXCEPTIONS:
        raise TooManyExceptions
    if any(_overlap(about, other) for other in others if other.yearly is about.yearly):
        raise ExceptionsOverlap
    _weeks, exceptions, its = _kept(library_id, branch_id)
    db.session.add(exceptions(**its, **columns_of(about)))
    if not is_seed:
        _count_change(library, branch_id, now)


def remove_exception(
    *, library_id: str, branch_id: int | None = None, exception_id: int, today: date, now: datetime
) -> Exceptional:
    """Take an exception away and return it as it was. Of one that has begun, the days before today stay, since fees
    were counted by them. Raises NoSuchHours and NoSuchBranch.
    """
    library = lock_place(library_id, branch_id)
    _weeks, exceptions, its = _kept(library_id, branch_id)
    row = db.session.scalar(select(exceptions).filter_by(**its, id=exception_id))
    if row is None or not _is_ahead(_exceptional(row), today):
        raise NoSuchHours
    former = _exceptional(row)
    if row.yearly or row.first_day >= today:
        db.session.delete(row)
    else:
        row.last_day = today - timedelta(days=1)
    _count_change(library, branch_id, now)
    return former


def lock_place(library_id: str, branch_id: int | None) -> Library:
    """Return a library, locked until the transaction ends. Raises NoSuchBranch where it has no such branch."""
    library = lock_library(library_id)
    if branch_id is not None:
        find_branch(library_id=library_id, branch_id=branch_id)
    return library


def _kept(library_id: str, branch_id: int | None) -> tuple[Any, Any, dict[str, Any]]:
    """Return the tables in which hours are kept, and the columns that say whose they are."""
    if branch_id is None:
        return OpeningWeek, OpeningException, {"library_id": library_id}
    return BranchWeek, BranchException, {"library_id": library_id, "branch_id": branch_id}


def _count_change(library: Library, branch_id: int | None, now: datetime) -> None:
    if branch_id is not None:
        return
    # From the clock, so that a register restored from a backup gives no version that a library's system has already.
    library.hours_version = max(library.hours_version + 1, int(now.timestamp() * 1000))


def _in_order(rows: Iterable[OpeningWeek | BranchWeek]) -> tuple[WeekFrom, ...]:
    found = (WeekFrom(since=row.valid_from, days=read_week(row.days)) for row in rows)
    return tuple(sorted(found, key=lambda week: week.since))


def columns_of(about: Exceptional) -> dict[str, Any]:
    """Return an exception as the columns of its row."""
    return {
        "first_day": about.first,
        "last_day": about.last,
        "yearly": about.yearly,
        "spans": write_day(about.spans),
        "note": about.note,
    }


def _exceptional(row: OpeningException | BranchException) -> Exceptional:
    return Exceptional(
        first=row.first_day, last=row.last_day, yearly=row.yearly, spans=read_day(row.spans), note=row.note
    )


def _is_ahead(about: Exceptional, today: date) -> bool:
    return about.yearly or about.last >= today


def _overlap(one: Exceptional, other: Exceptional) -> bool:
    if not one.yearly:
        return one.first <= other.last and other.first <= one.last
    return other.includes(one.first) or one.includes(other.first)
