"""Statements sent by the driver itself (PEP 249), for the scan alone: SQLAlchemy would cost it more than the database.

Each thread keeps a connection of its own, on which every statement commits itself.
"""

import fcntl
import os
import re
import threading
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, cast
from weakref import WeakKeyDictionary, finalize

from sqlalchemy import Engine

from app.register.store.transaction import check_not_writing, current_engine, is_closed

_NAMED = re.compile(r"(?<!:):(\w+)")


class Statement:
    """SQL with `:named` values, written out once for each driver."""

    def __init__(self, sql: str) -> None:
        self.sqlite = sql
        self.postgresql = _NAMED.sub(r"%(\1)s", sql)


_BEGIN, _COMMIT = Statement("BEGIN IMMEDIATE"), Statement("COMMIT")


class DriverConnection:
    """A connection in autocommit mode, with the settings of the engine's own connections."""

    def __init__(self, engine: Engine) -> None:
        self.is_postgresql = engine.dialect.name == "postgresql"
        self.is_open = True
        pooled = engine.raw_connection()
        self._connection = cast(Any, pooled.dbapi_connection)
        pooled.detach()
        if self.is_postgresql:
            self._connection.autocommit = True
        else:
            self._connection.isolation_level = None
            # Whoever holds the second lock writes; whoever holds the first one writes next.
            self._locks = [
                os.open(f"{engine.url.database}-{name}", os.O_RDWR | os.O_CREAT, 0o600) for name in ("next", "queue")
            ]
            self._leave = finalize(self, _close_each, self._locks)

    def is_usable(self) -> bool:
        """Tell whether neither this side nor PostgreSQL has closed it."""
        return self.is_open and not (self.is_postgresql and is_closed(self._connection))

    def send(self, statement: Statement, values: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401
        """Send a statement and return the driver's cursor. Raises the driver's own errors.

        An error closes the connection, which rolls back; `autonomous_driver` then opens another one.
        """
        sql = statement.postgresql if self.is_postgresql else statement.sqlite
        try:
            return self._connection.execute(sql, values or {})
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection, which rolls back and releases the lock of `begin_write`."""
        self.is_open = False
        self._connection.close()
        if not self.is_postgresql:
            self._leave()

    def begin_write(self) -> None:
        """Begin a transaction on SQLite, which has one writer at a time.

        The others wait for a lock of the operating system: SQLite itself would sleep for a millisecond and more,
        while most transactions take half of one. Two locks, since with one whoever releases it takes it again before
        another process has woken up.
        """
        following, writing = self._locks
        fcntl.flock(following, fcntl.LOCK_EX)
        fcntl.flock(writing, fcntl.LOCK_EX)
        fcntl.flock(following, fcntl.LOCK_UN)
        self.send(_BEGIN)

    def commit_write(self) -> None:
        """Commit the transaction that `begin_write` began, and release its lock."""
        self.send(_COMMIT)
        fcntl.flock(self._locks[1], fcntl.LOCK_UN)

    def write_instant(self, instant: datetime) -> datetime | str:
        """Return an aware instant as the driver takes it, and as SQLAlchemy writes it in the same column."""
        if self.is_postgresql:
            return instant
        return instant.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def _close_each(files: Iterable[int]) -> None:
    for file in files:
        os.close(file)


def read_instant(value: datetime | str) -> datetime:
    """Return an instant that a driver gave, aware and in UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return datetime.fromisoformat(value).replace(tzinfo=UTC)


class _Kept(threading.local):
    def __init__(self) -> None:
        self.connections: WeakKeyDictionary[Engine, DriverConnection] = WeakKeyDictionary()


_kept = _Kept()


def autonomous_driver() -> DriverConnection:
    """Return this thread's connection to the app's database. Raises TransactionIsOpen as `autonomous` does."""
    check_not_writing()
    engine = current_engine()
    kept = _kept.connections.get(engine)
    if kept is None or not kept.is_usable():
        kept = _kept.connections[engine] = DriverConnection(engine)
    return kept
