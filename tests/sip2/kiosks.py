"""Kiosks: one that speaks SIP2 byte by byte, and one that others wrote (PyPI's sip2)."""

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from Sip2.sip2 import Sip2
from Sip2.wrapper import Sip2Wrapper

from app.rules.sip2 import Message
from tests.sip2.systems import DATE, summed

KIOSK_1, KIOSK_2, PASSWORD = "2023500-kiosk1", "2023500-kiosk2", "demo-kiosk"
STATUS = b"9900802.00"


class RawKiosk:
    """A socket, the end of messages it likes, and numbers for them where it uses error detection."""

    def __init__(self, line: socket.socket, *, end: bytes = b"\r", sums: bool = True) -> None:
        self.line = line
        self.end = end
        self.sums = sums
        self._sequence = -1
        self._received = b""

    def send(self, raw: bytes) -> None:
        self.line.sendall(raw)

    def read(self) -> bytes:
        """Return the next answer with its end."""
        while not (end := re.search(rb"\r\n|[\r\n]", self._received)):
            chunk = self.line.recv(65536)
            assert chunk, f"the gateway hung up after {self._received!r}"
            self._received += chunk
        answer, self._received = self._received[: end.end()], self._received[end.end() :]
        return answer

    def read_exactly(self, size: int) -> bytes:
        while len(self._received) < size:
            chunk = self.line.recv(65536)
            assert chunk, "the gateway hung up"
            self._received += chunk
        answer, self._received = self._received[:size], self._received[size:]
        return answer

    def is_hung_up_on(self) -> bool:
        try:
            return self.line.recv(1) == b""
        except ConnectionResetError:
            return True

    def write(self, text: bytes) -> bytes:
        """Return a message as this kiosk sends it."""
        if not self.sums:
            return text + self.end
        self._sequence = (self._sequence + 1) % 10
        return summed(text, self._sequence)[:-1] + self.end

    def ask(self, text: bytes) -> Message:
        """Send a message, make sure of the answer's number and sum, and return it."""
        self.send(self.write(text))
        answer = Message(self.read().rstrip(b"\r\n"))
        assert answer.has_checksum == self.sums
        assert answer.is_whole
        if self.sums and answer.code != b"96":
            assert answer.sequence == b"%d" % self._sequence
        return answer

    def sign_on(self, user: str = KIOSK_1, password: str = PASSWORD) -> bytes:
        return self.ask(f"9300CN{user}|CO{password}|CPlobby|".encode()).content[:3]

    def status(self, card: str, *, language: bytes = b"000", pin: str = "") -> Message:
        return self.ask(b"23" + language + DATE + f"AOULLE|AA{card}|AC|AD{pin}|".encode())

    def information(self, card: str, *, pin: str = "") -> Message:
        return self.ask(b"63012" + DATE + b"  Y       " + f"AOULLE|AA{card}|AC|AD{pin}|".encode())

    def lend(self, card: str, item: str) -> Message:
        return self.ask(b"11NN" + DATE + DATE + f"AOULLE|AA{card}|AB{item}|AC|".encode())

    def end_session(self, card: str) -> Message:
        return self.ask(b"35" + DATE + f"AOULLE|AA{card}|AC|".encode())


@contextmanager
def raw_kiosk(port: int, **chosen: Any) -> Iterator[RawKiosk]:
    with socket.create_connection(("127.0.0.1", port), timeout=300) as line:
        yield RawKiosk(line, **chosen)


class _PaddedSums(Sip2):
    """Leaves no digit of a checksum out, which pysip2 would not read."""

    def _crc_calc(self, msg: str) -> str:
        return str(super()._crc_calc(msg)).rjust(4, "0")


class _Trusting(Sip2Wrapper):
    """Asks the system whether a patron may borrow: the wrapper itself takes a privilege that is denied for one."""

    def _command_available(self, sm_id: int) -> bool:
        return True


@contextmanager
def sip2_kiosk(port: int, folder: Path) -> Iterator[Sip2Wrapper]:
    """PyPI's sip2, connected."""
    client = _PaddedSums()
    for name, value in {
        "hostName": "127.0.0.1",
        "hostPort": port,
        "socketTimeout": 60,
        "tlsEnable": False,
        "institutionId": "ULLE",
        "logfile_path": str(folder),
        "loglevel": "CRITICAL",
    }.items():
        setattr(client, name, value)
    wrapper = _Trusting(autoConnect=False)
    wrapper._sip2 = client
    wrapper.connect()
    try:
        yield wrapper
    finally:
        wrapper.disconnect()
        for handler in client.log.handlers[:]:
            client.log.removeHandler(handler)
            handler.close()
