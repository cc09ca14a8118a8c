"""A short way to the database, for the scan alone: SQLAlchemy's work around a statement outweighs statements so short.

Each thread keeps a connection of the driver's own (PEP 249), on which every statement commits itself.
"""

import fcntl
import os
import re
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast
from weakref import WeakKeyDictionary, finalize

from sqlalchemy import Engine

from app.register.store.transaction import check_not_writing, db, is_closed

_NAMED = re.compile(r"(?<!:):(\w+)")


class Statement:
    """SQL with `:named` values, written out once for each driver."""

    def __init__(self, sql: str) -> None:
        self.sqlite = sql
        self.postgresql = _NAMED.sub(r"%(\1)s", sql)


_BEGIN, _COMMIT = Statement("BEGIN IMMEDIATE"), Statement("COMMIT")


class DriverConnection:
    """A connection in autocommit, tuned as the engine tunes each of its own."""

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
            self._queue = os.open(f"{engine.url.database}-queue", os.O_RDWR | os.O_CREAT, 0o600)
            self._leave = finalize(self, os.close, self._queue)

    def is_usable(self) -> bool:
        """Tell whether nobody has closed it, on this side or on PostgreSQL's."""
        return self.is_open and not (self.is_postgresql and is_closed(self._connection))

    def send(self, statement: Statement, values: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401
        """Send a statement and return the driver's cursor. Raises the driver's own errors.

        An error closes the connection, which undoes what was begun on it; the next to ask for one gets a new one.
        """
        sql = statement.postgresql if self.is_postgresql else statement.sqlite
        try:
            return self._connection.execute(sql, values or {})
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection, which undoes what was begun on it, and lets the next one write."""
        self.is_open = False
        self._connection.close()
        if not self.is_postgresql:
            self._leave()

    def begin_write(self) -> None:
        """Begin a transaction on SQLite, where one writes at a time.

        Who comes too early waits in a queue of the system's: SQLite would sleep for a millisecond, then for longer
        and longer, while most transactions take half of one.
        """
        fcntl.flock(self._queue, fcntl.LOCK_EX)
        self.send(_BEGIN)

    def commit_write(self) -> None:
        """Commit what was begun on SQLite, and let the next one write."""
        self.send(_COMMIT)
        fcntl.flock(self._queue, fcntl.LOCK_UN)

    def write_instant(self, instant: datetime) -> datetime | str:
        """Return an aware instant as the driver takes it, and as SQLAlchemy writes it in the same column."""
        if self.is_postgresql:
            return instant
        return instant.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


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
    engine = db.engine
    kept = _kept.connections.get(engine)
    if kept is None or not kept.is_usable():
        kept = _kept.connections[engine] = DriverConnection(engine)
    return kept
