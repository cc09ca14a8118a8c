"""The way to the register's database, and the one place where a request's work is committed."""

import os
import select
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from flask import Response, current_app, has_request_context, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError, DisconnectionError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.register.tables.register import Base

db = SQLAlchemy(model_class=Base)

_FOREIGN_KEY = (sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY, "23503")
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


def commit_after_request(response: Response) -> Response:
    """Commit what the request did, all of it, where it went well; otherwise nothing of it.

    What the database refuses only now gets the answer of any other error.
    """
    if request.method not in _SAFE_METHODS and response.status_code < 400 and db.session.registry.has():
        try:
            db.session.commit()
        except (DBAPIError, PoolTimeout) as error:
            return current_app.make_response(current_app.handle_user_exception(error))
    return response


def came_too_late(error: IntegrityError) -> bool:
    """Tell whether a row was to be tied to one that is not there any more: an erasure came first."""
    told = (getattr(error.orig, "sqlite_errorcode", None), getattr(error.orig, "sqlstate", None))
    return any(each in _FOREIGN_KEY for each in told)


def end_transaction() -> None:
    """End the request's own transaction where one was begun, and undo what it wrote."""
    if db.session.registry.has():
        db.session.rollback()


class TransactionIsOpen(Exception):
    """A programming fault: on SQLite the request's own transaction would be waited for in vain."""


def check_no_transaction() -> None:
    """Raise TransactionIsOpen where the request may have locked what is to be written."""
    if db.session.registry.has() and db.session().in_transaction() and not _reads_only():
        raise TransactionIsOpen


@contextmanager
def direct_connection() -> Iterator[Connection]:
    """Give a connection outside the request's transaction, on which each statement commits itself.

    For counters that must outlive a refused request, for the access log, which is written before the answer, and
    for the scan, which cannot afford more than it needs. Whatever needs it comes first in a request that writes;
    raises TransactionIsOpen otherwise.
    """
    check_no_transaction()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        yield connection


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
    connection.exec_driver_sql("BEGIN" if _reads_only() else "BEGIN IMMEDIATE")


def _reads_only() -> bool:
    return has_request_context() and request.method in _SAFE_METHODS
