"""The portal as its unit starts it, at a socket that outlives it; and upstreams that misbehave."""

import configparser
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from http.client import HTTPConnection
from pathlib import Path
from threading import Lock, Thread

from drills.deploy.proxy import HOME, Answer, ask_over
from tests.ports import own_port

UNITS = HOME / "deploy" / "systemd"
TOKEN = "a token for the drill's own figures"
_STOP_SECONDS, _START_SECONDS = 60, 180
# systemd hands sockets over as descriptors from 3 on, to the process that LISTEN_PID names.
_HAND_OVER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
os.execv(sys.argv[2], sys.argv[2:])
"""


def read_unit(name: str) -> configparser.ConfigParser:
    """Read a unit; of a setting with several lines the last one counts."""
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string((UNITS / name).read_text())
    return unit


class Portal:
    """The portal over a database, at `port`. It may be stopped and started; who connects meanwhile waits."""

    def __init__(self, database_url: str, folder: Path, *, workers: int) -> None:
        self.log = folder / "portal.log"
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self._listener.getsockname()[1]
        self._told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._told.bind(str(folder / "notify"))
        self._environment = os.environ | {
            "NOTIFY_SOCKET": str(folder / "notify"),
            "DATABASE_URL": database_url,
            "ERASURE_JOURNAL": str(folder / "erasures.journal"),
            "SECRET_KEY": sha256(b"the drill").hexdigest(),
            "VAULT_KEYS": f"1:{sha256(b'bench').hexdigest()}",
            "PUBLIC_URL": "https://card.example.org",
            "SMTP_URL": "smtp://127.0.0.1:9",
            "MAIL_FROM": "card@example.org",
            "PROXIES": "1",
            "METRICS_TOKEN": TOKEN,
            "WEB_CONCURRENCY": str(workers),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start what ExecStart= says, from this folder."""
        # Each of the former processes may have said that it was ready.
        self._told.setblocking(False)
        with suppress(BlockingIOError):
            while self._told.recv(4096):
                pass
        self._told.settimeout(_START_SECONDS)
        words = read_unit("lanekort-portal.service")["Service"]["ExecStart"].replace("/opt/lanekort", str(HOME))
        command = shlex.split(words)
        # The link of a virtual environment may lead elsewhere; its Python is the one that runs this.
        command[:1] = [sys.executable, "-m", Path(command[0]).name]
        hand_over = [sys.executable, "-c", _HAND_OVER, str(self._listener.fileno()), *command]
        with self.log.open("ab") as words_said:
            self._process = subprocess.Popen(
                hand_over,
                cwd=HOME,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=words_said,
                stderr=subprocess.STDOUT,
                pass_fds=[self._listener.fileno()],
                start_new_session=True,
            )

    def wait_until_ready(self) -> str:
        """Wait until it says that it is ready, as systemd does, and return what it said."""
        return self._told.recv(4096).decode()

    def stop(self) -> float:
        """Stop it as systemd does. Returns how many seconds that took."""
        begun = time.monotonic()
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                raise
            self._process = None
        return time.monotonic() - begun

    def close(self) -> None:
        """Stop it, and close its port: from now on who connects is refused."""
        self.stop()
        self._listener.close()
        self._told.close()

    def ask(self, method: str, path: str, *, headers: Mapping[str, str] | None = None) -> Answer:
        """Ask it past the proxy, in the proxy's name."""
        own = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "127.0.0.1", **(headers or {})}
        return ask_over(HTTPConnection("127.0.0.1", self.port, timeout=_STOP_SECONDS), method, path, headers=own)


class Upstream:
    """Takes the portal's place: keeps what reaches it, and answers, breaks off or keeps silent as `manner` says."""

    def __init__(self) -> None:
        self.port, self.manner = own_port(), "answer"
        self.heard: list[bytes] = []
        self._lock = Lock()
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=512)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Answer until the block ends."""
        Thread(target=self._accept, daemon=True).start()
        try:
            yield
        finally:
            self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _address = self._listener.accept()
                Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            while request := _read_request(client):
                with self._lock:
                    self.heard.append(request)
                if self.manner == "break off":
                    return
                if self.manner == "nonsense":
                    client.sendall(b"HTTP/1.1 200 OK\r\n\1" + request.split(b" ")[1] + b"\r\n\r\n")
                    return
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nok")


def _read_request(client: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        if not (more := client.recv(65536)):
            return b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    while len(body) < (lengths or [0])[0]:
        body += client.recv(65536)
    return head + b"\r\n\r\n" + body
