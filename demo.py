"""The demonstration: what `./manage run` serves. Invented people, SQLite and keys under `instance/`."""

import argparse
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    # Ctrl-C ends it in silence, also in the middle of what follows, until gunicorn sees to it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import flask_migrate
import httpx
from flask import Flask
from gunicorn.app.base import BaseApplication

from app import create_app as create_portal
from app.cli.showing import draw_qr
from app.config import BadSettings, Settings, demo_settings
from app.demo.accounts import LIBRARIES, MACHINES, DemoMachine
from app.demo.eid import NoProvider, serving_eid
from app.demo.lan import lan_address, make_certificate
from app.demo.numbers import seed_numbers
from app.demo.place import CannotStart, holding, listen, read_port, start_anew
from app.demo.seed import seed_register
from app.eid.settings import EidSettings
from app.ils.circulation.system import CirculationSystem
from app.ils.json_call import make_client
from app.ils.systems import Systems
from app.messages.channels import Inbox, Letter
from app.rules.people.ages import day_in_norway
from app.work.worker import work
from circulation.demo import seed_demo, seed_totals
from circulation.factory import create_circulation, migrate_all
from circulation.libraries import open_libraries
from circulation.notices import send_notices
from circulation.settings import Settings as CirculationSettings
from server import Worker

_WORKERS = 2
_THREADS = 6


@dataclass(frozen=True, slots=True)
class Demonstration:
    """Both buildings under one roof. They still speak HTTP with each other, only without a network between them."""

    instance: Path
    settings: Settings

    def prepare(self) -> None:
        """Make tables and invented people, where there are none yet."""
        now = datetime.now(UTC)
        circulation = self._circulation_settings()
        migrate_all(circulation)
        seed_demo(settings=circulation, now=now)
        seed_totals(settings=circulation, now=now)
        with self.build().app_context():
            flask_migrate.upgrade()
            seed_register(now=now)
            seed_numbers(now=now)

    def now(self) -> datetime:
        """The present, for the libraries' side."""
        return datetime.now(UTC)

    def build(self) -> Flask:
        """Make the portal, connected to the libraries' loans systems."""
        circulation = self._circulation_settings()
        client, url = self.reach_libraries()
        systems = {
            library_id: CirculationSystem(
                client=client,
                url=url,
                library_id=library_id,
                user=circulation.api_user,
                password=circulation.api_password,
            )
            for library_id in LIBRARIES
        }
        return create_portal(self.settings, systems=Systems(systems), post=Inbox(self.instance / "inbox"))

    def build_libraries(self) -> Flask:
        """Make the libraries' loans system."""
        return create_circulation(self._circulation_settings(), clock=self.now)

    def reach_libraries(self) -> tuple[httpx.Client, str]:
        """Return what calls the libraries' loans system, and where it is."""
        return make_client(transport=httpx.WSGITransport(app=self.build_libraries())), "http://circulation.localhost"

    def send_library_letters(self, app: Flask) -> None:
        """Send what the libraries themselves have to say; each asks the register for an address at that moment."""
        with httpx.Client(transport=httpx.WSGITransport(app=app), base_url="https://register.localhost") as register:
            for machine in MACHINES:
                if machine.kind == "system":
                    self._send_letters_of(machine, register)

    def _send_letters_of(self, machine: DemoMachine, register: httpx.Client) -> None:
        library = open_libraries(self._circulation_settings())[machine.library_id]
        inbox, now = Inbox(self.instance / "inbox"), datetime.now(UTC)
        login = (machine.username, machine.password)

        def ask(card_number: str, *, field: str) -> str | None:
            value: str | None = register.get(f"/api/v1/patrons/{card_number}", auth=login).json().get(field)
            return value

        def text(number: str, words: str) -> bool:
            inbox.send(Letter("sms", number, "", words, at=now))
            return True

        def push(card_number: str, kind: str, key: str) -> bool:
            answer = register.post(
                f"/api/v1/patrons/{card_number}/push",
                json={"kind": kind},
                headers={"Idempotency-Key": key},
                auth=login,
            )
            return answer.status_code == httpx.codes.ACCEPTED

        def send(letter: EmailMessage) -> None:
            inbox.send(Letter("email", letter["To"], letter["Subject"], letter.get_content(), at=now))

        send_notices(
            database=library.database,
            policy=library.policy_at(now),
            sender="library@example.org",
            address_of=partial(ask, field="email"),
            send=send,
            phone_of=partial(ask, field="phone"),
            text=text,
            push=push,
            now=now,
        )
        library.database.close()

    def _circulation_settings(self) -> CirculationSettings:
        return CirculationSettings.for_demo(instance=self.instance)


def create_app() -> Flask:
    """Make the portal of the demonstration that is there already, for `flask --app demo ...`."""
    instance = instance_folder()
    if not (instance / "register.sqlite").exists():
        raise SystemExit(f"There is no demonstration in {instance}: ./manage run makes one.")
    return Demonstration(instance, demo_settings(instance)).build()


def instance_folder() -> Path:
    """Return where the demonstration keeps what is its own."""
    return Path(os.environ.get("LANEKORT_INSTANCE", "instance"))


class Server(BaseApplication):  # type: ignore[misc]
    """Gunicorn with two processes, and a few threads in each."""

    def __init__(self, demonstration: Demonstration, options: dict[str, Any]) -> None:
        self._demonstration = demonstration
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        """Take the options given."""
        for key, value in self._options.items():
            self.cfg.set(key, value)

    def run(self) -> None:
        """Serve until stopped. A worker's end is its process's, whatever the first process still has to do."""
        first = os.getpid()
        try:
            super().run()
        except SystemExit as end:
            if os.getpid() != first:
                os._exit(end.code if isinstance(end.code, int) else 0)
            raise

    def load(self) -> Flask:
        """Make the app, in each worker."""
        return self._demonstration.build()


def main() -> None:
    """Read the command line, prepare, and serve until stopped."""
    parser = argparse.ArgumentParser(prog="./manage run", description="Serve the demonstration.")
    parser.add_argument("--port", default="8000")
    parser.add_argument("--fresh", action="store_true", help="throw the demonstration's data away first")
    parser.add_argument("--lan", action="store_true", help="serve phones on the local network, over HTTPS")
    parser.add_argument("--worker", metavar="URL", help=argparse.SUPPRESS)
    asked = parser.parse_args()

    # Nothing that is made here is for other users of this machine: keys, databases, letters.
    os.umask(0o077)
    instance = instance_folder()
    if asked.worker:
        serve_post(Demonstration(instance, demo_settings(instance, public_url=asked.worker)))
        return
    try:
        port = read_port(asked.port)
        with holding(instance, alone=asked.fresh) as share:
            listener = listen(host="0.0.0.0" if asked.lan else "127.0.0.1", port=port)
            if asked.fresh:
                start_anew(instance)
                share()
            serve_anybody(instance, listener=listener, port=port, lan=asked.lan)
    except (CannotStart, BadSettings) as fault:
        raise SystemExit(f"./manage run: {fault}") from None
    except SystemExit as end:
        # All is ended and closed; to take a large program apart in memory takes Python seconds on a busy machine.
        sys.stdout.flush()
        os._exit(end.code if isinstance(end.code, int) else 0)


def serve_anybody(instance: Path, *, listener: socket.socket, port: int, lan: bool) -> None:
    """Prepare, and serve at a socket until stopped: this machine, or with `lan` phones nearby."""
    options: dict[str, Any] = {
        "workers": _WORKERS,
        # A browser opens connections ahead, and none of them may hold a thread.
        "worker_class": Worker,
        "threads": _THREADS,
        # It is gunicorn's from here on, which also closes it.
        "bind": f"fd://{listener.detach()}",
        "graceful_timeout": 1,
        # Ctrl-C waits for no request.
        "worker_int": lambda _worker: os._exit(0),
        "when_ready": end_in_silence,
        "loglevel": "warning",
        "control_socket_disable": True,
    }
    if lan:
        address = lan_address()
        url = f"https://{address}:{port}"
        settings = replace(demo_settings(instance, public_url=url), secure_cookies=True)
        options |= make_certificate(instance, address)
        print(draw_qr(url), end="")
        print("The certificate is made here, so the phone warns once: let it go on.")
        print("Behind it no browser keeps pages: without a network the card works for as long as its page stays open.")
    else:
        url = f"http://localhost:{port}"
        settings = demo_settings(instance, public_url=url)
    with ExitStack() as meanwhile:
        if lan:
            print("The national sign-in is off with --lan: its service answers on this machine alone.")
        else:
            settings = replace(settings, eid=meanwhile.enter_context(serving_eid_if_possible(url)))
        demonstration = Demonstration(instance, settings)
        demonstration.prepare()
        serve(demonstration, url=url, options=options)


def end_in_silence(arbiter: Any) -> None:  # noqa: ANN401 - gunicorn's
    """Let gunicorn say nothing once it is stopped: on a busy machine it kills who is too late, and wonders why."""
    logging.getLogger("gunicorn.error").addFilter(lambda _record: bool(arbiter.LISTENERS))


@contextmanager
def serving_eid_if_possible(url: str) -> Iterator[EidSettings | None]:
    """Serve the invented national sign-in; None, and a sentence why, where its program is not there."""
    with ExitStack() as stack:
        settings = None
        try:
            serving = serving_eid(redirect_uri=f"{url}/sign-in/return", today=day_in_norway(datetime.now(UTC)))
            settings = stack.enter_context(serving)
        except NoProvider as missing:
            print(f"The national sign-in is off, since {missing}: ./manage run fetches it from npm.")
        yield settings


def serve(demonstration: Demonstration, *, url: str, options: dict[str, Any]) -> None:
    """Serve until stopped."""
    # A process of its own, started anew: what is forked by multiprocessing and again by gunicorn ends in complaints.
    post = subprocess.Popen([sys.executable, __file__, "--worker", url])
    try:
        print(f"Lånekort is at {url} - stop it with Ctrl-C.", flush=True)
        Server(demonstration, options).run()
    finally:
        # What it was in the middle of it begins again the next time.
        post.kill()
        post.wait()


def serve_post(demonstration: Demonstration) -> None:
    """Send messages and tell libraries what is new, for as long as the demonstration runs."""
    demonstration_process = os.getppid()
    app = demonstration.build()
    demonstration.send_library_letters(app)
    work(app, go_on=lambda: os.getppid() == demonstration_process)


if __name__ == "__main__":
    main()
