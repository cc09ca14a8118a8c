"""Where a journal's lines stand: in a file, or in a table of a second database. Both add under a lock, and durably."""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Engine, NullPool, create_engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError

_TAIL_BYTES = 64 * 1024
_TABLE = "erasure_journal"


class JournalUnreachable(Exception):
    """The journal cannot be read or written now. The text says of what kind the fault was."""


class Adding(Protocol):
    """A journal while nobody else adds to it."""

    def last_lines(self) -> Sequence[str]:
        """Return the last lines, oldest first; none where the journal is empty."""

    def add(self, seq: int, line: str) -> None:
        """Add a line. It is on the disk when the lock is given back."""

    def replace(self, lines: Sequence[tuple[int, str]]) -> None:
        """Put these lines into the place of all, or leave all as they are."""


class Store(Protocol):
    """A place for lines. Everything raises JournalUnreachable."""

    def adding(self) -> AbstractContextManager[Adding]:
        """Keep everybody else from adding meanwhile."""

    def last_lines(self) -> Sequence[str]:
        """Return the last lines, oldest first; none where there is no journal."""

    def lines(self) -> Iterator[str]:
        """Return every line, oldest first."""


class FileStore:
    """A file that only its owner may read (0600), in a folder that is made if need be (0700)."""

    def __init__(self, path: str) -> None:
        self._path = Path(path).absolute()

    @contextmanager
    def adding(self) -> Iterator[Adding]:
        """Keep everybody else from adding meanwhile."""
        try:
            descriptor = self._open_locked()
        except OSError as error:
            raise JournalUnreachable(type(error).__name__) from error
        try:
            yield LockedFile(self._path, descriptor)
            os.fsync(descriptor)
        except OSError as error:
            raise JournalUnreachable(type(error).__name__) from error
        finally:
            os.close(descriptor)

    def _open_locked(self) -> int:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        while True:
            is_new = not self._path.exists()
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if self._path.exists() and os.fstat(descriptor).st_ino == self._path.stat().st_ino:
                if is_new:
                    _sync_folder(self._path.parent)
                return descriptor
            # Another process put a shorter one into its place meanwhile.
            os.close(descriptor)

    def last_lines(self) -> Sequence[str]:
        """Return the last lines, oldest first; none where there is no journal."""
        try:
            descriptor = os.open(self._path, os.O_RDONLY)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise JournalUnreachable(type(error).__name__) from error
        try:
            return _read_tail(descriptor)
        finally:
            os.close(descriptor)

    def lines(self) -> Iterator[str]:
        """Return every line, oldest first."""
        try:
            content = self._path.read_bytes() if self._path.exists() else b""
        except OSError as error:
            raise JournalUnreachable(type(error).__name__) from error
        return iter(_split(content))


class LockedFile:
    """The journal's file while this process holds its lock."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        size = os.fstat(descriptor).st_size
        self._is_torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"

    def last_lines(self) -> Sequence[str]:
        """Return the last lines, oldest first."""
        return _read_tail(self._descriptor)

    def add(self, _seq: int, line: str) -> None:
        """Write a line at the end."""
        # What a writer that was killed left of its line stays; it is closed, and no reader takes it for one.
        rest = memoryview(f"{chr(10) if self._is_torn else ''}{line}\n".encode())
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
        self._is_torn = False

    def replace(self, lines: Sequence[tuple[int, str]]) -> None:
        """Put these lines, with their places, in the place of all."""
        fresh = self._path.with_name(f"{self._path.name}.new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.writelines(f"{line}\n" for _seq, line in lines)
            file.flush()
            os.fsync(descriptor)
        fresh.rename(self._path)
        _sync_folder(self._path.parent)


def _read_tail(descriptor: int) -> list[str]:
    size = os.fstat(descriptor).st_size
    start = max(0, size - _TAIL_BYTES)
    lines = _split(os.pread(descriptor, size - start, start))
    # Of the first one the beginning may be missing.
    return lines[1:] if start else lines


def _split(content: bytes) -> list[str]:
    lines = content.decode("utf-8", "replace").split("\n")
    rest = lines.pop()
    # A line without its end is whole where only that was not written any more; otherwise its writer was killed.
    return [*lines, rest] if rest.endswith("}") else lines


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class TableStore:
    """A table that is made in a second database if need be, on SQLite or PostgreSQL."""

    def __init__(self, url: str) -> None:
        self._url = url

    @contextmanager
    def adding(self) -> Iterator[Adding]:
        """Keep everybody else from adding meanwhile."""
        try:
            with self._engine() as engine, engine.connect() as connection:
                if engine.dialect.name == "sqlite":
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
                else:
                    # Two that make the table at once would meet.
                    connection.execute(text("SELECT pg_advisory_xact_lock(5139276438)"))
                connection.execute(
                    text(f"CREATE TABLE IF NOT EXISTS {_TABLE} (seq BIGINT PRIMARY KEY, line TEXT NOT NULL)")
                )
                yield _LockedTable(connection)
                connection.commit()
        except SQLAlchemyError as error:
            # Its text may hold the password.
            raise JournalUnreachable(type(error).__name__) from None

    def last_lines(self) -> Sequence[str]:
        """Return the last line; none where there is no journal."""
        try:
            with self._engine() as engine, engine.connect() as connection:
                return _LockedTable(connection).last_lines() if inspect(connection).has_table(_TABLE) else []
        except SQLAlchemyError as error:
            raise JournalUnreachable(type(error).__name__) from None

    def lines(self) -> Iterator[str]:
        """Return every line, oldest first."""
        try:
            with self._engine() as engine, engine.connect() as connection:
                if not inspect(connection).has_table(_TABLE):
                    return iter(())
                rows = connection.execute(text(f"SELECT line FROM {_TABLE} ORDER BY seq"))  # noqa: S608 - our own name
                return iter([row.line for row in rows])
        except SQLAlchemyError as error:
            raise JournalUnreachable(type(error).__name__) from None

    @contextmanager
    def _engine(self) -> Iterator[Engine]:
        engine = create_engine(self._url, poolclass=NullPool, hide_parameters=True)
        if engine.dialect.name == "sqlite" and engine.url.database:
            path = Path(engine.url.database)
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Never opened where it is there: closing it would take away this process's locks on it.
            with suppress(FileExistsError):
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        yield engine
        engine.dispose()


class _LockedTable:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def last_lines(self) -> Sequence[str]:
        last = text(f"SELECT line FROM {_TABLE} ORDER BY seq DESC LIMIT 1")  # noqa: S608 - our own name
        return [row.line for row in self._connection.execute(last)]

    def add(self, seq: int, line: str) -> None:
        added = text(f"INSERT INTO {_TABLE} (seq, line) VALUES (:seq, :line)")  # noqa: S608 - our own name
        self._connection.execute(added, {"seq": seq, "line": line})

    def replace(self, lines: Sequence[tuple[int, str]]) -> None:
        self._connection.execute(text(f"DELETE FROM {_TABLE}"))  # noqa: S608 - our own name
        for seq, line in lines:
            self.add(seq, line)
