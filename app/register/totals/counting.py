"""Counting what happens at a library into the day's totals, in the transaction of the act itself.

A total has a library, a day, a kind and a part: no patron, no time of day but the hour of `hour`, and no row of one
act. So nothing leads from it to anybody, and erasing somebody changes none. What is shown of totals, and to whom:
docs/adr/0039-numbers-that-name-nobody.md.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Connection, Date, bindparam, text

from app.register.store.transaction import autonomous, db
from app.rules.library.figures import Kind
from app.rules.people.ages import day_in_norway

_ADD: Final = text("""
    INSERT INTO library_totals (library_id, day, kind, part, total) VALUES (:library_id, :day, :kind, :part, :total)
    ON CONFLICT (library_id, day, kind, part) DO UPDATE SET total = library_totals.total + excluded.total
""").bindparams(bindparam("day", type_=Date()))

Counted = Mapping[tuple[str, date, Kind, str], int]
"""How many of each library, day, kind and part."""


def count(kind: Kind, *, library_id: str, now: datetime, part: str = "") -> None:
    """Count one act in the transaction that writes it; `part` is one of the kind's parts (`rules.library.figures`).

    Others who count the same wait until that transaction ends, so it comes late in it, after the library's queue is
    locked.
    """
    add_totals({(library_id, day_in_norway(now), kind, part): 1})


def count_at_once(kind: Kind, *, library_id: str, now: datetime, part: str = "") -> None:
    """Count one act that writes nothing else, such as a scan that is refused, outside of any transaction."""
    with autonomous() as connection:
        connection.execute(_ADD, _row((library_id, day_in_norway(now), kind, part), 1))


def add_totals(counted: Counted, connection: Connection | None = None) -> None:
    """Add to totals, always in the same order, so that two that add do not wait for each other."""
    rows = [_row(key, counted[key]) for key in sorted(counted)]
    if rows:
        # Not by the session: it would keep an order of its own.
        (connection or db.session.connection()).execute(_ADD, rows)


def _row(key: tuple[str, date, Kind, str], total: int) -> dict[str, Any]:
    library_id, day, kind, part = key
    return {"library_id": library_id, "day": day, "kind": kind.value, "part": part, "total": total}
