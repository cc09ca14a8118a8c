"""What ails the database where no statement is at fault: told by SQLSTATE and SQLite's result codes, never by text.

PostgreSQL, appendix A: https://www.postgresql.org/docs/current/errcodes-appendix.html;
SQLite: https://www.sqlite.org/rescode.html.
"""

import sqlite3
from enum import StrEnum
from typing import Final

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

DATABASE_ERRORS: Final = (DBAPIError, PoolTimeout, psycopg.Error, sqlite3.Error)
"""All that a statement can fail of: through SQLAlchemy, or on a line of the driver's own."""


class Cause(StrEnum):
    """Why the database does not work now, in words for the operator. Each passes when that is mended."""

    NOT_REACHED = "database not reached"
    NO_CONNECTIONS = "no connections to the database left"
    READ_ONLY = "database read-only"
    FULL = "database full or not writable"
    BUSY = "database locked or busy"


_POSTGRESQL: Final = {
    "57P01": Cause.NOT_REACHED,
    "57P02": Cause.NOT_REACHED,
    "57P03": Cause.NOT_REACHED,
    "57P04": Cause.NOT_REACHED,
    "57P05": Cause.NOT_REACHED,
    "53200": Cause.NO_CONNECTIONS,
    "53300": Cause.NO_CONNECTIONS,
    "53400": Cause.NO_CONNECTIONS,
    "25006": Cause.READ_ONLY,
    "53000": Cause.FULL,
    "53100": Cause.FULL,
    "58030": Cause.FULL,
    "40001": Cause.BUSY,
    "40P01": Cause.BUSY,
    "55P03": Cause.BUSY,
    "57014": Cause.BUSY,
}
_SQLITE: Final = {
    sqlite3.SQLITE_BUSY: Cause.BUSY,
    sqlite3.SQLITE_LOCKED: Cause.BUSY,
    sqlite3.SQLITE_READONLY: Cause.READ_ONLY,
    sqlite3.SQLITE_IOERR: Cause.FULL,
    sqlite3.SQLITE_FULL: Cause.FULL,
    sqlite3.SQLITE_CANTOPEN: Cause.NOT_REACHED,
}
_PRIMARY_CODE: Final = 0xFF


def cause_of(error: BaseException | None) -> Cause | None:
    """Return what ails the database by one of the DATABASE_ERRORS; None where the statement itself is at fault."""
    if isinstance(error, PoolTimeout):
        return Cause.NO_CONNECTIONS
    if isinstance(error, DBAPIError):
        return cause_of(error.orig) or (Cause.NOT_REACHED if error.connection_invalidated else None)
    if isinstance(error, psycopg.Error):
        return _cause_by_state(error)
    if isinstance(error, sqlite3.Error):
        # Above the primary code stands which kind of it.
        return _SQLITE.get(getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE)
    return None


def _cause_by_state(error: psycopg.Error) -> Cause | None:
    if error.sqlstate is None:
        # Without a word of the server's: it was not reached, did not let us in, or is gone.
        return Cause.NOT_REACHED if isinstance(error, psycopg.OperationalError) else None
    return Cause.NOT_REACHED if error.sqlstate.startswith("08") else _POSTGRESQL.get(error.sqlstate)
