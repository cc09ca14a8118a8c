"""One library's database: SQLite or PostgreSQL, transactions, and deletion without traces.

SQLite zeroes what it deletes (`secure_delete`), but the write-ahead log keeps older pages until it is folded into
the file. So each write ends with a truncating checkpoint before its caller is answered: after a return neither file
knows the loan. If a reader holds the log open, the next write, the next read's end or the next start does it.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, event, insert, select, text
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from circulation.errors import Refused
from circulation.tables import Base, Library
from circulation.totals import write_counted

log = logging.getLogger("circulation")

WAIT_SECONDS: Final = 30
_PRAGMAS: Final = ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "foreign_keys=ON", "temp_store=MEMORY")

# A constraint that a race ran into -> the refusal that the loser gets.
_LOST_RACES: Final = {
    "uq_loans_item_id": "on_loan",
    "uq_items_barcode": "barcode_in_use",
    "uq_holds_card_number_edition": "already_reserved",
    "pk_done_acts": "done_before",
    "uq_done_acts_key": "done_before",
    "uq_payments_idempotency_key": "key_reused",
    "pk_policy_drafts": "changed_meanwhile",
    "uq_policy_drafts_id": "changed_meanwhile",
    "pk_told_hours": "busy",
    "uq_told_hours_id": "busy",
    "uq_debts_idempotency_key": "key_reused",
    "uq_interlibrary_requests_idempotency_key": "key_reused",
}


class Database:
    """Transactions on one library's database."""

    def __init__(self, *, library: str, url: str) -> None:
        self.library = library
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        self._engine = _sqlite_engine(url) if self.is_sqlite else _postgresql_engine(url)
        # Only SQLite's "begin" listener reads the option; a plain engine would take its lock too late.
        self._writer = self._engine.execution_options(circulation_writes=True)
        self._reader = (
            self._engine if self.is_sqlite else self._engine.execution_options(isolation_level="REPEATABLE READ")
        )
        self._owes_scrub = self.is_sqlite  # a crash may have left pages in the log
        self.checkpoint_wait_ms = 1000

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """One transaction: all is committed at the end, or nothing. Refused where a race was lost or time ran out."""
        try:
            with Session(self._writer, expire_on_commit=False) as session, session.begin():
                yield session
                write_counted(session)
        except IntegrityError as error:
            if code := _LOST_RACES.get(_constraint(error)):
                raise Refused(code) from None
            raise
        except (OperationalError, PoolTimeout) as error:
            if _ran_out_of_time(error):
                raise Refused("busy") from None
            raise
        self.scrub()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """One consistent view of the data."""
        try:
            with Session(self._reader) as session:
                yield session
        except (OperationalError, PoolTimeout) as error:
            if _ran_out_of_time(error):
                raise Refused("busy") from None
            raise
        if self._owes_scrub:
            self.scrub()

    def scrub(self) -> bool:
        """Fold SQLite's log into the file and empty it. False if someone still reads from the log."""
        if not self.is_sqlite:
            return True
        raw = self._engine.raw_connection()
        try:
            cursor = raw.cursor()
            cursor.execute(f"PRAGMA busy_timeout = {self.checkpoint_wait_ms}")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            (busy, *_), *_ = cursor.fetchall()
            cursor.execute(f"PRAGMA busy_timeout = {WAIT_SECONDS * 1000}")
        except sqlite3.OperationalError:
            busy = True
        finally:
            raw.close()
        self._owes_scrub = bool(busy)
        if busy:
            log.warning("log_not_emptied library=%s", self.library)
        return not busy

    def vacuum(self) -> None:
        """Remove deleted rows: PostgreSQL keeps them until a vacuum, SQLite keeps them in its log."""
        if self.is_sqlite:
            self.scrub()
            return
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for table in Base.metadata.sorted_tables:
                connection.execute(text(f"VACUUM {table.name}"))

    def migrate(self, revision: str = "head") -> None:
        """Bring the tables to `revision` ("base" removes them), and store whose database it is."""
        with self._writer.begin() as connection:
            if not self.is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('circulation:migrate', 0))"))
            config = _alembic_config()
            config.attributes["connection"] = connection
            if revision == "base":
                command.downgrade(config, revision)
                return
            command.upgrade(config, revision)
            owner = connection.scalar(select(Library.id))
            if owner is None:
                connection.execute(insert(Library).values(id=self.library))
            elif owner != self.library:
                raise WrongLibrary(f"this database belongs to library {owner}, not to {self.library}")
        self.scrub()

    def check(self) -> None:
        """Raise NotMigrated where it lacks tables of this program, or WrongLibrary; else DBAPIError where it fails.

        What a newer program has migrated serves this one too, until it is gone.
        """
        scripts = ScriptDirectory.from_config(_alembic_config())
        with self._reader.connect() as connection:
            current = MigrationContext.configure(connection).get_current_revision()
            known = {each.revision for each in scripts.walk_revisions()}
            if current is None or (current in known and current != scripts.get_current_head()):
                raise NotMigrated(
                    f"the database of library {self.library} lacks tables: run `circulation migrate` first"
                )
            owner = connection.scalar(select(Library.id))
        if owner != self.library:
            raise WrongLibrary(f"this database belongs to library {owner}, not to {self.library}")

    def read_revision(self) -> str:
        """Return the revision that its tables are migrated to; empty where they never were."""
        with self._reader.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision() or ""

    def is_ready(self) -> bool:
        """Whether it can be reached, is migrated to the newest revision, and is this library's."""
        try:
            self.check()
        except (DBAPIError, PoolTimeout, NotMigrated, WrongLibrary):
            return False
        return True

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


class NotMigrated(RuntimeError):
    """The database has older tables than this program, or none."""


class WrongLibrary(RuntimeError):
    """The database was made for another library."""


def lock_patrons(session: Session, *card_numbers: str) -> None:
    """Lock these cards until the transaction ends. Always before lock_editions."""
    _lock(session, sorted({f"patron:{number}" for number in card_numbers}))


def lock_editions(session: Session, *editions: str) -> None:
    """Lock these editions until the transaction ends: nobody else lends, returns or reserves their copies."""
    _lock(session, sorted({f"edition:{edition}" for edition in editions}))


def _lock(session: Session, names: list[str]) -> None:
    # One order for all (patrons, then editions, each sorted): nobody waits in a circle. SQLite has one writer anyway.
    if session.get_bind().dialect.name == "postgresql":
        for name in names:
            session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})


def _alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config


def _sqlite_engine(url: str) -> Engine:
    # hide_parameters: an error text must not carry card numbers into a log.
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": WAIT_SECONDS})

    @event.listens_for(engine, "connect")
    def _prepare(connection: DBAPIConnection, _record: object) -> None:
        connection.isolation_level = None  # the driver begins no transactions of its own; _begin does
        cursor = connection.cursor()
        for pragma in _PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A writer takes the lock first: a transaction that has read already cannot wait for it.
        writes = connection.get_execution_options().get("circulation_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgresql_engine(url: str) -> Engine:
    limits = f"-c lock_timeout={WAIT_SECONDS}s -c statement_timeout={2 * WAIT_SECONDS}s"
    return create_engine(url, hide_parameters=True, pool_pre_ping=True, connect_args={"options": limits})


def _constraint(error: IntegrityError) -> str:
    """The name of the violated constraint; SQLite names only table and columns, from which it follows."""
    diagnosis = getattr(error.orig, "diag", None)
    if diagnosis is not None:
        return str(diagnosis.constraint_name)
    _, _, columns = str(error.orig).partition("UNIQUE constraint failed: ")
    pairs = [column.split(".") for column in columns.split(", ") if "." in column]
    return "_".join(["uq", pairs[0][0], *(pair[1] for pair in pairs)]) if pairs else ""


def _ran_out_of_time(error: OperationalError | PoolTimeout) -> bool:
    if isinstance(error, PoolTimeout):
        return True
    if isinstance(error.orig, sqlite3.OperationalError):
        return "locked" in str(error.orig) or "busy" in str(error.orig)
    if isinstance(error.orig, psycopg.OperationalError) and error.orig.sqlstate is None:
        # Nobody answered. Where a connection broke, nobody knows what became of its transaction.
        return not error.connection_invalidated
    # Lock not available, query cancelled by its time-out, deadlock, serialization failure, too many connections.
    return getattr(error.orig, "sqlstate", None) in {"55P03", "57014", "40P01", "40001", "53300"}
