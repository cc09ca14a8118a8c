"""Unusual numbers of acts: far more in an hour than is usual at a library are slowed down, against stolen logins.

Counted are libraries, not persons. Why these numbers: docs/adr/0016.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import structlog
from sqlalchemy import Connection, bindparam, func, select, text, update

from app.register.limits.budgets import TooManyAttempts, take_tries
from app.register.store.transaction import autonomous, db
from app.register.tables.columns import UtcInstant
from app.register.tables.library import ActCount
from app.rules.pins.pin import Budget

_log = structlog.get_logger()


class Kind(StrEnum):
    """The kinds of acts, of a library's systems and of its desks."""

    ACTIVATION = "activation"
    CORRECTION = "correction"
    FOREIGN = "foreign look-up"
    DESK_ACTIVATION = "desk activation"
    DESK_CORRECTION = "desk correction"
    DESK_FOREIGN = "desk foreign"


# So many in an hour are never unusual; above what is usual, one act is allowed every so many seconds.
_FLOOR_AND_PAUSE: Final = {
    Kind.ACTIVATION: (30, 30),
    Kind.CORRECTION: (600, 5),
    Kind.FOREIGN: (100, 30),
    Kind.DESK_ACTIVATION: (60, 15),
    Kind.DESK_CORRECTION: (60, 15),
    Kind.DESK_FOREIGN: (100, 15),
}
_WEEKS: Final = 4
_TIMES_THE_MEAN: Final = 3

_COUNT = text("""
    INSERT INTO act_counts (library_id, kind, hour, taken) VALUES (:library_id, :kind, :hour, 1)
    ON CONFLICT (library_id, kind, hour) DO UPDATE SET taken = act_counts.taken + 1
    RETURNING taken
""").bindparams(bindparam("hour", type_=UtcInstant()))


@dataclass(frozen=True, slots=True)
class Unusual:
    """An hour (its beginning, UTC) in which a library did more of a kind than is usual there, and how many."""

    library_id: str
    kind: str
    hour: datetime
    taken: int


def count_act(kind: Kind, *, library_id: str, now: datetime) -> None:
    """Count one act of a library. Raises TooManyAttempts where it is slowed, which is logged once an hour.

    Usual is the mean of the same hour in the last four weeks, times three; refused acts are not counted.
    """
    floor, pause = _FLOOR_AND_PAUSE[kind]
    hour = now.replace(minute=0, second=0, microsecond=0)
    of_hour = (ActCount.library_id == library_id, ActCount.kind == kind.value, ActCount.hour == hour)
    with autonomous() as connection:
        taken = connection.execute(_COUNT, {"library_id": library_id, "kind": kind.value, "hour": hour}).scalar_one()
        if taken <= floor:
            return
        mean = _mean(connection, kind, library_id=library_id, hour=hour)
        if taken <= max(floor, _TIMES_THE_MEAN * mean):
            return
        unlogged = update(ActCount).where(*of_hour, ActCount.logged_at.is_(None))
        if connection.execute(unlogged.values(logged_at=now)).rowcount == 1:
            _log.warning("unusual numbers", library_id=library_id, kind=kind.value, count=taken, usual=round(mean))
    try:
        take_tries(tries=[(Budget(f"unusual {kind}", limit=1, seconds=pause), library_id)], now=now)
    except TooManyAttempts:
        with autonomous() as connection:
            connection.execute(update(ActCount).where(*of_hour).values(taken=ActCount.taken - 1))
        raise


def _mean(connection: Connection, kind: Kind, *, library_id: str, hour: datetime) -> float:
    same_hours = [hour - timedelta(weeks=week) for week in range(1, _WEEKS + 1)]
    counted = select(func.coalesce(func.sum(ActCount.taken), 0)).where(
        ActCount.library_id == library_id, ActCount.kind == kind.value, ActCount.hour.in_(same_hours)
    )
    return float(connection.execute(counted).scalar_one()) / _WEEKS


def list_unusual(*, since: datetime) -> Sequence[Unusual]:
    """Return the hours since then with unusual numbers, newest first."""
    rows = db.session.execute(
        select(ActCount.library_id, ActCount.kind, ActCount.hour, ActCount.taken)
        .where(ActCount.logged_at >= since)
        .order_by(ActCount.hour.desc(), ActCount.library_id, ActCount.kind)
    )
    return [Unusual(*row) for row in rows]
