"""Where the demonstration lives: a folder that it holds while it runs, and a port. What is wrong is said in words."""

import errno
import fcntl
import os
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_LOCK: Final = "running"
_OURS: Final = ("*.sqlite*", "secret-key", "vault-key", "*.pem", "*.journal*", "inbox/*")
_BACKLOG: Final = 128


class CannotStart(Exception):
    """The demonstration cannot be served like this. The text is a sentence for the operator."""


def read_port(text: str) -> int:
    """Return the number of a port on which one can serve. Raises CannotStart."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= 65535):
        raise CannotStart("--port takes a number from 1 to 65535.")
    return int(text)


def listen(*, host: str, port: int) -> socket.socket:
    """Return a socket that takes connections already; they wait until somebody serves them. Raises CannotStart."""
    try:
        return socket.create_server((host, port), backlog=_BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CannotStart(f"Port {port} is in use: stop what runs there, or choose another with --port.") from None
        if error.errno == errno.EACCES:
            raise CannotStart(f"Port {port} needs root: choose one from 1024 on with --port.") from None
        raise CannotStart(f"Port {port} cannot be used ({error.strerror}): choose another with --port.") from None


@contextmanager
def holding(instance: Path, *, alone: bool) -> Iterator[Callable[[], None]]:
    """Hold the demonstration's folder, which is made if there is none, and keep what lies there from other users.

    Others may hold it too, unless `alone` asks that nobody does until the function that is given is called. Raises
    CannotStart.
    """
    try:
        is_new = not instance.exists()
        instance.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(instance / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        reason = (error.strerror or "").lower()
        raise CannotStart(
            f"The demonstration cannot write to {instance} ({reason}): name another folder in LANEKORT_INSTANCE."
        ) from None
    try:
        fcntl.flock(lock, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise CannotStart(f"A demonstration runs in {instance}: stop it before you start anew.") from None
    try:
        _keep_from_others(instance, is_new=is_new)
        yield lambda: fcntl.flock(lock, fcntl.LOCK_SH)
    finally:
        os.close(lock)


def start_anew(instance: Path) -> None:
    """Delete what earlier demonstrations left, and nothing else that may lie in the folder."""
    for pattern in (
        "*.sqlite",
        "*.sqlite-wal",
        "*.sqlite-shm",
        "secret-key",
        "vault-key",
        "erasures.journal",
        "access-log-roots/*.json",
        "inbox/*.json",
    ):
        for path in instance.glob(pattern):
            path.unlink()


def _keep_from_others(instance: Path, *, is_new: bool) -> None:
    """Take away what other users may do with our files, and with the folder where it is clearly our own."""
    for pattern in _OURS:
        for path in instance.glob(pattern):
            _restrict(path)
    _restrict(instance / "inbox")
    if is_new or (instance / "secret-key").exists() or [path.name for path in instance.iterdir()] == [_LOCK]:
        _restrict(instance)


def _restrict(path: Path) -> None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    # A folder with the sticky bit, such as /tmp, is there for everybody.
    is_ours = found.st_uid == os.geteuid() and not found.st_mode & stat.S_ISVTX
    if is_ours and not stat.S_ISLNK(found.st_mode) and found.st_mode & 0o077:
        path.chmod(stat.S_IMODE(found.st_mode) & 0o700)
