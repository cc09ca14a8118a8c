"""The load: wrk sends requests that were made beforehand, each once, and every answer is read afterwards."""

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

_SILENCE_SECONDS = 180
_CLOSE = b"Connection: close\r\n"
_SCRIPT = Path(__file__).with_name("load.lua")
_LATENCY = re.compile(r"^latency ([0-9.]+)\S* ([0-9]+)", re.MULTILINE)


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
    """What came of sending for a while. Times in seconds; a latency runs from the request to the end of the answer."""

    seconds: float
    latencies: list[float]
    answers: list[Answer]

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.answers) / self.seconds


def write_request(method: str, path: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"") -> bytes:
    """Return a request as bytes, as a proxy passes it on that speaks HTTPS with the browser.

    It asks for the connection to be closed, which `send` leaves out.
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
    """Send one request and return its answer. Raises NoAnswer."""
    with socket.create_connection(("127.0.0.1", port), timeout=_SILENCE_SECONDS) as connection:
        connection.sendall(request)
        raw = b"".join(iter(lambda: connection.recv(65536), b""))
    if not raw:
        raise NoAnswer("the connection was closed without an answer")
    return Answer(raw)


def send(port: int, requests: Sequence[bytes], *, connections: int, seconds: float) -> Round:
    """Let wrk send the requests in order over so many connections until they or the seconds are used up.

    Connections are kept for the next request, where the server keeps them. With one connection the answers are in the
    order of the requests. Raises NoAnswer.
    """
    program = os.environ.get("LANEKORT_WRK") or shutil.which("wrk")
    if program is None:
        raise FileNotFoundError("wrk is needed to measure: apt install wrk (Debian, Ubuntu), brew install wrk (macOS)")
    with TemporaryDirectory(prefix="lanekort-load-") as folder:
        asked, answered = Path(folder, "requests"), Path(folder, "answers")
        kept = [request.replace(_CLOSE, b"", 1) for request in requests]
        asked.write_bytes(b"".join(b"%d\n%b" % (len(request), request) for request in kept))
        command = [program, "--threads=1", f"--connections={connections}", f"--duration={max(1, round(seconds))}s"]
        command += [f"--timeout={_SILENCE_SECONDS}s", f"--script={_SCRIPT}", f"http://127.0.0.1:{port}/", "--"]
        done = subprocess.run([*command, str(asked), str(answered)], capture_output=True, text=True, check=False)
        answers = _read_answers(answered.read_bytes() if answered.exists() else b"")
    took, faults = (re.search(rf"^{name} ([0-9.]+)", done.stdout, re.MULTILINE) for name in ("seconds", "faults"))
    if took is None or faults is None or int(float(faults[1])):
        raise NoAnswer(f"wrk said: {(done.stdout + done.stderr)[-2000:]}")
    counted = [(float(microseconds), int(count)) for microseconds, count in _LATENCY.findall(done.stdout)]
    latencies = [microseconds / 1e6 for microseconds, count in counted for _ in range(count)]
    return Round(float(took[1]), latencies, answers)


def _read_answers(written: bytes) -> list[Answer]:
    answers, start = [], 0
    while (end := written.find(b"\n", start)) >= 0:
        start = end + 1 + int(written[start:end])
        answers.append(Answer(written[end + 1 : start]))
    return answers
