"""Which constraint a statement violated. PostgreSQL names it; SQLite names the columns."""

import sqlite3
from functools import cache

from sqlalchemy import PrimaryKeyConstraint, UniqueConstraint
from sqlalchemy.exc import IntegrityError

from app.register.tables.columns import Base

_FOREIGN_KEY = (sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY, "23503")
_UNIQUE = "UNIQUE constraint failed: "


def constraint_of(error: IntegrityError) -> str:
    """Return the name of the unique constraint or primary key that was violated; empty where it is unknown."""
    diagnosis = getattr(error.orig, "diag", None)
    if diagnosis is not None:
        return diagnosis.constraint_name or ""
    _before, _found, columns = str(error.orig).partition(_UNIQUE)
    return _names().get(columns, "")


def is_foreign_key(error: IntegrityError) -> bool:
    """Tell whether a foreign key was violated: the row that it points to does not exist (any more)."""
    codes = (getattr(error.orig, "sqlite_errorcode", None), getattr(error.orig, "sqlstate", None))
    return any(code in _FOREIGN_KEY for code in codes)


@cache
def _names() -> dict[str, str]:
    # By what SQLite says of them.
    return {
        ", ".join(f"{table.name}.{column.name}" for column in constraint.columns): str(constraint.name)
        for table in Base.metadata.tables.values()
        for constraint in table.constraints
        if isinstance(constraint, UniqueConstraint | PrimaryKeyConstraint)
    }
