"""Where a journal's lines are kept: a file, or a table of a second database. Both add under a lock, and durably.

A store has `adding()`, a context in which the journal is locked, `last_lines()` and `lines()`, oldest first. All raise
JournalUnreachable.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateTable

from app.register.store.connecting import CONNECT

DATABASES: Final = ("postgresql+psycopg://", "sqlite:///")
_TAIL_BYTES = 64 * 1024
_TAIL_LINES = 20
_LINES = sa.Table(
    "erasure_journal",
    sa.MetaData(),
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("line", sa.Text, nullable=False),
)


class JournalUnreachable(Exception):
    """The journal cannot be read or written now. The text is the type of the fault."""


@contextmanager
def _reachable() -> Iterator[None]:
    try:
        yield
    except (OSError, SQLAlchemyError) as error:
        # The error's text may contain a password.
        raise JournalUnreachable(type(error).__name__) from None


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
        # A half line that a killed writer left is ended first; readers ignore it.
        rest = memoryview(f"{chr(10) if self._is_torn else ''}{line}\n".encode())
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
        self._is_torn = False

    def replace(self, lines: Sequence[tuple[int, str]]) -> None:
        """Replace the file by one with these lines."""
        fresh = self._path.with_name(f"{self._path.name}.new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.writelines(f"{line}\n" for _seq, line in lines)
            file.flush()
            os.fsync(descriptor)
        fresh.rename(self._path)
        _sync_folder(self._path.parent)


class _FileStore:
    """A file that only its owner may read (0600), in a folder that is made if need be (0700)."""

    def __init__(self, path: str) -> None:
        self._path = Path(path).absolute()

    @contextmanager
    def adding(self) -> Iterator[LockedFile]:
        with _reachable():
            descriptor = self._open_locked()
            try:
                yield LockedFile(self._path, descriptor)
                os.fsync(descriptor)
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
            # Another process has replaced the file meanwhile.
            os.close(descriptor)

    @_reachable()
    def last_lines(self) -> Sequence[str]:
        try:
            descriptor = os.open(self._path, os.O_RDONLY)
        except FileNotFoundError:
            return []
        try:
            return _read_tail(descriptor)
        finally:
            os.close(descriptor)

    @_reachable()
    def lines(self) -> Sequence[str]:
        return _split(self._path.read_bytes() if self._path.exists() else b"")


def _read_tail(descriptor: int) -> list[str]:
    size = os.fstat(descriptor).st_size
    start = max(0, size - _TAIL_BYTES)
    lines = _split(os.pread(descriptor, size - start, start))
    # The beginning of the first line may be missing.
    return lines[1:] if start else lines


def _split(content: bytes) -> list[str]:
    lines = content.decode("utf-8", "replace").split("\n")
    rest = lines.pop()
    # A last line without a line break is whole if it ends as JSON does; otherwise its writer was killed.
    return [*lines, rest] if rest.endswith("}") else lines


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class _LockedTable:
    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def last_lines(self) -> Sequence[str]:
        newest_first = sa.select(_LINES.c.line).order_by(_LINES.c.seq.desc()).limit(_TAIL_LINES)
        return self._connection.scalars(newest_first).all()[::-1]

    def add(self, seq: int, line: str) -> None:
        self._connection.execute(sa.insert(_LINES).values(seq=seq, line=line))

    def replace(self, lines: Sequence[tuple[int, str]]) -> None:
        self._connection.execute(sa.delete(_LINES))
        for seq, line in lines:
            self.add(seq, line)


class _TableStore:
    """A table that is made in a second database if need be, on SQLite or PostgreSQL."""

    def __init__(self, url: str) -> None:
        self._url = url

    @contextmanager
    def adding(self) -> Iterator[_LockedTable]:
        with self._connect() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                # Also for the making of the table.
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(5139276438)"))
            connection.execute(CreateTable(_LINES, if_not_exists=True))
            yield _LockedTable(connection)
            connection.commit()

    def last_lines(self) -> Sequence[str]:
        with self._connect() as connection:
            return _LockedTable(connection).last_lines() if sa.inspect(connection).has_table(_LINES.name) else []

    def lines(self) -> Sequence[str]:
        with self._connect() as connection:
            if not sa.inspect(connection).has_table(_LINES.name):
                return []
            return connection.scalars(sa.select(_LINES.c.line).order_by(_LINES.c.seq)).all()

    @contextmanager
    def _connect(self) -> Iterator[sa.Connection]:
        with _reachable():
            # A pooler may be in between: nothing is prepared, and no longer waited for than by the register.
            options = {**CONNECT, "prepare_threshold": None} if self._url.startswith("postgresql") else {}
            engine = sa.create_engine(self._url, poolclass=sa.NullPool, hide_parameters=True, connect_args=options)
            if engine.dialect.name == "sqlite" and engine.url.database:
                _make_private(Path(engine.url.database))
            with engine.connect() as connection:
                yield connection


def _make_private(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A file that exists is not opened: closing it would release this process's locks on it.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


Store = _FileStore | _TableStore
Adding = LockedFile | _LockedTable


def open_store(address: str) -> Store:
    """Return the store at a path or at a database's URL. Nothing is opened or made before it is needed."""
    return _TableStore(address) if address.startswith(DATABASES) else _FileStore(address)
