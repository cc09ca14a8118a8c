"""Bodies that are no bodies, sent to gunicorn byte by byte: each is answered with 400, and none is a fault of ours."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.doors.visits import SYSTEM
from tests.wall.processes import Running, listening, start_web

pytestmark = pytest.mark.usefixtures("programs")

SECRET = b"Sesam1234"
_PATIENCE_SECONDS = 60

CHUNKED = {
    "no chunk size": b"zz\r\n" + SECRET + b"\r\n0\r\n\r\n",
    "a negative size": b"-5\r\n" + SECRET + b"\r\n0\r\n\r\n",
    "a size that is too small": b"2\r\n" + SECRET + b"\r\n0\r\n\r\n",
    "a size with a sign": b"+9\r\n" + SECRET + b"\r\n0\r\n\r\n",
    "no end of a chunk": b"9\r\n" + SECRET + b"0\r\n\r\n",
    "a bad extension": b"9;=\x01\r\n" + SECRET + b"\r\n0\r\n\r\n",
    "a trailer that is none": b"9\r\n" + SECRET + b"\r\n0\r\nno trailer\r\n\r\n",
    "cut short in a chunk": b"ff\r\n" + SECRET,
    "cut short before the end": b"9\r\n" + SECRET + b"\r\n",
}
LENGTHS = (b"-1", b"abc", b"9, 10", b"0x9", b"+9", b"9 9", b"1e3")
PATHS = (
    ("/api/v1/scan", "application/json"),
    ("/login", "application/x-www-form-urlencoded"),
    ("/login", "multipart/form-data; boundary=b"),
    ("/healthz", "text/plain"),
    ("/nowhere", "text/plain"),
)


@pytest.fixture
def portal(database_url: str, tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """Serve the portal. Gives its port, and the log of its processes."""
    with listening() as listener:
        running: Running = start_web(database_url, tmp_path, listener)
        try:
            yield listener.getsockname()[1], tmp_path / "web.log"
        finally:
            running.kill()


def send(port: int, path: str, content_type: str, *lines: bytes, body: bytes) -> bytes:
    """Send a request, then nothing more, and return all that comes back."""
    head = [
        f"POST {path} HTTP/1.1".encode(),
        b"Host: localhost",
        f"Content-Type: {content_type}".encode(),
        f"Authorization: {SYSTEM.to_header()}".encode(),
        *lines,
    ]
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_SECONDS) as line:
        line.sendall(b"\r\n".join([*head, b"", body]))
        with suppress(ConnectionError):
            line.shutdown(socket.SHUT_WR)
            while chunk := line.recv(65536):
                answer += chunk
    return answer


def assert_nothing_is_told(log: Path) -> None:
    told = log.read_text(errors="replace")
    assert "Traceback" not in told
    assert '"fault"' not in told
    assert SECRET.decode() not in told


def test_a_malformed_chunked_body_is_answered_with_400_or_not_at_all(portal: tuple[int, Path]) -> None:
    port, log = portal
    for path, content_type in PATHS:
        for name, body in CHUNKED.items():
            answer = send(port, path, content_type, b"Transfer-Encoding: chunked", body=body)
            # What is cut short may be dropped: nobody waits for the answer. What nobody reads is judged by its address.
            expected = {b"400", b""} if "cut short" in name else {b"400"}
            if path in ("/healthz", "/nowhere"):
                expected |= {b"405", b"404"}
            assert answer[9:12] in expected, (path, name, answer[:200])
            assert answer.count(b"HTTP/1.1 ") <= 1, "what is left of it is taken for another request"
            assert SECRET not in answer
    assert_nothing_is_told(log)


def test_a_length_that_is_none_is_answered_with_400(portal: tuple[int, Path]) -> None:
    port, log = portal
    for path, content_type in PATHS:
        for length in LENGTHS:
            answer = send(port, path, content_type, b"Content-Length: " + length, body=SECRET)
            assert answer[9:12] == b"400", (path, length, answer[:200])
    assert_nothing_is_told(log)


def test_a_body_shorter_than_it_is_said_to_be_is_never_taken_for_whole(portal: tuple[int, Path]) -> None:
    port, log = portal
    for path, content_type in PATHS[:2]:
        answer = send(port, path, content_type, b"Content-Length: 500", body=b'{"payload": "1"}')
        assert answer[9:12] in (b"400", b""), (path, answer[:200])
    both = send(port, *PATHS[0], b"Content-Length: 16", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n")
    assert both[9:12] == b"400"
    assert_nothing_is_told(log)
