"""The servers that are measured: gunicorn as in production, with the portal or with the bare answer."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.people import fill_register
from tests.postgres import create_database, running_postgres

WORKERS = 2
_STOP_SECONDS = 20
_HOME = Path(__file__).parent.parent


@contextmanager
def fresh_registers(*, people: int) -> Iterator[tuple[Path, dict[str, str]]]:
    """Give a folder for the run and, for each engine by its name, the URL of a register with so many people."""
    with TemporaryDirectory(prefix="lanekort-bench-") as name, running_postgres() as server:
        folder = Path(name)
        databases = {
            "SQLite": f"sqlite:///{folder / 'register.sqlite'}",
            "PostgreSQL": create_database(server, "bench"),
        }
        for url in databases.values():
            fill_register(url, people=people)
        yield folder, databases


@contextmanager
def serve_bare(log: Path) -> Iterator[int]:
    """Serve the bare answer. Gives the port on the loopback address; words and faults go to `log`."""
    with _serve("bench.bare:app", log) as port:
        yield port


@contextmanager
def serve_portal(database_url: str, log: Path) -> Iterator[int]:
    """Serve the portal over a database, its log lines written to a file. Gives the port."""
    with _serve(f"bench.people:make_portal('{database_url}')", log) as port:
        yield port


@contextmanager
def _serve(app: str, log: Path) -> Iterator[int]:
    # The socket is made here and handed over, so that the port is free and nobody connects too early.
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener, log.open("wb") as words:
        command = [sys.executable, "-m", "gunicorn", app, "--workers", str(WORKERS), "--log-level", "warning"]
        command += ["--no-control-socket", "--bind", f"fd://{listener.fileno()}"]
        process = subprocess.Popen(
            command,
            cwd=_HOME,
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=subprocess.STDOUT,
            pass_fds=[listener.fileno()],
        )
        try:
            yield int(listener.getsockname()[1])
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
