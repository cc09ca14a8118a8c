"""The three kinds of transaction, `reading`, `writing` and `autonomous`, and the only place that commits.

Why, and when to use which: docs/adr/0023-one-way-to-a-transaction.md.
"""

import os
import select
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, cast

import psycopg
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, CursorResult, Delete, Engine, TextClause, Update, event
from sqlalchemy.exc import DisconnectionError, IntegrityError, SQLAlchemyError
from sqlalchemy.orm import ORMExecuteState

from app.register.store.connecting import forget_doubts, tune_postgresql
from app.register.store.constraints import constraint_of
from app.register.tables.columns import Base

db = SQLAlchemy(model_class=Base)


class TransactionIsOpen(Exception):
    """A programming fault: `autonomous` was used inside a transaction that may be rolled back."""


class NotWriting(Exception):
    """A programming fault: something was written, or a row locked, outside `writing`."""


class UndoneWithin(Exception):
    """A programming fault: an error was caught inside its transaction, so that half of that would be committed."""


class Writing:
    """A transaction that writes."""

    def __init__(self) -> None:
        self.is_undone = False
        self.has_failed = False

    def undo(self) -> None:
        """Roll back at the end of the transaction."""
        self.is_undone = True


_READING = object()
_engine: ContextVar[Engine | None] = ContextVar("engine", default=None)
_mode: ContextVar[object | None] = ContextVar("mode", default=None)
"""The kind of transaction: _READING, a Writing, or None where a test or a shell commits by itself."""


@contextmanager
def reading() -> Iterator[None]:
    """Read in a transaction that ends with the block; within `writing` it is part of that one.

    So no transaction is open while the answer of another system is awaited.
    """
    if isinstance(_mode.get(), Writing):
        yield
        return
    token = _mode.set(_READING)
    try:
        yield
    finally:
        _mode.reset(token)
        _end_transaction()


@contextmanager
def writing() -> Iterator[Writing]:
    """Commit at the end of the block, or roll back after an error. Also a decorator.

    Within another `writing` it is part of that one, and an error rolls back all of it. A transaction that read before
    is ended first. Raises what the database refuses at the commit.
    """
    mode = _mode.get()
    if isinstance(mode, Writing):
        try:
            yield mode
        except BaseException:
            mode.has_failed = True
            raise
        return
    if mode is _READING:
        _end_transaction()
    own = Writing()
    token = _mode.set(own)
    try:
        yield own
        if own.is_undone:
            _end_transaction()
        elif own.has_failed:
            raise UndoneWithin
        elif db.session.registry.has():
            db.session.commit()
    except BaseException:
        _end_transaction()
        raise
    finally:
        _mode.reset(token)


@contextmanager
def autonomous() -> Iterator[Connection]:
    """Give a connection in autocommit mode, for what must be kept whatever becomes of the request.

    Such are budgets and the access log. Raises TransactionIsOpen within `writing`.
    """
    check_not_writing()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        yield connection


def check_not_writing() -> None:
    """Raise TransactionIsOpen within `writing`, and where a transaction was begun in none of the three ways."""
    mode = _mode.get()
    if isinstance(mode, Writing) or (mode is None and db.session.registry.has() and db.session().in_transaction()):
        raise TransactionIsOpen


@contextmanager
def savepoint(refusals: Mapping[str, Callable[[], Exception | None]]) -> Iterator[None]:
    """Do something under a savepoint: an error rolls back to it, not the whole transaction.

    Where a constraint is violated whose name is in `refusals`, the error that the function there returns is raised in
    place of the database's, unless it returns None.
    """
    try:
        with db.session.begin_nested():
            yield
    except IntegrityError as error:
        refusal = refusals.get(constraint_of(error), lambda: None)()
        if refusal is None:
            raise
        raise refusal from None


def execute_bulk(statement: Update | Delete) -> int:
    """Change rows in the database alone, not objects that are loaded. Returns how many rows it changed."""
    result = db.session.execute(statement, execution_options={"synchronize_session": False})
    return cast(CursorResult[Any], result).rowcount


def current_engine() -> Engine:
    """The app's engine. Flask-SQLAlchemy looks it up anew each time; within a request it is kept."""
    return _engine.get() or db.engine


def begin_reading() -> None:
    """Make this thread read until `end_reading`; what writes needs `writing`."""
    _engine.set(db.engine)
    _mode.set(_READING)
    forget_doubts()


def end_reading(_error: BaseException | None = None) -> None:
    """End what `begin_reading` began."""
    _engine.set(None)
    _mode.set(None)


def close_session(_error: BaseException | None = None) -> None:
    """Close the session at the end of a context, also where the connection is lost: of that nobody needs to know.

    Comes before Flask-SQLAlchemy's own, which would raise then, and finds nothing left to end.
    """
    with suppress(SQLAlchemyError):
        db.session.remove()


def _end_transaction() -> None:
    if db.session.registry.has():
        try:
            db.session.rollback()
        except SQLAlchemyError:
            # The connection is lost, and with it the transaction.
            db.session.remove()


@event.listens_for(db.session, "before_flush")
def _refuse_flush(*_arguments: object) -> None:
    if _mode.get() is _READING:
        raise NotWriting


@event.listens_for(db.session, "do_orm_execute")
def _refuse_write(state: ORMExecuteState) -> None:
    if _mode.get() is not _READING or (state.is_select and getattr(state.statement, "_for_update_arg", None) is None):
        return
    if not isinstance(state.statement, TextClause) or not state.statement.text.lstrip().upper().startswith("SELECT"):
        raise NotWriting


def tune_engine(engine: Engine) -> None:
    """Set up connections: SQLite with WAL, synchronous FULL and secure_delete, PostgreSQL checked before each use."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "do_connect", _make_private)
        event.listen(engine, "connect", _tune_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "connect", tune_postgresql)
        event.listen(engine, "checkout", _refuse_if_closed)


def is_closed(connection: Any) -> bool:  # noqa: ANN401 - psycopg's, as the engine gives it
    """Tell whether PostgreSQL has closed its end of an idle connection, as it does at a restart.

    That costs no round trip: only where bytes have arrived that nobody awaits is a statement sent.
    """
    try:
        arrived = select.poll()
        arrived.register(connection.fileno(), select.POLLIN)
        if arrived.poll(0):
            connection.execute("SELECT 1")
            connection.rollback()
    except psycopg.Error:
        return True
    return False


def _refuse_if_closed(connection: Any, _record: object, _proxy: object) -> None:  # noqa: ANN401
    if is_closed(connection):
        # The pool then opens another one.
        raise DisconnectionError


def _make_private(_dialect: object, _record: object, arguments: list[str], _named: object) -> None:
    # Other users of the machine cannot read it. SQLite gives its log the same mode, and says where it cannot be made.
    # An existing file is never opened here: closing it would release the locks that SQLite holds on it in this process
    # (https://www.sqlite.org/howtocorrupt.html, section 2.2), and another process would delete the log.
    if ":" not in arguments[0]:
        with suppress(OSError):
            os.close(os.open(arguments[0], os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def _tune_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    # Sorting uses no temporary file, which nobody would overwrite.
    connection.execute("PRAGMA temp_store=MEMORY")
    connection.execute("PRAGMA busy_timeout=20000")


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later fails where another one wrote in between, so `writing` takes the
    # lock when it begins.
    if connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
        return
    connection.exec_driver_sql("BEGIN" if _mode.get() is _READING else "BEGIN IMMEDIATE")
