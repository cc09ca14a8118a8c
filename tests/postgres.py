"""A real PostgreSQL for the tests, made for the run and thrown away after it."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.memory import find_memory
from tests.ports import own_port

_DEBIAN = Path("/usr/lib/postgresql")


class PostgresMissing(Exception):
    """There is no PostgreSQL on this machine."""


def find_programs() -> Path:
    """Return the folder of PostgreSQL's programs: LANEKORT_PG_BIN, Debian's newest, or what is on the path."""
    asked = os.environ.get("LANEKORT_PG_BIN")
    if asked:
        # It may be a folder of links to those that are used; the others lie beside what they lead to.
        return (Path(asked) / "initdb").resolve().parent
    for folder in sorted(_DEBIAN.glob("*/bin"), reverse=True):
        if (folder / "initdb").exists():
            return folder
    found = shutil.which("initdb")
    if found is None:
        raise PostgresMissing("install PostgreSQL 14 or newer, or set LANEKORT_PG_BIN to the folder of its programs")
    return Path(found).resolve().parent


@contextmanager
def running_postgres(*settings: str, in_memory: bool = False) -> Iterator[str]:
    """Run a cluster of its own, with settings such as `wal_recycle=off`, and give its URL without a database name.

    `in_memory` keeps its files off the disk where there is room: a database is some 400 of them.
    """
    programs = find_programs()
    parent = find_memory() if in_memory else None
    with tempfile.TemporaryDirectory(prefix="lanekort-pg-", dir=parent, ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "data"
        data.mkdir()
        as_user: list[str] = []
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root.
            for path in (Path(folder), data):
                shutil.chown(path, "postgres", "postgres")
            as_user = ["runuser", "-u", "postgres", "--"]
        port = own_port()
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c max_connections=300 -c shared_buffers=64MB"
        # Its other way leaves files in /dev/shm behind, for it is not stopped but killed.
        options += " -c dynamic_shared_memory_type=mmap"
        options += "".join(f" -c {setting}" for setting in settings)
        _run([*as_user, programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"])
        _run([*as_user, programs / "pg_ctl", "-D", data, "-w", "-l", data / "log", "-o", options, "start"])
        try:
            yield f"postgresql+psycopg://postgres@127.0.0.1:{port}/"
        finally:
            _run([*as_user, programs / "pg_ctl", "-D", data, "-m", "immediate", "stop"])


def create_database(server_url: str, name: str, *, template: str = "template0") -> str:
    """Create a database, as a copy of another if one is named. Returns its URL."""
    with psycopg.connect(server_url.replace("+psycopg", "") + "postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return server_url + name


def drop_database(url: str) -> None:
    """Drop a database, whoever is still connected."""
    server, _, name = url.rpartition("/")
    with psycopg.connect(server.replace("+psycopg", "") + "/postgres", autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _run(command: list[str | Path]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)
    if done.returncode:
        raise RuntimeError(f"{command[-1]}: {done.stdout}{done.stderr}")
