"""The way to the register's database: `reading`, `writing` and `autonomous`, and the one place that commits.

Why, and what goes where: docs/adr/0023-one-way-to-a-transaction.md.
"""

import os
import select
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

import psycopg
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, Engine, TextClause, event
from sqlalchemy.exc import DisconnectionError, IntegrityError, SQLAlchemyError
from sqlalchemy.orm import ORMExecuteState

from app.register.store.constraints import constraint_of
from app.register.tables.columns import Base

db = SQLAlchemy(model_class=Base)


class TransactionIsOpen(Exception):
    """A programming fault: what must be kept whatever happens was asked for inside a transaction that may be undone."""


class NotWriting(Exception):
    """A programming fault: something was to be written, or a row to be locked, outside `writing`."""


class UndoneWithin(Exception):
    """A programming fault: an error within a transaction was caught inside it, so that half of it would be kept."""


class Writing:
    """A transaction that writes."""

    def __init__(self) -> None:
        self.is_undone = False
        self.has_failed = False

    def undo(self) -> None:
        """Have nothing of the transaction kept at its end."""
        self.is_undone = True


_READING = object()
_mode: ContextVar[object | None] = ContextVar("mode", default=None)
"""What the database is used for now: _READING, a Writing, or None where a test or a shell commits for itself."""


@contextmanager
def reading() -> Iterator[None]:
    """Read in a transaction of its own, ended with the block; within `writing` it is part of that one.

    So no transaction is open while somebody else, such as a library, is waited for.
    """
    mode = _mode.get()
    if isinstance(mode, Writing):
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
    """Do something in one transaction, also as a decorator: all of it is kept at the end, or nothing after an error.

    Within another `writing` it is part of that one, and an error undoes all of it. What was read before is read anew,
    under the lock: on SQLite one transaction writes at a time. Raises what the database refuses at the end.
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
    """Give a connection on which each statement commits itself, for what must outlive a refusal.

    Such are budgets and the access log. Raises TransactionIsOpen within `writing`.
    """
    check_not_writing()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        yield connection


def check_not_writing() -> None:
    """Raise TransactionIsOpen within `writing`, and where a transaction was begun without any of the three ways."""
    mode = _mode.get()
    if isinstance(mode, Writing) or (mode is None and db.session.registry.has() and db.session().in_transaction()):
        raise TransactionIsOpen


@contextmanager
def savepoint(refusals: Mapping[str, Callable[[], Exception | None]]) -> Iterator[None]:
    """Try something within a transaction; an error undoes what was tried, and nothing else.

    Where a constraint is violated whose name is in `refusals`, what that gives is raised in place of the database's
    error, unless that is None.
    """
    try:
        with db.session.begin_nested():
            yield
    except IntegrityError as error:
        refusal = refusals.get(constraint_of(error), lambda: None)()
        if refusal is None:
            raise
        raise refusal from None


def begin_reading() -> None:
    """Have this thread read until `end_reading`: whoever writes then says so."""
    _mode.set(_READING)


def end_reading(_error: BaseException | None = None) -> None:
    """End what `begin_reading` began."""
    _mode.set(None)


def _end_transaction() -> None:
    if db.session.registry.has():
        try:
            db.session.rollback()
        except SQLAlchemyError:
            # The connection is gone, and with it what was begun on it.
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
    """Give SQLite the durability and privacy that PostgreSQL has by itself: WAL, FULL, and deleted means deleted."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "do_connect", _make_private)
        event.listen(engine, "connect", _tune_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "checkout", _refuse_if_closed)


def is_closed(connection: Any) -> bool:  # noqa: ANN401 - psycopg's, as the engine gives it
    """Tell whether PostgreSQL has closed its end of an idle connection, as it does when it is started anew.

    It asks the system, not the server, and so costs no journey: only where something has come that nobody waits for is
    the connection tried.
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
        # The pool puts a new one in its place.
        raise DisconnectionError


def _make_private(_dialect: object, _record: object, arguments: list[str], _named: object) -> None:
    # Made for nobody else on the machine; SQLite gives its log the same mode. Where it cannot be made, SQLite says so.
    # One that is there is never opened: closing it would take away the locks that SQLite holds on it in this process
    # (https://www.sqlite.org/howtocorrupt.html, section 2.2), and another process would throw the log away.
    if ":" not in arguments[0]:
        with suppress(OSError):
            os.close(os.open(arguments[0], os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def _tune_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    # What is sorted stays out of files that nobody wipes.
    connection.execute("PRAGMA temp_store=MEMORY")
    connection.execute("PRAGMA busy_timeout=20000")


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later is refused at once where somebody else wrote in between;
    # whoever may write waits for the turn at the beginning instead.
    if connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
        return
    connection.exec_driver_sql("BEGIN" if _mode.get() is _READING else "BEGIN IMMEDIATE")
