"""The portal's processes as production runs them, over a register of the test's: gunicorn, and `flask worker`."""

import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from apiflask import APIFlask

from app import create_app
from app.messages.channels import Inbox
from tests.conftest import settings_for

HOUSE = Path(__file__).parents[2]
_BACKLOG = 128
_STOP_SECONDS = 300


def make_portal(database_url: str, folder: str) -> APIFlask:
    """Make the portal with the true clock; its messages land in a folder."""
    return create_app(settings_for(database_url), post=Inbox(Path(folder) / "inbox"))


class Running:
    """A process, and those it has begun. `log` is what they say."""

    def __init__(self, command: Sequence[str], *, log: Path, listener: socket.socket | None = None) -> None:
        handed_over = [listener.fileno()] if listener is not None else []
        with log.open("ab") as words:
            self._process = subprocess.Popen(
                command,
                cwd=HOUSE,
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=subprocess.STDOUT,
                pass_fds=handed_over,
                start_new_session=True,
            )
        self.pid = self._process.pid

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def children(self) -> list[int]:
        """Return the processes it has begun, such as gunicorn's workers."""
        try:
            return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]
        except FileNotFoundError:
            return []

    def kill_child(self, dice: random.Random) -> None:
        """End one of those it has begun, in the middle of whatever it does."""
        with suppress(ProcessLookupError, IndexError):
            os.kill(dice.choice(self.children()), signal.SIGKILL)

    def kill(self) -> None:
        """End it and all it has begun at once, in the middle of whatever they do (SIGKILL)."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait(_STOP_SECONDS)


def start_web(
    database_url: str, folder: Path, listener: socket.socket, *, workers: int = 2, threads: int = 12, app: str = ""
) -> Running:
    """Serve the portal with gunicorn at a socket, which outlives it, so that the next one serves there too."""
    app = app or f"tests.wall.processes:make_portal('{database_url}', '{folder}')"
    options = ["--workers", str(workers), "--threads", str(threads), "--log-level", "warning", "--preload"]
    command = [sys.executable, "-m", "gunicorn", app, *options, "--bind", f"fd://{listener.fileno()}"]
    return Running(command, log=folder / "web.log", listener=listener)


def start_worker(database_url: str, folder: Path) -> Running:
    """Start `flask worker`."""
    app = f"tests.wall.processes:make_portal('{database_url}', '{folder}')"
    return Running([sys.executable, "-m", "flask", "--app", app, "worker"], log=folder / "worker.log")


@contextmanager
def listening() -> Iterator[socket.socket]:
    """Give a socket that takes connections on a free port of this machine."""
    with socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG) as listener:
        yield listener
