"""Why the database does not work where the statement is right, by SQLSTATE and SQLite's result codes, never by text.

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
"""All that a statement can raise: through SQLAlchemy, or on a connection of the driver's own."""


class Cause(StrEnum):
    """Why the database does not work now, in words for the operator."""

    NOT_REACHED = "database not reached"
    NO_CONNECTIONS = "no connections to the database left"
    READ_ONLY = "database read-only"
    FULL = "database full or not writable"
    BUSY = "database locked or busy"


_POSTGRESQL: Final = {
    **dict.fromkeys(("57P01", "57P02", "57P03", "57P04", "57P05"), Cause.NOT_REACHED),
    **dict.fromkeys(("53200", "53300", "53400"), Cause.NO_CONNECTIONS),
    "25006": Cause.READ_ONLY,
    **dict.fromkeys(("53000", "53100", "58030"), Cause.FULL),
    **dict.fromkeys(("40001", "40P01", "55P03", "57014"), Cause.BUSY),
}
_SQLITE: Final = {
    sqlite3.SQLITE_BUSY: Cause.BUSY,
    sqlite3.SQLITE_LOCKED: Cause.BUSY,
    sqlite3.SQLITE_READONLY: Cause.READ_ONLY,
    sqlite3.SQLITE_IOERR: Cause.FULL,
    sqlite3.SQLITE_FULL: Cause.FULL,
    sqlite3.SQLITE_CANTOPEN: Cause.NOT_REACHED,
    sqlite3.SQLITE_NOTADB: Cause.NOT_REACHED,
}
_PRIMARY_CODE: Final = 0xFF


def cause_of(error: BaseException | None) -> Cause | None:
    """Return why the database does not work, from one of the DATABASE_ERRORS; None where the statement is at fault."""
    if isinstance(error, PoolTimeout):
        return Cause.NO_CONNECTIONS
    if isinstance(error, DBAPIError):
        return cause_of(error.orig) or (Cause.NOT_REACHED if error.connection_invalidated else None)
    if isinstance(error, psycopg.Error):
        return _cause_by_state(error)
    if isinstance(error, sqlite3.Error):
        # Higher bits say which kind of it.
        return _SQLITE.get(getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE)
    return None


def _cause_by_state(error: psycopg.Error) -> Cause | None:
    if error.sqlstate is None:
        # No answer of the server: it was not reached, refused the connection, or is gone.
        return Cause.NOT_REACHED if isinstance(error, psycopg.OperationalError) else None
    return Cause.NOT_REACHED if error.sqlstate.startswith("08") else _POSTGRESQL.get(error.sqlstate)
