"""Deleted means overwritten: what the engines leave behind of rows that are gone.

SQLite zeroes what is deleted (`secure_delete`), but its write-ahead log keeps earlier pages until it is folded into
the file and cut off. PostgreSQL keeps the bytes of dead rows in the pages of table and index even after VACUUM, and
examples of values in its statistics; they are gone once a table is written anew.
"""

import structlog
from sqlalchemy import Connection, LargeBinary, String, Table, exists, select, text
from sqlalchemy.exc import OperationalError

from app.register.leaving.own_data import OWN_TABLES
from app.register.store.transaction import autonomous, db
from app.register.tables.columns import Base

_LOCK_WAIT = "5s"
_log = structlog.get_logger()


def cut_off_log() -> bool:
    """Fold SQLite's log into its file and empty it. Returns False where somebody still reads from the log.

    Does nothing on PostgreSQL, whose log the server itself throws away (docs/adr/0010).
    """
    if db.engine.dialect.name != "sqlite":
        return True
    with autonomous() as connection:
        busy = connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)")).scalar_one()
    return not busy


def rewrite_tables() -> list[str]:
    """Write every table with something about patrons anew on PostgreSQL, and return the names of those it could not.

    Each is locked while it is written; one that is in use for longer than five seconds is left for the next time.
    Does nothing on SQLite.
    """
    if db.engine.dialect.name == "sqlite":
        return []
    names = sorted({own.table.__tablename__ for own in OWN_TABLES.values()} | {"pin_orders", "attempt_counts"})
    with autonomous() as connection:
        connection.execute(text(f"SET lock_timeout = '{_LOCK_WAIT}'"))
        left = [name for name in (*names, "pg_catalog.pg_statistic") if not _rewrite(connection, name)]
        connection.execute(text("RESET lock_timeout"))
        _begin_new_log(connection)
    if left:
        _log.warning("tables not rewritten", tables=left)
    return left


def _rewrite(connection: Connection, name: str) -> bool:
    # Their names are our own. Statistics hold examples of values, and are made anew as well.
    table = Base.metadata.tables.get(name)
    try:
        connection.execute(text(f"VACUUM (FULL{', ANALYZE' if table is not None else ''}) {name}"))
        if table is not None and not connection.scalar(select(exists().select_from(table))):
            _forget_statistics(connection, table)
    except OperationalError:
        return False
    return True


def _begin_new_log(connection: Connection) -> None:
    """Let PostgreSQL write its log (WAL) into a new file, so that the one with what is gone goes at the checkpoint.

    Not where the role may not: that needs `GRANT EXECUTE ON FUNCTION pg_switch_wal()` by a superuser.
    """
    if connection.scalar(text("SELECT has_function_privilege('pg_switch_wal()', 'EXECUTE')")):
        connection.execute(text("SELECT pg_switch_wal()"))


def _forget_statistics(connection: Connection, table: Table) -> None:
    """Throw away the examples of values that PostgreSQL has of a table which is empty now, and so not analyzed anew.

    A column that is given a type loses its statistics, also where it is the type that it had.
    """
    words = [column for column in table.columns if isinstance(column.type, String | LargeBinary)]
    typed = (f"ALTER COLUMN {column.name} TYPE {column.type.compile(connection.dialect)}" for column in words)
    if words:
        connection.execute(text(f"ALTER TABLE {table.name} {', '.join(typed)}"))
