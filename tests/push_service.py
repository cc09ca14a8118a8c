"""A push service (RFC 8030), with TLS on this machine, which keeps what it gets."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.certificates import make_certificate


@dataclass(frozen=True)
class Pushed:
    """A notification as it came: where to, with which headers, and its bytes."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class PushService:
    """What came, and how it answers: a status, and headers beside."""

    address: str
    certificate: Path
    answer: tuple[int, dict[str, str]] = (201, {})
    received: list[Pushed] = field(default_factory=list)

    def trusted_by(self, _folder: Path) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.certificate))


@contextmanager
def serve_push(folder: Path) -> Iterator[PushService]:
    certificate, key = make_certificate(folder)
    service = PushService("", certificate)

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            service.received.append(Pushed(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            status, headers = service.answer
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        service.address = f"https://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield service
        server.shutdown()
