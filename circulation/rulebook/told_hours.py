"""The opening hours that the library told the public: one row, replaced as a whole by a newer version.

They come from the register, where the library's administrators write them, and hold over what the policy says about
closed days and the door. Until there are any, the policy alone holds.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from functools import lru_cache
from typing import Final

from sqlalchemy import BigInteger, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from circulation.errors import Refused
from circulation.lending.transaction import Transaction
from circulation.policy.hours import MINUTES_OF_A_DAY, Exceptional, OpeningHours, Week, is_for_all, read_day
from circulation.policy.library import Policy
from circulation.policy.self_service import Hours
from circulation.tables import Base

_ONLY: Final = 1


class ToldHours(Base):
    """One row. `version` grows with each change; `document` is what was sent, as JSON."""

    __tablename__ = "told_hours"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, default=_ONLY)
    version: Mapped[int] = mapped_column(BigInteger)
    document: Mapped[str] = mapped_column(Text)


def read_told_hours(session: Session) -> OpeningHours | None:
    """What was told last, if anything was."""
    document = session.scalar(select(ToldHours.document))
    return None if document is None else read_document(document)


@lru_cache(maxsize=64)
def read_document(document: str) -> OpeningHours:
    """Read weeks and exceptions. ValueError where they are not of their form."""
    told = json.loads(document)
    weeks = [
        Week(date.fromisoformat(week["since"]), tuple(read_day(day) for day in week["days"])) for week in told["weeks"]
    ]
    exceptions = [
        Exceptional(
            date.fromisoformat(one["first"]), date.fromisoformat(one["last"]), one["yearly"], read_day(one["hours"])
        )
        for one in told["exceptions"]
    ]
    return OpeningHours(tuple(sorted(weeks, key=lambda week: week.since)), tuple(exceptions))


def tell_hours(*, tx: Transaction, version: int, document: str) -> int:
    """Take newer hours in place of those before, and return the version that is here now.

    An older version changes nothing, so that what was sent twice or arrives late does no harm. Loans keep their due
    dates. Refused: invalid_field.
    """
    try:
        read_document(document)
    except ValueError:
        raise Refused("invalid_field", field="weeks") from None
    row = tx.session.get(ToldHours, _ONLY, with_for_update=True)
    if row is None:
        tx.session.add(ToldHours(version=version, document=document))
        tx.session.flush()
        return version
    if version >= row.version:
        row.version, row.document = version, document
    return row.version


def as_read_on(policy: Policy, day: date) -> Policy:
    """The policy as patrons read it on a day: closed weekdays and hours with staff are those of the week then told."""
    hours = policy.calendar.hours
    week = None if hours is None else hours.week_on(day)
    if week is None:
        return policy
    closed = frozenset(number for number, spans in enumerate(week.days) if not is_for_all(spans, week))
    weekdays = policy.calendar.weekdays if len(closed) == len(week.days) else closed
    staffed = tuple(
        Hours((number,), span.opens, min(span.closes, MINUTES_OF_A_DAY))
        for number, spans in enumerate(week.days)
        for span in spans
        if span.staffed
    )
    calendar = replace(policy.calendar, weekdays=weekdays, staffed=staffed)
    return replace(policy, calendar=calendar)


def with_hours(policy: Policy, hours: OpeningHours | None) -> Policy:
    """The policy, and those before it, in which these hours decide on which days it is open."""
    if hours is None:
        return policy
    before = policy.before and with_hours(policy.before, hours)
    return replace(policy, calendar=replace(policy.calendar, hours=hours), before=before)
