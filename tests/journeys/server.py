"""The portal under gunicorn, as `./manage run` serves it, with a clock that a test can turn."""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from flask import Flask

from app.config import demo_settings
from app.demo.eid import serving_eid
from app.ils.json_call import make_client
from app.register.store.transaction import db
from app.work.worker import work_once
from demo import Demonstration, Server
from tests.memory import find_memory
from tests.ports import own_port

HOST, NAME = "127.0.0.1", "localhost"
_ROOT = Path(__file__).parent.parent.parent


class TurnedClock:
    """The true clock and what a file adds to it, in seconds; the server and the test read the same file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __call__(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.ahead())

    def ahead(self) -> float:
        return float(self._file.read_text())

    def turn(self, *, seconds: float) -> None:
        """Turn the clock on. It only goes forward, as a step of the card does."""
        anew = self._file.with_suffix(".anew")
        anew.write_text(str(self.ahead() + seconds))
        anew.replace(self._file)

    def turn_into_step(self, *, seconds: float) -> None:
        """Turn the clock on until that many seconds of a new step of the card have gone by."""
        self.turn(seconds=30 - self().timestamp() % 30 + seconds)


class TurnedDemonstration(Demonstration):
    """The demonstration, but for its clock, which both buildings have.

    Where a file says at which address the libraries' building is, the portal calls it over the network.
    """

    def now(self) -> datetime:
        return TurnedClock(self.instance / "clock")()

    def build(self) -> Flask:
        app = super().build()
        app.config["CLOCK"] = self.now
        return app

    def reach_libraries(self) -> tuple[httpx.Client, str]:
        address = libraries_address(self.instance)
        return (make_client(), address.read_text()) if address.exists() else super().reach_libraries()


class LibrariesBuilding(TurnedDemonstration):
    """The libraries' loans system alone, served by a process of its own."""

    def build(self) -> Flask:
        return self.build_libraries()


def libraries_address(folder: Path) -> Path:
    """Return the file with the address of the libraries' building, where it is one of its own."""
    return folder / "libraries-address"


@dataclass(frozen=True)
class RunningPortal:
    """Where a running portal is, its clock, and the folder with its data."""

    url: str
    clock: TurnedClock
    folder: Path
    process: int

    def kill(self) -> None:
        """Kill master and workers in the midst of whatever they do."""
        os.killpg(self.process, signal.SIGKILL)

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Be in an app with this portal's data."""
        app = TurnedDemonstration(self.folder, demo_settings(self.folder)).build()
        with app.app_context():
            yield
            db.session.remove()
            db.engine.dispose()

    def work(self) -> None:
        """Do what the worker finds to do now; the portal that is tested has none of its own."""
        with self.inside():
            while work_once():
                pass


@cache
def _prepared() -> tuple[Any, Path]:
    """Return where the first portal of this process leaves what it prepared, and what deletes it in the end."""
    # Not when this module is loaded: the portal's own process does so too, and is killed.
    kept = tempfile.TemporaryDirectory(prefix="lanekort-prepared-", dir=find_memory())
    return kept, Path(kept.name) / "instance"


@contextmanager
def running_portal(
    folder: Path, *, port: int = 0, eid: bool = False, code: bool = False, apart: bool = False
) -> Iterator[RunningPortal]:
    """Serve the demonstration in `folder`, a fresh one if there is none, until the test is through with it.

    It listens on a port of its own, or on the one where it was before. With `eid` the national sign-in is served
    beside it, by the real provider. With `code` it asks for a code on a new device, and its address is a name, to which
    a browser binds passkeys. With `apart` its address is a name too, and the libraries' building is another server.
    """
    clock_file = folder / "clock"
    _kept, prepared = _prepared()
    if not clock_file.exists():
        if prepared.exists():
            shutil.copytree(prepared, folder, dirs_exist_ok=True)
        clock_file.write_text("0")
    libraries = own_port() if apart else 0
    if apart:
        libraries_address(folder).write_text(f"http://{HOST}:{libraries}")
    options = ["--eid"] * eid + ["--code"] * code + ["--named"] * apart
    with _serving(folder, port or own_port(), *options) as (url, process), ExitStack() as beside:
        if apart:
            # The portal has prepared the libraries' tables and people too.
            beside.enter_context(_serving(folder, libraries, "--libraries"))
        yield RunningPortal(url, TurnedClock(clock_file), folder, process)


@contextmanager
def _serving(folder: Path, port: int, *options: str) -> Iterator[tuple[str, int]]:
    """Serve in a process of its own; its address, and the process."""
    log_file = folder / ("log-of-libraries" if "--libraries" in options else "log")
    with log_file.open("w") as log:
        command = [sys.executable, "-m", __name__, str(folder), str(port), str(_prepared()[1]), *options]
        process = subprocess.Popen(
            command, cwd=_ROOT, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True
        )
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip()
        if not url:
            raise RuntimeError(log_file.read_text())
        yield url, process.pid
    finally:
        # Nobody comes back to it, and to end in order takes it seconds.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=300)
        process.stdout.close()


def main() -> None:
    """Serve, and say the address on the first line of the output when the door is open."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("port", type=int)
    parser.add_argument("prepared", type=Path)
    parser.add_argument("--eid", action="store_true")
    parser.add_argument("--code", action="store_true")
    parser.add_argument("--named", action="store_true")
    parser.add_argument("--libraries", action="store_true")
    asked = parser.parse_args()
    folder: Path = asked.folder
    output = os.dup(1)
    os.dup2(2, 1)

    address = f"http://{NAME if asked.code or asked.named else HOST}:{asked.port}"

    def say(_server: Any) -> None:
        os.write(output, f"{address}\n".encode())

    options = {
        "bind": f"{HOST}:{asked.port}",
        "workers": 2,
        # A browser opens connections ahead, and a worker with one thread would wait half a minute for each.
        "worker_class": "gthread",
        "threads": 6,
        "graceful_timeout": 1,
        "control_socket_disable": True,
        "when_ready": say,
    }
    if asked.libraries:
        Server(LibrariesBuilding(folder, demo_settings(folder)), options).run()
        return
    settings = replace(demo_settings(folder, public_url=address), new_device="code" if asked.code else "pin")
    with ExitStack() as meanwhile:
        if asked.eid:
            # The address to which it sends people back is on its list word for word.
            back, today = f"{settings.public_url}/sign-in/return", datetime.now(UTC).date()
            there = serving_eid(redirect_uri=back, today=today, port=own_port())
            settings = replace(settings, eid=meanwhile.enter_context(there))
        demonstration = TurnedDemonstration(folder, settings)
        demonstration.prepare()
        if not asked.prepared.exists():
            # Nobody has been served yet. What belongs to this portal or its processes alone stays here.
            # Another process copies: to close a database's file that was read here would give up SQLite's locks on it.
            subprocess.run(["cp", "-r", str(folder), str(asked.prepared)], check=True)
            for own in ("clock", "log", "libraries-address", *(each.name for each in asked.prepared.glob("*-shm"))):
                (asked.prepared / own).unlink(missing_ok=True)
        Server(demonstration, options).run()


if __name__ == "__main__":
    main()
