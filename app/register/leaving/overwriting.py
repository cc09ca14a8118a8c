"""Overwriting what the engines keep of deleted rows.

SQLite zeroes deleted rows (`secure_delete`), but its write-ahead log keeps earlier pages until a truncating checkpoint.
PostgreSQL keeps the bytes of dead rows in tables and indexes even after VACUUM, and sample values in its statistics,
until a table is rewritten.
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
    """Checkpoint SQLite's write-ahead log and empty it. Returns False where another connection still reads from it.

    Does nothing on PostgreSQL, whose server deletes its log itself (docs/adr/0010).
    """
    if db.engine.dialect.name != "sqlite":
        return True
    with autonomous() as connection:
        busy = connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)")).scalar_one()
    return not busy


def rewrite_tables() -> list[str]:
    """Rewrite every table with data of patrons on PostgreSQL, and return the names of those that were in use.

    Each is locked meanwhile; one that is in use for more than five seconds is left for the next time.
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
    # Statistics contain sample values, so they are renewed as well.
    table = Base.metadata.tables.get(name)
    try:
        connection.execute(text(f"VACUUM (FULL{', ANALYZE' if table is not None else ''}) {name}"))
        if table is not None and not connection.scalar(select(exists().select_from(table))):
            _forget_statistics(connection, table)
    except OperationalError:
        return False
    return True


def _begin_new_log(connection: Connection) -> None:
    """Switch PostgreSQL's log (WAL) to a new file, so that the next checkpoint deletes the old one.

    The role needs `GRANT EXECUTE ON FUNCTION pg_switch_wal()` by a superuser; otherwise nothing happens.
    """
    if connection.scalar(text("SELECT has_function_privilege('pg_switch_wal()', 'EXECUTE')")):
        connection.execute(text("SELECT pg_switch_wal()"))


def _forget_statistics(connection: Connection, table: Table) -> None:
    """Delete PostgreSQL's sample values of a table that is empty, and so is not analyzed.

    Setting a column's type deletes its statistics, also where the type stays the same.
    """
    words = [column for column in table.columns if isinstance(column.type, String | LargeBinary)]
    typed = (f"ALTER COLUMN {column.name} TYPE {column.type.compile(connection.dialect)}" for column in words)
    if words:
        connection.execute(text(f"ALTER TABLE {table.name} {', '.join(typed)}"))
