"""When work was last done that no process does all the time, such as retention, which a timer starts."""

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select, text

from app.register.store.transaction import autonomous
from app.register.tables.columns import UtcInstant
from app.register.tables.log import LastRun

RETENTION: Final = "retention"

_NOTE: Final = text("""
    INSERT INTO last_runs (name, ended_at) VALUES (:name, :now)
    ON CONFLICT (name) DO UPDATE SET ended_at = excluded.ended_at
""").columns(ended_at=UtcInstant)


def note_run(*, name: str, now: datetime) -> None:
    """Note that work of this name has come to its end, outside of any transaction."""
    with autonomous() as connection:
        connection.execute(_NOTE, {"name": name, "now": now})


def last_run(connection: Connection, *, name: str) -> datetime | None:
    """Return when work of this name last came to its end (UTC); None where it never has."""
    return connection.scalar(select(LastRun.ended_at).where(LastRun.name == name))
