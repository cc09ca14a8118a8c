"""When work was last done that no process does all the time, such as retention, and which imports go on now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, select, text

from app.register.moving.imports import CHECKING, TAKING
from app.register.store.transaction import autonomous
from app.register.tables.columns import UtcInstant
from app.register.tables.library import Library
from app.register.tables.log import LastRun
from app.register.tables.moving import PatronImport

RETENTION: Final = "retention"

_NOTE: Final = text("""
    INSERT INTO last_runs (name, ended_at) VALUES (:name, :now)
    ON CONFLICT (name) DO UPDATE SET ended_at = excluded.ended_at
""").bindparams(bindparam("now", type_=UtcInstant()))


def note_run(*, name: str, now: datetime) -> None:
    """Note that work of this name has come to its end, outside of any transaction."""
    with autonomous() as connection:
        connection.execute(_NOTE, {"name": name, "now": now})


def last_run(connection: Connection, *, name: str) -> datetime | None:
    """Return when work of this name last came to its end (UTC); None where it never has."""
    return connection.scalar(select(LastRun.ended_at).where(LastRun.name == name))


@dataclass(frozen=True, slots=True)
class RunningImport:
    """A library's import of patrons that the worker goes on with: `done` of `rows` rows. `begun_at` is UTC."""

    library_id: str
    library: str
    done: int
    rows: int
    begun_at: datetime


def list_running_imports() -> Sequence[RunningImport]:
    """Return the imports of patrons that go on in all libraries, the oldest first."""
    shown = (PatronImport.library_id, Library.name, PatronImport.done, PatronImport.rows, PatronImport.begun_at)
    goes_on = PatronImport.state.in_((CHECKING, TAKING))
    query = select(*shown).join(Library, Library.id == PatronImport.library_id).where(goes_on)
    with autonomous() as connection:
        return [RunningImport(*row) for row in connection.execute(query.order_by(PatronImport.begun_at))]
