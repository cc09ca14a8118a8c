"""The load: requests made beforehand, sent over a number of connections by one thread that does little else."""

import selectors
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

_SILENCE_SECONDS = 180.0
_READ_BYTES = 65536


class NoAnswer(Exception):
    """The server fell silent, or closed without an answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, as it came."""

    raw: bytes

    @property
    def status(self) -> int:
        """The status of the first line."""
        return int(self.raw[9:12])

    @property
    def body(self) -> bytes:
        """What follows the headers."""
        return self.raw.partition(b"\r\n\r\n")[2]

    def headers(self, name: str) -> list[str]:
        """Return every header line of this name."""
        lines = self.raw.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
        pairs = (line.partition(": ") for line in lines)
        return [value for key, _, value in pairs if key.lower() == name.lower()]


@dataclass(frozen=True, slots=True)
class Round:
    """What came of sending for a while. Times in seconds; a latency runs from connecting to the closed line."""

    seconds: float
    latencies: list[float]
    answers: list[Answer]

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.answers) / self.seconds


@dataclass(slots=True)
class _Exchange:
    line: socket.socket
    began: float
    chunks: list[bytes] = field(default_factory=list)


def write_request(method: str, path: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"") -> bytes:
    """Return a request as bytes, as a proxy passes it on that speaks HTTPS with the browser.

    Sync workers close the line after each answer, so it is asked for.
    """
    lines = {
        "Host": "localhost",
        "X-Forwarded-Proto": "https",
        "Connection": "close",
        "Content-Length": str(len(body)),
        **(headers or {}),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body


def send_one(port: int, request: bytes) -> Answer:
    """Send one request and return its answer."""
    return send(port, [request], connections=1, seconds=_SILENCE_SECONDS).answers[0]


def send(port: int, requests: Sequence[bytes], *, connections: int, seconds: float) -> Round:
    """Send the requests in order over so many connections until they or the seconds are used up.

    What was begun is finished. Raises NoAnswer.
    """
    done = Round(0.0, [], [])
    waiting = iter(requests)
    began = time.perf_counter()
    with selectors.DefaultSelector() as selector:
        try:
            for _ in range(connections):
                _begin(selector, port, waiting)
            while selector.get_map():
                ready = selector.select(_SILENCE_SECONDS)
                if not ready:
                    raise NoAnswer(f"nothing came for {_SILENCE_SECONDS:.0f} s")
                for key, _events in ready:
                    exchange: _Exchange = key.data
                    if _is_finished(exchange):
                        now = time.perf_counter()
                        selector.unregister(exchange.line)
                        exchange.line.close()
                        done.latencies.append(now - exchange.began)
                        done.answers.append(Answer(b"".join(exchange.chunks)))
                        if now - began < seconds:
                            _begin(selector, port, waiting)
        finally:
            for key in list((selector.get_map() or {}).values()):
                key.data.line.close()
    return Round(time.perf_counter() - began, done.latencies, done.answers)


def _begin(selector: selectors.BaseSelector, port: int, waiting: Iterator[bytes]) -> None:
    request = next(waiting, None)
    if request is None:
        return
    began = time.perf_counter()
    line = socket.create_connection(("127.0.0.1", port), timeout=_SILENCE_SECONDS)
    line.sendall(request)
    selector.register(line, selectors.EVENT_READ, _Exchange(line, began))


def _is_finished(exchange: _Exchange) -> bool:
    chunk = exchange.line.recv(_READ_BYTES)
    if chunk:
        exchange.chunks.append(chunk)
        return False
    if not exchange.chunks:
        raise NoAnswer("the line was closed without an answer")
    return True
