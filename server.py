"""How gunicorn's workers take requests: each gets a thread when all of it has arrived.

Gunicorn's own threaded worker gives a thread to each connection, and so to a client that sends nothing, or a byte a
second. Here the main thread buffers what clients send. A quarter of the threads is reserved for the card and the scan;
other requests wait for one of the rest, for two seconds at most, and are then refused with 503, before any work is
done for them.
"""

import errno
import socket
import struct
from collections import Counter, deque
from enum import Enum, auto
from functools import partial
from re import IGNORECASE
from re import compile as pattern
from selectors import EVENT_READ
from time import monotonic
from typing import Any, Final

from gunicorn import http
from gunicorn.workers.gthread import TConn, ThreadWorker

ARRIVE_SECONDS: Final = 10.0
"""Time for a request to arrive, from its first byte or the start of the connection."""
WAIT_SECONDS: Final = 1.8
"""How long a whole request waits for a thread."""
MOST_HEAD: Final = 32 * 1024
MOST_BODY: Final = 64 * 1024
"""The portal takes no larger one; a larger one is not buffered, and uses the `LARGE` threads only."""
_SILENCE_SECONDS: Final = 10
_LONGEST_CHUNK_LINE: Final = 256
_READ_BYTES: Final = 65536

FIRST: Final = frozenset(
    {
        b"/api/v1/scan",
        b"/card",
        b"/card/app",
        b"/card/app.json",
        b"/card/code.png",
        b"/card/code.svg",
        b"/card/codes.json",
        b"/card/keys",
        b"/desk",
        b"/healthz",
        b"/time",
    }
)
"""The card, the scan, and the check that the process is alive."""

_LENGTH = pattern(rb"\r\ncontent-length:[ \t]*(\d{1,12})[ \t]*\r\n", IGNORECASE)
_CODING = pattern(rb"\r\ntransfer-encoding:", IGNORECASE)
_EXPECT = pattern(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n", IGNORECASE)


class Arrival(Enum):
    """How much of a request has arrived. LARGE: the head, and a body too large to buffer will follow."""

    PART = auto()
    WHOLE = auto()
    LARGE = auto()
    HEAD_TOO_LARGE = auto()


class Kind(Enum):
    """Which share of the threads a request uses."""

    FIRST = auto()
    OTHER = auto()
    LARGE = auto()


def arrival_of(data: bytes) -> Arrival:
    """How much of an HTTP/1.1 request (RFC 9112) has arrived. Nonsense counts as whole: the parser refuses it."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return Arrival.PART if len(data) <= MOST_HEAD else Arrival.HEAD_TOO_LARGE
    head, body_at = data[: end + 2], end + 4
    if _CODING.search(head):
        arrival = _arrival_of_chunks(data, body_at)
    else:
        length = _LENGTH.search(head)
        expected = int(length[1]) if length else 0
        if expected > MOST_BODY:
            return Arrival.LARGE
        arrival = Arrival.WHOLE if len(data) - body_at >= expected else Arrival.PART
    return Arrival.LARGE if arrival is Arrival.PART and len(data) - body_at > MOST_BODY else arrival


def _arrival_of_chunks(data: bytes, at: int) -> Arrival:
    while True:
        line_end = data.find(b"\r\n", at)
        if line_end < 0:
            return Arrival.PART if len(data) - at <= _LONGEST_CHUNK_LINE else Arrival.WHOLE
        try:
            size = int(data[at:line_end].partition(b";")[0], 16)
        except ValueError:
            return Arrival.WHOLE
        if size <= 0:
            # After the last chunk come the trailers, if any, and an empty line.
            return Arrival.WHOLE if data.find(b"\r\n\r\n", line_end) >= 0 else Arrival.PART
        at = line_end + 2 + size + 2
        if at > len(data):
            return Arrival.PART
        if data[at - 2 : at] != b"\r\n":
            return Arrival.WHOLE


def is_first(data: bytes) -> bool:
    """Whether a request is for the card or the scan."""
    target = data[: data.find(b"\r\n")].split(b" ", 2)[1:2]
    return bool(target) and target[0].partition(b"?")[0] in FIRST


def _answer(status: str, *lines: str, content: str = "") -> bytes:
    body = content.encode()
    head = [
        f"HTTP/1.1 {status}",
        *lines,
        "Connection: close",
        "Cache-Control: no-store",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join([*head, "", ""]).encode() + body


_SAFE: Final = (
    "Content-Security-Policy: default-src 'none'",
    "X-Content-Type-Options: nosniff",
    "Referrer-Policy: no-referrer",
)
_TOO_BUSY_PAGE: Final = """<!DOCTYPE html>
<html lang="nb"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>Prøv igjen – Lånekort</title></head>
<body><h1>Prøv igjen om litt</h1>
<p>Det er mange her akkurat nå. Ingenting er endret. Vent noen sekunder, og last siden på nytt.</p>
<p lang="nn">Det er mange her akkurat no. Ingenting er endra. Vent nokre sekund, og last sida på nytt.</p>
<p lang="sv">Det är många här just nu. Ingenting har ändrats. Vänta några sekunder och ladda om sidan.</p>
<p lang="en">Many people are here just now. Nothing was changed. Wait a few seconds, then load the page again.</p>
<p><a href="/">Til forsiden</a></p></body></html>
"""
_TOO_BUSY_PROBLEM: Final = (
    '{"type":"about:blank","title":"Service Unavailable","status":503,"code":"too-busy",'
    '"detail":"There are too many requests at once. Nothing was changed. Ask again in two seconds."}'
)
_TOO_BUSY_FOR_PEOPLE: Final = _answer(
    "503 Service Unavailable",
    "Content-Type: text/html; charset=utf-8",
    "Retry-After: 2",
    *_SAFE,
    content=_TOO_BUSY_PAGE,
)
_TOO_BUSY_FOR_MACHINES: Final = _answer(
    "503 Service Unavailable",
    "Content-Type: application/problem+json",
    "Retry-After: 2",
    *_SAFE,
    content=_TOO_BUSY_PROBLEM,
)
_TOO_SLOW: Final = _answer("408 Request Timeout")
_HEAD_TOO_LARGE: Final = _answer("431 Request Header Fields Too Large")
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection(TConn):
    """A client's connection, the bytes of its next request so far, and the deadline for the rest."""

    def __init__(self, *arguments: Any) -> None:  # noqa: ANN401 - gunicorn's
        super().__init__(*arguments)
        self.data_ready = True
        self.arrived = bytearray()
        self.until = 0.0
        self.kind = Kind.OTHER
        self.polled = self.continue_sent = False
        # The kernel applies these time-outs where gunicorn's threads read and write without one.
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            self.sock.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", _SILENCE_SECONDS, 0))

    def close(self, graceful: bool = False) -> None:
        """Close it without waiting. Gunicorn waits up to two seconds for a client that does not close its end."""
        super().close()


class Worker(ThreadWorker):
    """Gunicorn's threaded worker; a request gets a thread when all of it has arrived. With TLS it is unchanged."""

    def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - gunicorn's
        super().__init__(*arguments, **named)
        threads = self.cfg.threads
        large = 1
        self._share = {
            Kind.LARGE: large,
            Kind.OTHER: max(1, threads - threads // 4 - large),
            Kind.FIRST: self.worker_connections,
        }
        self._running: Counter[Kind] = Counter()
        # Both in the order of their deadlines, since the time-out is the same for all. Only the main thread uses these.
        self._arriving: dict[Connection, None] = {}
        self._waiting: deque[Connection] = deque()

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection; where there are too many, close an idle one first."""
        if self.cfg.is_ssl:
            super().accept(listener)
            return
        try:
            client, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        self.nr_conns += 1
        if self.nr_conns >= self.worker_connections:
            self._close_an_idle_one()
        self.enqueue_req(Connection(self.cfg, client, address, listener.getsockname()))

    def enqueue_req(self, conn: TConn) -> None:
        """Buffer the connection's next request."""
        if not isinstance(conn, Connection):
            super().enqueue_req(conn)
            return
        # Bytes that followed the previous request were read with it.
        conn.arrived = bytearray(conn.parser.unreader.take_buffered() if conn.parser else b"")
        conn.until = monotonic() + ARRIVE_SECONDS
        conn.continue_sent = False
        conn.sock.setblocking(False)
        self._arriving[conn] = None
        self._receive(conn)

    def finish_request(self, conn: TConn, future: Any) -> None:  # noqa: ANN401 - gunicorn's
        """Give the free thread to a waiting request."""
        if isinstance(conn, Connection):
            self._running[conn.kind] -= 1
        super().finish_request(conn, future)
        for waiting in list(self._waiting):
            if self._running[waiting.kind] < self._share[waiting.kind]:
                self._waiting.remove(waiting)
                self._start(waiting)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Wait for events, at most until the first waiting request times out."""
        if self._waiting:
            timeout = min(timeout, max(0.0, self._waiting[0].until - monotonic()))
        super().wait_for_and_dispatch_events(timeout)

    def murder_pending(self) -> None:
        """Close connections that were too slow, and refuse requests that waited too long. Called each second."""
        super().murder_pending()
        now = monotonic()
        for conn in list(self._arriving):
            if conn.until <= now or not (self.alive or conn.arrived):
                self._drop(conn, _TOO_SLOW if conn.arrived else b"")
            elif self.alive:
                break
        refused = 0
        while self._waiting and self._waiting[0].until <= now:
            conn = self._waiting.popleft()
            is_machine = conn.arrived.split(b" ", 2)[1].startswith(b"/api/")
            self._drop(conn, _TOO_BUSY_FOR_MACHINES if is_machine else _TOO_BUSY_FOR_PEOPLE)
            refused += 1
        if refused:
            self.log.warning("too busy: %s requests refused with 503", refused)

    def handle_request(self, req: Any, conn: TConn) -> Any:  # noqa: ANN401 - gunicorn's
        """Answer a request; disconnect a client that does not read the answer or send the rest of a large body."""
        try:
            return super().handle_request(req, conn)
        except BlockingIOError as error:
            raise ConnectionResetError(errno.ECONNRESET, "the client was silent for too long") from error

    def _receive(self, conn: Connection, _client: object = None) -> None:
        """Read what has arrived; wait for more, or start the request."""
        try:
            chunk = conn.sock.recv(_READ_BYTES)
        except BlockingIOError:
            chunk = None
        except OSError:
            chunk = b""
        if chunk == b"":
            self._drop(conn)
            return
        conn.arrived += chunk or b""
        data = bytes(conn.arrived)
        arrival = arrival_of(data)
        if arrival is Arrival.HEAD_TOO_LARGE:
            self._drop(conn, _HEAD_TOO_LARGE)
        elif arrival is Arrival.PART:
            self._wait_for_more(conn, data)
        else:
            self._forget(conn)
            conn.kind = Kind.LARGE if arrival is Arrival.LARGE else Kind.FIRST if is_first(data) else Kind.OTHER
            if self._running[conn.kind] < self._share[conn.kind]:
                self._start(conn)
            else:
                conn.until = monotonic() + WAIT_SECONDS
                self._waiting.append(conn)

    def _wait_for_more(self, conn: Connection, data: bytes) -> None:
        if not conn.continue_sent and b"\r\n\r\n" in data and _EXPECT.search(data):
            conn.continue_sent = True
            _send(conn, _CONTINUE)
        if not conn.polled:
            conn.polled = True
            self.poller.register(conn.sock, EVENT_READ, partial(self._receive, conn))

    def _start(self, conn: Connection) -> None:
        if conn.parser is None:
            conn.parser = http.get_parser(self.cfg, conn.sock, conn.client)
        conn.parser.unreader.unread(bytes(conn.arrived))
        conn.arrived = bytearray()
        self._running[conn.kind] += 1
        super().enqueue_req(conn)

    def _forget(self, conn: Connection) -> None:
        self._arriving.pop(conn, None)
        if conn.polled:
            conn.polled = False
            self.poller.unregister(conn.sock)

    def _drop(self, conn: Connection, last_answer: bytes = b"") -> None:
        self._forget(conn)
        if last_answer:
            _send(conn, last_answer)
        self.nr_conns -= 1
        conn.close()

    def _close_an_idle_one(self) -> None:
        if self.keepalived_conns:
            idle = self.keepalived_conns.popleft()
            self.poller.unregister(idle.sock)
            self.nr_conns -= 1
            idle.close()
        elif self._arriving:
            self._drop(next(iter(self._arriving)))


def _send(conn: Connection, answer: bytes) -> None:
    """Send a few bytes, which fit into the kernel's buffer, to a client that may have disconnected."""
    try:
        conn.sock.setblocking(False)
        conn.sock.send(answer)
    except OSError:
        return
