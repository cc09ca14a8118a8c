"""Whether the register's database has this program's tables, and can be read and written now. What is written to try
it is rolled back.
"""

import os
import secrets
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import psycopg
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg.conninfo import make_conninfo
from sqlalchemy import Engine, insert

from app.register.store.database_faults import DATABASE_ERRORS, Cause, cause_of
from app.register.store.transaction import db
from app.register.tables.patrons import AttemptCount

_LEAST_ROOM = 1024 * 1024
_PING_SECONDS = 2
_NEVER = datetime(2000, 1, 1, tzinfo=UTC)

MIGRATIONS = Path(__file__).parents[3] / "migrations"


def are_migrations_pending() -> bool:
    """Tell whether a migration of this program was not run. What a newer one has run does not count: until this one is
    gone, those tables serve it too.
    """
    with db.engine.connect() as connection:
        found = set(MigrationContext.configure(connection).get_current_heads())
    newest, known = _read_migrations()
    return not (found and (newest in found or not found & known))


@cache
def _read_migrations() -> tuple[str | None, frozenset[str]]:
    """The newest revision of this program, and all of them."""
    scripts = ScriptDirectory(str(MIGRATIONS))
    return scripts.get_current_head(), frozenset(each.revision for each in scripts.walk_revisions())


def find_database_fault() -> Cause | None:
    """Return what keeps the database from being read and written, for the operator; None where nothing does."""
    engine = db.engine
    try:
        _try_a_write(engine)
    except DATABASE_ERRORS as error:
        cause = cause_of(error)
        if cause is None:
            raise
        return Cause.NO_CONNECTIONS if cause is Cause.NOT_REACHED and _answers(engine) else cause
    return Cause.FULL if engine.dialect.name == "sqlite" and not _has_room(engine) else None


def _try_a_write(engine: Engine) -> None:
    probe = insert(AttemptCount).values(purpose="ready", subject=secrets.token_hex(32), since=_NEVER, taken=0)
    if engine.dialect.name != "sqlite":
        with engine.connect() as connection:
            connection.execute(probe)
            connection.rollback()
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # Begun by hand, since a request that reads gets no transaction that may write.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            connection.execute(probe)
        finally:
            # Where the disk is full, SQLite has rolled back already.
            if getattr(connection.connection.dbapi_connection, "in_transaction", False):
                connection.exec_driver_sql("ROLLBACK")


def _has_room(engine: Engine) -> bool:
    # Room for SQLite's log: what is rolled back is never written to the disk.
    disk = os.statvfs(Path(engine.url.database or ".").absolute().parent)
    return disk.f_bavail * disk.f_frsize >= _LEAST_ROOM


def _answers(engine: Engine) -> bool:
    # Whether PostgreSQL takes connections, though it gave us none; libpq does not say why it did not.
    _arguments, named = engine.dialect.create_connect_args(engine.url)
    # Other options are psycopg's, not libpq's.
    options = {name: str(value) for name, value in named.items() if isinstance(value, str | int)}
    where = make_conninfo("", **options | {"connect_timeout": str(_PING_SECONDS)})
    return psycopg.pq.PGconn.ping(where.encode()) == psycopg.pq.Ping.OK
