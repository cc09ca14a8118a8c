"""The portal under gunicorn, as `./manage run` serves it, with a clock that a test can turn."""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask

from app.config import demo_settings
from app.demo.eid import serving_eid
from app.register.store.transaction import db
from app.work.worker import work_once
from demo import Demonstration, Server
from tests.ports import own_port

HOST = "127.0.0.1"
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
    """The demonstration, but for its clock."""

    def build(self) -> Flask:
        app = super().build()
        app.config["CLOCK"] = TurnedClock(self.instance / "clock")
        return app


@dataclass(frozen=True)
class RunningPortal:
    """Where a running portal is, its clock, and the folder with its data."""

    url: str
    clock: TurnedClock
    folder: Path

    def work(self) -> None:
        """Do what the worker finds to do now; the portal that is tested has none of its own."""
        app = TurnedDemonstration(self.folder, demo_settings(self.folder)).build()
        with app.app_context():
            while work_once():
                pass
            db.session.remove()
            db.engine.dispose()


@contextmanager
def running_portal(folder: Path, *, port: int = 0, eid: bool = False) -> Iterator[RunningPortal]:
    """Serve the demonstration in `folder`, a fresh one if there is none, until the test is through with it.

    It listens on a port of its own, or on the one where it was before. With `eid` the national sign-in is served
    beside it, by the real provider.
    """
    clock_file = folder / "clock"
    if not clock_file.exists():
        clock_file.write_text("0")
    command = [sys.executable, "-m", __name__, str(folder), str(port or own_port()), *(["--eid"] if eid else [])]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip()
        if not url:
            raise RuntimeError((folder / "log").read_text())
        yield RunningPortal(url, TurnedClock(clock_file), folder)
    finally:
        process.terminate()
        process.wait(timeout=300)
        process.stdout.close()


def main() -> None:
    """Serve, and say the address on the first line of the output when the door is open."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("port", type=int)
    parser.add_argument("--eid", action="store_true")
    asked = parser.parse_args()
    folder: Path = asked.folder
    output = os.dup(1)
    os.dup2(2, 1)

    def say(server: Any) -> None:
        _, port = server.LISTENERS[0].sock.getsockname()
        os.write(output, f"http://{HOST}:{port}\n".encode())

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
    settings = demo_settings(folder, public_url=f"http://{HOST}:{asked.port}")
    with ExitStack() as meanwhile:
        if asked.eid:
            # The address to which it sends people back is on its list word for word.
            back, today = f"{settings.public_url}/sign-in/return", datetime.now(UTC).date()
            there = serving_eid(redirect_uri=back, today=today, port=own_port())
            settings = replace(settings, eid=meanwhile.enter_context(there))
        demonstration = TurnedDemonstration(folder, settings)
        demonstration.prepare()
        Server(demonstration, options).run()


if __name__ == "__main__":
    main()
