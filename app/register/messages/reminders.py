"""What patrons want to be reminded of. Their libraries are told as of any other change, and remind of loans themselves.

A patron who has chosen nothing is reminded as each library does it, and by the register as they prefer to be reached.
"""

from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime
from typing import Final

from sqlalchemy import RowMapping, select

from app.register.messages.push import list_subscriptions
from app.register.patron.changes import note_change
from app.register.patron.patrons import lock_patron
from app.register.patron.proven import addresses_for
from app.register.store.transaction import db
from app.register.tables.patrons import Patron
from app.register.tables.reminders import ReminderChoice
from app.rules.people.reminders import KINDS, NONE, OF_LIBRARIES, PUSH, Choices

COLUMNS: Final = (
    *(ReminderChoice.__table__.columns[f"{kind}_by"] for kind in KINDS),
    *(ReminderChoice.__table__.columns[name] for name in ("days_before", "quiet_from", "quiet_to")),
)


def read_choices(*, patron_id: int) -> Choices | None:
    """Return what a patron has chosen; None where nothing was."""
    row = db.session.execute(select(*COLUMNS).where(ReminderChoice.patron_id == patron_id)).first()
    return choices_in(row._mapping) if row is not None else None


def choices_in(row: RowMapping) -> Choices | None:
    """Return the choices in a row that has COLUMNS; None where an outer join found none."""
    if row["days_before"] is None:
        return None
    ways = {kind: row[f"{kind}_by"] for kind in KINDS}
    return Choices(**ways, days_before=row["days_before"], quiet_from=row["quiet_from"], quiet_to=row["quiet_to"])


def choose_reminders(*, patron_id: int, choices: Choices, now: datetime) -> None:
    """Store what a patron chose, and tell their libraries where it concerns them. Raises NoSuchPatron."""
    patron = lock_patron(patron_id)
    before = read_choices(patron_id=patron_id)
    row = db.session.get(ReminderChoice, patron_id) or ReminderChoice(patron_id=patron_id)
    for name, value in asdict(choices).items():
        setattr(row, f"{name}_by" if name in KINDS else name, value)
    row.chosen_at = now
    db.session.add(row)
    if for_libraries(before) != for_libraries(choices):
        note_change(patron=patron, now=now)


def way_of_permissions(patron: Patron, choices: Choices | None, *, channels: Collection[str]) -> str | None:
    """Return by which of the `channels`, push among them, the patron is told of a permission as they chose.

    None where they chose nothing, or are not reached by that way: then it goes as other messages do.
    """
    way = choices.permission if choices is not None else None
    if way == PUSH:
        return PUSH if PUSH in channels and list_subscriptions(patron_id=patron.id) else None
    reached = way in channels and addresses_for(patron, is_secret=False).get(str(way))
    return way if way == NONE or reached else None


def for_libraries(choices: Choices | None) -> dict[str, object] | None:
    """Return what libraries learn of the choices: all but what the register sends by itself."""
    if choices is None:
        return None
    ways: dict[str, object] = {kind: choices.way_of(kind) for kind in OF_LIBRARIES}
    hours = {"quiet_from": choices.quiet_from, "quiet_to": choices.quiet_to}
    return ways | {"days_before": choices.days_before} | hours
