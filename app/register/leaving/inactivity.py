"""A card that is not used for three years is deleted: the patron is warned first, and any use calls it off.

A use is signing in, entering the PIN at a library, a scan, or a visit at a desk. A scan does not update the patron's
row, which would be one more write on the hot path: once a day, uses are collected from the day's scans, with the month
of the last one at each library. A frozen card stays, however long (GDPR art. 18).
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Select, exists, null, select, true, tuple_, union_all, update
from sqlalchemy.orm import InstrumentedAttribute

from app.register.messages.outbox import ask_for_message
from app.register.patron.card_status import IS_INACTIVE, erasure_of_inactive, is_at_rest
from app.register.patron.patrons import used_at, used_on
from app.register.store.transaction import db, execute_bulk, writing
from app.register.tables.devices import Credential, PresentedStep
from app.register.tables.messages import Message
from app.register.tables.patrons import DeskVisit, Patron, Session
from app.rules.messages import INACTIVE_WARNING
from app.rules.people.ages import day_in_norway

YEARS: Final = 3
_BATCH: Final = 1000
_NOT_REACHED: Final = timedelta(days=365)
"""After this the deletion no longer waits for a warning that could not be sent or printed."""
_LONGEST_RUN: Final = timedelta(days=2)
"""What was used while the last run went on, it may not have seen."""
_Use = PresentedStep | DeskVisit | Session
_USES = (
    (PresentedStep, PresentedStep.presented_at),
    (DeskVisit, DeskVisit.opened_at),
    (Session, Session.started_at),
)


def gather_uses(*, now: datetime, last_run: datetime | None = None) -> int:
    """Note the day of last use of patrons with scans, visits or sign-ins since the last run. Returns how many.

    `last_run` is when that came to its end; None: everything is read that is kept.
    """
    since = last_run - _LONGEST_RUN if last_run is not None else None
    return sum(_gather(table, at, since=since) for table, at in _USES)


def _gather(table: type[_Use], at: InstrumentedAttribute[datetime], *, since: datetime | None) -> int:
    """Read a table in the order of its key, so that each row is read once however many there are."""
    key = tuple(table.__table__.primary_key)
    new = at > since if since is not None else true()
    # Somebody signs in at no library.
    library = null() if table is Session else table.__table__.columns["library_id"]
    following = (
        select(table.patron_id, at, library, *key).where(table.patron_id.is_not(None), new).order_by(*key).limit(_BATCH)
    )
    gathered: int = 0
    later: ColumnElement[bool] = true()
    while True:
        with writing():
            rows = db.session.execute(following.where(later)).all()
            days: dict[int, date] = {}
            at_libraries: dict[tuple[str, date], set[int]] = {}
            for patron_id, instant, library_id, *_key in rows:
                day = day_in_norway(instant)
                days[patron_id] = max(day, days.get(patron_id, date.min))
                if library_id is not None:
                    at_libraries.setdefault((library_id, day.replace(day=1)), set()).add(patron_id)
            for day in sorted(set(days.values())):
                used = sorted(patron_id for patron_id, last_day in days.items() if last_day == day)
                gathered += execute_bulk(used_on(used, day=day))
            for library_id, month in sorted(at_libraries):
                used = sorted(at_libraries[library_id, month])
                execute_bulk(used_at(used, library_id=library_id, day=month))
        if len(rows) < _BATCH:
            return gathered
        later = tuple_(*key) > tuple_(*rows[-1][3:])


def call_off_if_used(patron: Patron) -> bool:
    """Call off the planned deletion of a locked patron if there was a use that is not gathered yet."""
    own_cards = select(Credential.id).where(Credential.patron_id == patron.id)
    uses = db.session.scalars(
        union_all(
            select(PresentedStep.presented_at).where(PresentedStep.credential_id.in_(own_cards)),
            select(DeskVisit.opened_at).where(DeskVisit.patron_id == patron.id),
            select(Session.started_at).where(Session.patron_id == patron.id),
        )
    )
    day = max((day_in_norway(at) for at in uses), default=date.min)
    if day <= patron.last_used_on:
        return False
    db.session.execute(used_on([patron.id], day=day))
    return True


def warn_inactive(*, notice: timedelta, now: datetime) -> int:
    """Plan the deletion of patrons who have not used the card for three years, warn them, and return how many.

    The period of notice begins when the warning is sent: until then the deletion is postponed, for a year at most.
    """
    _postpone(notice=notice, now=now)
    warned, last = 0, 0
    while patron_ids := _warn_batch(after=last, notice=notice, now=now):
        warned, last = warned + len(patron_ids), patron_ids[-1]
    return warned


@writing()
def _warn_batch(*, after: int, notice: timedelta, now: datetime) -> Sequence[int]:
    patron_ids = db.session.scalars(_unwarned(now).where(Patron.id > after).limit(_BATCH)).all()
    for patron_id in patron_ids:
        ask_for_message(patron_id=patron_id, kind=INACTIVE_WARNING, now=now)
    execute_bulk(update(Patron).where(Patron.id.in_(patron_ids)).values(erasure_of_inactive(now + notice)))
    return patron_ids


def _unwarned(now: datetime) -> Select[int]:
    long_ago = _years_before(day_in_norway(now))
    unused = (Patron.last_used_on <= long_ago, Patron.erase_at.is_(None), ~is_at_rest())
    return select(Patron.id).where(*unused).order_by(Patron.id).with_for_update(skip_locked=True)


@writing()
def _postpone(*, notice: timedelta, now: datetime) -> None:
    waits = exists().where(Message.patron_id == Patron.id, Message.kind == INACTIVE_WARNING, Message.sent_at.is_(None))
    waits = waits.where(Message.asked_at > now - _NOT_REACHED)
    execute_bulk(update(Patron).where(IS_INACTIVE, Patron.erase_at < now + notice, waits).values(erase_at=now + notice))


def _years_before(day: date) -> date:
    # 29 February becomes 28 February.
    leap = day.month == 2 and day.day == 29
    return day.replace(year=day.year - YEARS, day=28 if leap else day.day)
