"""A library behind the gate, whatever its system: what tests do there, and what it then knows."""

import socket
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from werkzeug.serving import make_server

from app.ils.port import LibrarySystem

NOW = datetime(2026, 3, 2, 11, 0, tzinfo=UTC)
ANNA, BERIT, CARLA, NOBODY = "N000200001", "N000200002", "N000200003", "N000200009"
USER, PASSWORD = "portal", "a password for the tests"
TITLE = "Gösta Berlings saga på Ærøya"
CARD_FEE = 2500
# Seconds for a library that does answer, on a machine that is busy with other tests.
PATIENCE = 60.0


@dataclass
class Lent:
    """A loan as the portal must come to see it."""

    loan_id: str
    title: str
    due_on: date


class World(ABC):
    """One library with its system; `system` is the gate's side of it."""

    system: LibrarySystem
    currency = "SEK"
    # What the adapter makes of a loan that somebody waits for.
    reserved_code = "reserved"
    # What it calls itself, as a pattern.
    called: str
    # Whether the parts of a debt are told, or only its sum.
    tells_fees = True

    @abstractmethod
    def lend(self, card_number: str, title: str = TITLE, *, days_ago: int = 0) -> Lent:
        """Lend a new copy of a book for 28 days."""

    @abstractmethod
    def take_back(self, lent: Lent) -> None:
        """Return it."""

    @abstractmethod
    def want(self, lent: Lent, card_number: str) -> None:
        """Queue for what somebody else has."""

    @abstractmethod
    def charge(self, card_number: str) -> None:
        """Charge CARD_FEE for a replacement card."""

    @abstractmethod
    def due_on(self, lent: Lent) -> date:
        """When the library itself says that it is due."""

    @abstractmethod
    def with_wrong_password(self) -> LibrarySystem:
        """The same library, for somebody who may not ask."""

    @abstractmethod
    def calls(self) -> int:
        """How many requests (connections, for SIP2) have come in."""

    def addresses(self) -> list[str]:
        """Paths and queries of all requests."""
        return []


class Counted:
    """A WSGI application whose requests are counted and whose addresses are kept."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.addresses: list[str] = []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        self.addresses.append(f"{environ['PATH_INFO']}?{environ.get('QUERY_STRING', '')}")
        return self._app(environ, start_response)


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """Serve a WSGI application over HTTP; the address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def listening(talk: Any) -> Iterator[int]:
    """A TCP server that lets `talk(connection)` deal with each connection; the port. Ends when the test does."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)

        def one(connection: socket.socket) -> None:
            with connection:
                connection.settimeout(5)
                with suppress(OSError):  # the gate hangs up, which is what it shall do
                    talk(connection, stop)

        def accept() -> None:
            while not stop.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                threading.Thread(target=one, args=(connection,), daemon=True).start()

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            stop.set()
            thread.join()


def silence(connection: socket.socket, stop: threading.Event) -> None:
    """Accept a call and never answer."""
    stop.wait()


def drip(connection: socket.socket, stop: threading.Event) -> None:
    """Answer one byte at a time, for ever."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not stop.wait(0.02):
        connection.sendall(b"z")


def say(answer: bytes) -> Any:
    """Give this answer to whatever is asked."""

    def talk(connection: socket.socket, stop: threading.Event) -> None:
        connection.recv(65536)
        connection.sendall(answer)

    return talk
