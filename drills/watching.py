"""The portal under gunicorn, a worker, a library that never answers, and the Prometheus that watches them."""

import os
import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg

from bench.people import LIBRARY_ID, fill_register
from bench.servers import stop
from drills.installing.documents import HOME
from tests.ports import own_port
from tests.postgres import create_database, running_postgres

DEPLOYED: Final = HOME / "deploy" / "prometheus"
PROCESSES: Final = 2
_START_SECONDS: Final = 60
_NOBODY: Final = "only for a drill, on the loopback"


@dataclass(slots=True)
class Watched:
    """What runs. Ports are of the loopback; `database` is the register's URL for psycopg."""

    portal: subprocess.Popen[bytes]
    worker: subprocess.Popen[bytes]
    port: int
    worker_port: int
    token: str
    prometheus: str
    database: str

    def ask(self, query: str) -> list[dict[str, Any]]:
        """Return Prometheus' answer to an expression: samples with their labels."""
        answer = httpx.get(f"{self.prometheus}/api/v1/query", params={"query": query}, timeout=20)
        return list(answer.raise_for_status().json()["data"]["result"])

    def value(self, query: str) -> float:
        """Return the value of the only sample of an expression; -1.0 where there is none."""
        found = self.ask(query)
        return float(found[0]["value"][1]) if found else -1.0

    def firing(self) -> set[tuple[str, str]]:
        """Return the alarms that ring, each with the library it is about or nothing."""
        alerts = httpx.get(f"{self.prometheus}/api/v1/alerts", timeout=20).raise_for_status().json()["data"]["alerts"]
        ringing = (alert["labels"] for alert in alerts if alert["state"] == "firing")
        return {(labels["alertname"], labels.get("library", "")) for labels in ringing}

    def figures(self) -> str:
        """Return what /metrics shows."""
        shown = {"Authorization": f"Bearer {self.token}"}
        return httpx.get(f"http://127.0.0.1:{self.port}/metrics", headers=shown, timeout=20).raise_for_status().text


def wait_for(what: Callable[[], bool], *, seconds: float = _START_SECONDS) -> float:
    """Return after how many seconds something became true. Raises TimeoutError."""
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        try:
            if what():
                return time.monotonic() - begun
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise TimeoutError(what)


@contextmanager
def watch(folder: Path, *, people: int) -> Iterator[Watched]:
    """Start all of it over a register with so many people. Faults carry what the programs last wrote."""
    with ExitStack() as running:
        server = running.enter_context(running_postgres("fsync=off", in_memory=True))
        database = create_database(server, "watched")
        fill_register(database, people=people)
        with psycopg.connect(database.replace("+psycopg", "")) as connection:
            # A code goes to no address that nobody has proved to be theirs.
            connection.execute("UPDATE patrons SET proven_email = email")
        silent = running.enter_context(_silent_library())
        port, worker_port, token = own_port(), own_port(), secrets.token_hex(32)
        environ = _settings(folder, database, token=token, worker_port=worker_port, silent=silent)
        gunicorn = [sys.executable, "-m", "gunicorn", "wsgi:app", "--config", str(HOME / "gunicorn.conf.py")]
        gunicorn += ["--bind", f"127.0.0.1:{port}", "--workers", str(PROCESSES), "--threads", "6"]
        portal = running.enter_context(_run(gunicorn, folder / "portal.log", environ))
        flask = [sys.executable, "-m", "flask", "--app", "wsgi", "worker"]
        worker = running.enter_context(_run(flask, folder / "worker.log", environ))
        address = running.enter_context(_prometheus(folder, port=port, worker_port=worker_port, token=token))
        watched = Watched(portal, worker, port, worker_port, token, address, database.replace("+psycopg", ""))
        try:
            wait_for(lambda: watched.value('sum(up{job=~"lanekort-portal|lanekort-worker"})') == 2)
            yield watched
        except Exception as error:
            for log in folder.glob("*.log"):
                error.add_note(f"{log.name}: {log.read_text(errors='replace')[-1500:]}")
            raise


def _settings(folder: Path, database: str, *, token: str, worker_port: int, silent: int) -> dict[str, str]:
    systems = folder / "systems.toml"
    systems.write_text(
        f'[libraries.{LIBRARY_ID}]\nkind = "circulation"\nurl = "http://127.0.0.1:{silent}"\n'
        f'user = "portal"\npassword = "{secrets.token_hex(16)}"\n'
    )
    return os.environ | {
        "DATABASE_URL": database,
        "ERASURE_JOURNAL": str(folder / "erasures.journal"),
        "ILS_SYSTEMS_FILE": str(systems),
        "MAIL_FROM": "card@example.org",
        "METRICS_TOKEN": token,
        "NEW_DEVICE": "code",
        "PROXIES": "1",
        "PUBLIC_URL": "https://card.example.org",
        "SECRET_KEY": secrets.token_hex(32),
        # Nobody listens there: no message leaves.
        "SMTP_URL": f"smtp://127.0.0.1:{own_port()}",
        "VAULT_KEYS": f"1:{sha256(b'bench').hexdigest()}",
        "WORKER_METRICS_PORT": str(worker_port),
    }


@contextmanager
def _run(command: list[str], log: Path, environ: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as words:
        process = subprocess.Popen(
            command, cwd=HOME, env=environ, stdin=subprocess.DEVNULL, stdout=words, stderr=subprocess.STDOUT
        )
    try:
        yield process
    finally:
        stop(process)


@contextmanager
def _silent_library() -> Iterator[int]:
    """Accept connections at a port, and never answer."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        yield listener.getsockname()[1]


@contextmanager
def _prometheus(folder: Path, *, port: int, worker_port: int, token: str) -> Iterator[str]:
    """Run Prometheus with the deployed files. Only its pace is another: every two seconds, and alarms wait for one."""
    config = (DEPLOYED / "prometheus.yml").read_text()
    config = config.replace("127.0.0.1:8000", f"127.0.0.1:{port}").replace("127.0.0.1:9101", f"127.0.0.1:{worker_port}")
    # No kiosks here, and so no gateway.
    config = config.partition("  # The port of [status]")[0]
    (folder / "prometheus.yml").write_text(re.sub(r"interval: \d+s", "interval: 2s", config))
    rules = (DEPLOYED / "lanekort.rules.yml").read_text()
    (folder / "lanekort.rules.yml").write_text(rules.replace("interval: 30s", "interval: 1s"))
    alerts = (DEPLOYED / "lanekort.alerts.yml").read_text()
    (folder / "lanekort.alerts.yml").write_text(re.sub(r"for: \d+[mh]", "for: 1s", alerts))
    (folder / "lanekort.token").write_text(token)
    listens = f"127.0.0.1:{own_port()}"
    command = ["prometheus", f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'series'}"]
    with _run(
        [*command, f"--web.listen-address={listens}", "--log.level=warn"], folder / "prometheus.log", {**os.environ}
    ):
        address = f"http://{listens}"
        wait_for(lambda: httpx.get(f"{address}/-/ready").status_code == 200)
        yield address
