"""The servers that are measured: gunicorn as in production, with the portal or with the bare answer."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.load import send_one, write_request
from bench.people import fill_register
from tests.postgres import create_database, running_postgres

WORKERS = 2
SYNC = ("--worker-class", "sync", "--threads", "1")
_STOP_SECONDS = 20
_WORDS = 2000
_HOME = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class OpenVisit:
    """What is being served on the loopback address: the bare answer's port, and by engine the portal's, and its URL.

    The bare answer is served by gunicorn's simplest workers, and once more by the portal's own kind.
    """

    bare: int
    bare_in_threads: int
    portals: dict[str, int]
    databases: dict[str, str]


@contextmanager
def serve_all(*, people: int) -> Iterator[OpenVisit]:
    """Fill a register on each engine with so many people, and serve the portal over each, and the bare answer.

    All of it is thrown away afterwards. Faults carry what the servers last wrote.
    """
    with ExitStack() as running:
        folder = Path(running.enter_context(TemporaryDirectory(prefix="lanekort-bench-")))
        databases = {
            "SQLite": f"sqlite:///{folder / 'register.sqlite'}",
            "PostgreSQL": create_database(running.enter_context(running_postgres()), "bench"),
        }
        for url in databases.values():
            fill_register(url, people=people)
        yield OpenVisit(
            bare=running.enter_context(serve("bench.bare:app", folder / "bare.log", *SYNC)),
            bare_in_threads=running.enter_context(serve("bench.bare:app", folder / "threads.log")),
            portals={
                engine: running.enter_context(serve(f"bench.people:make_portal('{url}')", folder / f"{engine}.log"))
                for engine, url in databases.items()
            },
            databases=databases,
        )


@contextmanager
def serve(app: str, log: Path, *options: str) -> Iterator[int]:
    """Serve a WSGI app, named as gunicorn does, with its `options`. Gives the port; what it prints goes into `log`."""
    # The socket is made here and handed over, so that the port is free and nobody connects too early. It is not kept:
    # where the server does not start, the caller gets an error without waiting.
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener, log.open("wb") as words:
        port: int = listener.getsockname()[1]
        command = [sys.executable, "-m", "gunicorn", app, "--workers", str(WORKERS), "--log-level", "warning"]
        command += ["--no-control-socket", "--bind", f"fd://{listener.fileno()}", *options]
        process = subprocess.Popen(
            command,
            cwd=_HOME,
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=subprocess.STDOUT,
            pass_fds=[listener.fileno()],
        )
    try:
        # A worker takes seconds to start, and the load's time runs from its first moment.
        send_one(port, write_request("GET", "/"))
        yield port
    except Exception as error:
        error.add_note(f"{app} said: {log.read_text(errors='replace')[-_WORDS:]}")
        raise
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes], *, seconds: float = _STOP_SECONDS) -> None:
    """End a process by SIGTERM, or by SIGKILL where that takes longer than so many seconds."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
