"""Overwriting what the engines keep of deleted rows.

SQLite zeroes deleted rows (`secure_delete`), but its write-ahead log keeps earlier pages until a truncating checkpoint.
PostgreSQL keeps the bytes of dead rows in tables and indexes even after VACUUM, and sample values in its statistics,
until a table is rewritten: by pg_repack, beside which it stays in use, or else by VACUUM FULL, which locks it.
Why, and what each costs: docs/adr/0027.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, cast

import psycopg
import structlog
from psycopg.pq import Conninfo
from sqlalchemy import Connection, LargeBinary, NullPool, String, Table, create_engine, exists, make_url, select, text
from sqlalchemy.exc import OperationalError

from app.register.leaving.own_data import OWN_TABLES
from app.register.store.connecting import is_pooled
from app.register.store.transaction import autonomous, db
from app.register.tables.columns import Base

_STATISTICS = "pg_catalog.pg_statistic"
LOCK_WAIT: Final = "500ms"
"""For how long a lock is asked for at a time: whoever needs the table meanwhile waits behind it."""
_TRIES = 10
_UNTRACEABLE: Final = {
    "attempt_counts", "patron_import_batches", "patron_import_lines", "patron_imports", "pin_orders"
}  # fmt: skip
_DEBIANS = "/usr/lib/postgresql/{major}/bin/pg_repack"
# A pg_repack that was killed leaves a trigger that copies every change. It holds this lock while it runs.
_LEFT_BEHIND = text("""
    SELECT repack.repack_drop(tgrelid, 4) FROM pg_trigger
    WHERE tgname = 'repack_trigger' AND tgrelid = CAST(:name AS regclass)
      AND pg_try_advisory_xact_lock(16185446, (tgrelid::bigint - 2147483648)::int)
""")
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Repack:
    """The program pg_repack, and the environment by which it reaches the database; a password is in no argument."""

    program: str
    environment: Mapping[str, str]

    def rewrite(self, name: str) -> bool:
        """Rewrite a table while it is in use; False where other transactions kept it from that."""
        command = [self.program, "--no-password", "--no-order", "--no-kill-backend", "--wait-timeout=5"]
        done = subprocess.run(  # noqa: S603 - a name of our own
            [*command, "--elevel=WARNING", f"--table=public.{name}"],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        # What it could not lock it leaves alone with a warning, and ends well.
        is_done = done.returncode == 0 and "WARNING" not in done.stderr
        if not is_done:
            # Its words may name hosts and roles.
            _log.warning("pg_repack", table=name, status=done.returncode)
        return is_done


def cut_off_log() -> bool:
    """Checkpoint SQLite's write-ahead log and empty it. Returns False where another connection still reads from it.

    Does nothing on PostgreSQL, whose server deletes its log itself (docs/adr/0010).
    """
    if db.engine.dialect.name != "sqlite":
        return True
    with autonomous() as connection:
        busy = connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)")).scalar_one()
    return not busy


def rewrite_tables(*, url: str = "", tell: Callable[[str], object] = lambda _: None) -> list[str]:
    """Rewrite every table with data of patrons on PostgreSQL, and return the names of those that were in use.

    `url` is another way to the database, of a role that may use pg_repack; a superuser, then. With pg_repack, no other
    statement waits for a second; without, each table is locked until it is done. One that cannot be locked within
    some seconds is left for the next time. `tell` is called after each table.
    """
    if db.engine.dialect.name == "sqlite":
        return []
    names = sorted({own.table.__tablename__ for own in OWN_TABLES.values()} | _UNTRACEABLE)
    left = []
    with _connect(url) as connection:
        if is_pooled(cast(psycopg.Connection, connection.connection.dbapi_connection)):
            # The time-out of locks would be set for somebody else's transactions.
            _log.warning("tables not rewritten: REWRITE_DATABASE_URL must lead past the pooler", tables=names)
            return names
        repack = _find_repack(connection)
        connection.execute(text(f"SET lock_timeout = '{LOCK_WAIT}'"))
        for name in (*names, _STATISTICS):
            began = time.monotonic()
            done = _rewrite(connection, name, repack=repack)
            if not done:
                left.append(name)
            was_locked = repack is None or name == _STATISTICS
            how = ("locked meanwhile" if was_locked else "in use meanwhile") if done else "left as it was"
            tell(f"{name}: {how}, {time.monotonic() - began:.1f} s")
        connection.execute(text("RESET lock_timeout"))
        _begin_new_log(connection)
    if left:
        _log.warning("tables not rewritten", tables=left)
    return left


@contextmanager
def _connect(url: str) -> Iterator[Connection]:
    if not url:
        with autonomous() as connection:
            yield connection
        return
    with create_engine(url, poolclass=NullPool, hide_parameters=True).connect() as connection:
        yield connection.execution_options(isolation_level="AUTOCOMMIT")


def _find_repack(connection: Connection) -> _Repack | None:
    """Return pg_repack if the program is here, its extension in the database, and the role a superuser."""
    asked = "SELECT current_setting('is_superuser') = 'on', current_setting('server_version_num')::int / 10000"
    is_superuser, major = connection.execute(text(asked)).one()
    there = connection.scalar(text("SELECT extversion FROM pg_extension WHERE extname = 'pg_repack'"))
    program = shutil.which(_DEBIANS.format(major=major)) or shutil.which("pg_repack")
    if not (is_superuser and there and program):
        return None
    named = connection.engine.dialect.create_connect_args(make_url(connection.engine.url))[1]
    variables = {
        option.envvar.decode(): str(named[option.keyword.decode()])
        for option in Conninfo.get_defaults()
        if option.envvar is not None and option.keyword.decode() in named
    }
    return _Repack(program, {"PATH": os.defpath, **variables})


def _rewrite(connection: Connection, name: str, *, repack: _Repack | None) -> bool:
    table = Base.metadata.tables.get(name)
    if repack is None or table is None:
        done = _lock_and_rewrite(connection, name)
    else:
        connection.execute(_LEFT_BEHIND, {"name": f"public.{name}"})
        done = repack.rewrite(name)
    if done and table is not None and not connection.scalar(select(exists().select_from(table))):
        return _soon(lambda: _forget_statistics(connection, table))
    return done


def _lock_and_rewrite(connection: Connection, name: str) -> bool:
    # Statistics contain sample values, so they are renewed as well.
    analyze = "" if name == _STATISTICS else ", ANALYZE"
    return _soon(lambda: connection.execute(text(f"VACUUM (FULL{analyze}) {name}")))


def _soon(act: Callable[[], object]) -> bool:
    """Do what needs a lock, in several tries; False where all came too soon."""
    for _ in range(_TRIES):
        try:
            act()
        except OperationalError:
            continue
        return True
    return False


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
