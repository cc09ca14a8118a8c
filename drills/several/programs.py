"""Programs that a drill starts, kills and looks at, each with a log of its own."""

import os
import pwd
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

T = TypeVar("T")

HOME: Final = Path(__file__).parents[2]
DEPLOY: Final = HOME / "deploy"
DATABASE_USER: Final = "postgres"
_WORDS: Final = 3000


class TookTooLong(Exception):
    """What a drill waited for did not come."""


class Program:
    """A program as a machine's system starts it: in a session of its own, as another user if need be."""

    def __init__(
        self,
        command: Sequence[str | Path],
        log: Path,
        *,
        user: str | None = None,
        more: Mapping[str, str] | None = None,
    ) -> None:
        self._command = [str(part) for part in command]
        self.log = log
        self._user = user
        self._environment = {**os.environ, **(more or {})}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, unless it runs."""
        if self.runs():
            return
        account = pwd.getpwnam(self._user) if self._user else None
        with self.log.open("ab") as words:
            self._process = subprocess.Popen(
                self._command,
                cwd=HOME if account is None else "/",
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=account.pw_uid if account else None,
                group=account.pw_gid if account else None,
                extra_groups=[] if account else None,
            )

    def runs(self) -> bool:
        """Tell whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """End it as a loss of power does: kill -9, it alone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """End it and all that it has started: nothing of a drill is kept."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def last_words(self) -> str:
        """Return the end of its log."""
        return self.log.read_text(errors="replace")[-_WORDS:] if self.log.exists() else ""


def wait_until(what: Callable[[], T | None], *, seconds: float, waiting_for: str, pause: float = 0.1) -> T:
    """Wait until something is so, or is there, and return it. Raises TookTooLong."""
    ends = time.monotonic() + seconds
    while not (found := what()):
        if time.monotonic() > ends:
            raise TookTooLong(waiting_for)
        time.sleep(pause)
    return found


def write_for(target: Path, source: str, words: Mapping[str, str], *, of: str = "") -> Path:
    """Copy a file of deploy/, with other addresses and folders in it. Returns where it is.

    `of` is the number of the database host it is for: as docs/several-machines.md does, its name and address go into
    every line but those that name all three hosts.
    """
    lines = (DEPLOY / source).read_text(encoding="utf-8").splitlines()
    own = {"db1": f"db{of}", "10.0.0.21": f"10.0.0.2{of}"} if of else {}
    text = "\n".join(line if "10.0.0.23" in line else _put(line, own) for line in lines) + "\n"
    target.write_text(_put(text, words), encoding="utf-8")
    return target


def _put(text: str, words: Mapping[str, str]) -> str:
    for former, new in words.items():
        text = text.replace(former, new)
    return text
