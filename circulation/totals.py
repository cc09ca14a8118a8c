"""How much is lent, as totals of a day: counted in the transaction of the act itself.

A total has a day, a kind and a part: no card, no copy and no time of day. Loans cannot be counted afterwards, since
nothing of them is kept once they are returned. An act notes its counts in the session, which writes them last and in
one order: so those who count the same wait for a moment alone, and never in a circle. What is undone is subtracted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from sqlalchemy import Date, bindparam, delete, func, select, text
from sqlalchemy.orm import Session

from circulation.lending.transaction import Transaction
from circulation.tables import DailyTotal

KINDS: Final = ("loan", "return", "renewal", "claim", "hold", "wait", "interlibrary")
"""Loans (those from other libraries too), returns and renewals by category; claims by level; holds that were asked for;
how many days a hold has waited when a copy is set aside for it; loans from other libraries."""
WAITS: Final = (("0", 0), ("1-7", 7), ("8-30", 30), ("31-90", 90), ("91-", 10**6))
"""The parts of `wait`: a range of days, and the last of them."""
_COUNTED: Final = "counted"
_ADD: Final = text("""
    INSERT INTO daily_totals (day, kind, part, total) VALUES (:day, :kind, :part, :total)
    ON CONFLICT (day, kind, part) DO UPDATE SET total = daily_totals.total + excluded.total
""").bindparams(bindparam("day", type_=Date()))


def count(tx: Transaction, kind: str, part: str = "", number: int = 1) -> None:
    """Count acts of today, when the transaction is committed; a negative `number` takes back what is undone."""
    tx.session.info.setdefault(_COUNTED, Counter())[tx.today, kind, part] += number


def count_wait(tx: Transaction, *, asked_on: date, number: int = 1) -> None:
    """Count how long a hold has waited for the copy that is set aside for it today."""
    days = (tx.today - asked_on).days
    count(tx, "wait", next(name for name, last in WAITS if days <= last), number)


def write_counted(session: Session) -> None:
    """Add what was counted to the totals, as the last act of the transaction."""
    counted = session.info.pop(_COUNTED, {})
    rows = [
        {"day": day, "kind": kind, "part": part, "total": number}
        for (day, kind, part), number in sorted(counted.items())
        if number
    ]
    if rows:
        session.connection().execute(_ADD, rows)
    if any(row["total"] < 0 for row in rows):
        # What was undone leaves no trace.
        session.execute(delete(DailyTotal).where(DailyTotal.total == 0))


def forget_counted(session: Session) -> None:
    """Count nothing of a transaction that is rolled back."""
    session.info.pop(_COUNTED, None)


def read_year(*, tx: Transaction, year: int) -> Mapping[str, Any]:
    """What was counted in a year, by month, kind and part, and by day and kind; and the first year that there is."""
    months, days = Counter[tuple[int, str, str]](), Counter[tuple[date, str]]()
    total = DailyTotal
    rows = select(total.day, total.kind, total.part, total.total)
    in_year = total.day.between(date(year, 1, 1), date(year, 12, 31))
    for day, kind, part, number in tx.session.execute(rows.where(in_year)):
        months[day.month, kind, part] += number
        days[day, kind] += number
    oldest = tx.session.scalar(select(func.min(total.day)))
    return {
        "first_year": oldest and oldest.year,
        "months": [
            {"month": month, "kind": kind, "part": part, "total": number}
            for (month, kind, part), number in sorted(months.items())
        ],
        "days": [{"day": day, "kind": kind, "total": number} for (day, kind), number in sorted(days.items())],
    }
