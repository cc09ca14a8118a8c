"""What stands around the portal, over real sockets: a mail server, and a library's system that listens for notices."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeVar

Server = TypeVar("Server", bound=socketserver.BaseServer)


class _Relay(socketserver.StreamRequestHandler):
    """As much SMTP (RFC 5321) as a relay speaks to one client. It takes nothing for an address that begins `no-`."""

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())

    def handle(self) -> None:
        self.say("220 ready")
        while command := self.rfile.readline().decode().strip():
            word = command.upper()
            if word.startswith("RCPT TO:<NO-"):
                self.say("550 no such box")
                continue
            if word == "DATA":
                self.say("354 go on")
                lines = list(iter(self.rfile.readline, b".\r\n"))
                self.server.received.append(b"".join(lines))  # type: ignore[attr-defined]
            self.say("221 bye" if word == "QUIT" else "250 ok")
            if word == "QUIT":
                return


class MailServer(socketserver.ThreadingTCPServer):
    """A mail server that keeps what it gets."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Relay)
        self.received: list[bytes] = []


class _System(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        notice = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.told.append(notice)  # type: ignore[attr-defined]
        body = json.dumps({"kept": [{"kind": "open_loans"}] if notice["kind"] == "erased" else []}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class LibrarySystem(ThreadingHTTPServer):
    """A library's system that takes every notice, and must keep loans of whoever is erased."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _System)
        self.told: list[dict[str, object]] = []


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    """Let a server run in a thread of its own."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
