"""Which constraint a statement violated: the name that PostgreSQL tells, and the one that SQLite's columns mean."""

import sqlite3
from functools import cache

from sqlalchemy import PrimaryKeyConstraint, UniqueConstraint
from sqlalchemy.exc import IntegrityError

from app.register.tables.columns import Base

_FOREIGN_KEY = (sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY, "23503")
_UNIQUE = "UNIQUE constraint failed: "


def constraint_of(error: IntegrityError) -> str:
    """Return the name of the unique constraint or primary key that was violated; empty where that cannot be told."""
    diagnosis = getattr(error.orig, "diag", None)
    if diagnosis is not None:
        return diagnosis.constraint_name or ""
    _before, _found, columns = str(error.orig).partition(_UNIQUE)
    return _names().get(columns, "")


def is_foreign_key(error: IntegrityError) -> bool:
    """Tell whether a row was to be tied to one that is not there (any more)."""
    told = (getattr(error.orig, "sqlite_errorcode", None), getattr(error.orig, "sqlstate", None))
    return any(each in _FOREIGN_KEY for each in told)


@cache
def _names() -> dict[str, str]:
    """Return the names of all constraints by what SQLite says of them."""
    return {
        ", ".join(f"{table.name}.{column.name}" for column in constraint.columns): str(constraint.name)
        for table in Base.metadata.tables.values()
        for constraint in table.constraints
        if isinstance(constraint, UniqueConstraint | PrimaryKeyConstraint)
    }
