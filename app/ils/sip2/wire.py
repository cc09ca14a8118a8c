"""SIP2 on the wire: messages, checksums and a connection. Source: 3M Standard Interchange Protocol, version 2.00.

A message is a two-digit code, fields of fixed length, then fields of two letters and a value that end with "|". With
error detection it ends with a sequence number (AY) and a checksum (AZ). Messages end with CR; servers that send CR LF
or LF are understood.
"""

import re
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.ils.budget import CONNECT_SECONDS, Budget
from app.ils.port import Unavailable
from app.rules.sip2 import checksum

MAX_MESSAGE: Final = 64 * 1024

# Code of an answer -> the length of all its fixed fields together.
_FIXED: Final = {"94": 1, "64": 59, "18": 24, "30": 22, "66": 27}
_RESEND: Final = "96"
_TRAILER: Final = re.compile(rb"(?:AY(\d))?AZ([0-9A-Fa-f]{4})\Z")
# The field separator, the end of a message, and whatever else is no text.
_UNSENDABLE: Final = re.compile(r"[|\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Message:
    """An answer: its fixed fields as one text, and the others in their order."""

    code: str
    fixed: str
    fields: tuple[tuple[str, str], ...]

    def first(self, name: str) -> str:
        """Return the field's first value, or nothing."""
        return next(iter(self.all(name)), "")

    def all(self, name: str) -> list[str]:
        """Return the field's values that are not empty."""
        return [value for field, value in self.fields if field == name and value]


def encode(code: str, fixed: str, fields: Sequence[tuple[str, str]], *, sequence: int | None, encoding: str) -> bytes:
    """Return a message; with `sequence` (0-9) it has a checksum. ValueError where a value cannot be sent."""
    if any(_UNSENDABLE.search(value) for _, value in fields):
        raise ValueError("a field's value holds a separator")
    text = code + fixed + "".join(f"{name}{value}|" for name, value in fields)
    try:
        content = text.encode(encoding)
    except UnicodeEncodeError:
        raise ValueError("a field's value has no place in the encoding") from None
    if sequence is not None:
        content += b"AY%dAZ" % sequence
        content += checksum(content)
    return content + b"\r"


def decode(raw: bytes, *, sequence: int | None, encoding: str) -> Message:
    """Return the message in `raw`, which is without its end. Unavailable: a checksum or sequence number that is wrong,
    a code nobody asked for, characters that are not of the encoding."""
    if trailer := _TRAILER.search(raw):
        if checksum(raw[:-4]) != trailer[2].upper():
            raise Unavailable("bad_answer")
        if sequence is not None and trailer[1] is not None and int(trailer[1]) != sequence:
            raise Unavailable("bad_answer")
        raw = raw[: trailer.start()]
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        raise Unavailable("bad_answer") from None
    code = text[:2]
    if code == _RESEND:
        return Message(code, "", ())
    length = _FIXED.get(code)
    if length is None or len(text) < 2 + length:
        raise Unavailable("bad_answer")
    parts = text[2 + length :].split("|")
    return Message(code, text[2 : 2 + length], tuple((part[:2], part[2:]) for part in parts if len(part) >= 2))


class Connection:
    """A connection to a SIP2 server. `error_detection` numbers the messages and sums up their bytes."""

    def __init__(
        self, *, host: str, port: int, tls: bool, encoding: str, error_detection: bool, budget: Budget
    ) -> None:
        self._encoding = encoding
        self._error_detection = error_detection
        self._budget = budget
        self._sequence = 0
        self._received = bytearray()
        try:
            plain = socket.create_connection((host, port), timeout=min(CONNECT_SECONDS, budget.left()))
        except TimeoutError:
            raise Unavailable("too_slow") from None
        except OSError:
            raise Unavailable("no_answer") from None
        try:
            self._socket = ssl.create_default_context().wrap_socket(plain, server_hostname=host) if tls else plain
        except OSError:
            plain.close()
            raise Unavailable("no_answer") from None

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def ask(self, code: str, fixed: str, fields: Sequence[tuple[str, str]], *, answer: str) -> Message:
        """Send a message and return the answer, which must have the code `answer`. One request to send it again is
        fulfilled. ValueError where a value cannot be sent."""
        sequence = self._sequence if self._error_detection else None
        sent = encode(code, fixed, fields, sequence=sequence, encoding=self._encoding)
        self._sequence = (self._sequence + 1) % 10
        for _ in range(2):
            message = decode(self._exchange(sent), sequence=sequence, encoding=self._encoding)
            if message.code == answer:
                return message
            if message.code != _RESEND:
                break
        raise Unavailable("bad_answer")

    def _exchange(self, sent: bytes) -> bytes:
        try:
            self._socket.settimeout(self._budget.left())
            self._socket.sendall(sent)
            return self._read_message()
        except TimeoutError:
            raise Unavailable("too_slow") from None
        except OSError:
            raise Unavailable("no_answer") from None

    def _read_message(self) -> bytes:
        while True:
            # The LF of a CR LF comes before the next message.
            del self._received[: len(self._received) - len(self._received.lstrip(b"\r\n"))]
            if end := re.search(rb"[\r\n]", self._received):
                message = bytes(self._received[: end.start()])
                del self._received[: end.end()]
                return message
            if len(self._received) > MAX_MESSAGE:
                raise Unavailable("bad_answer")
            self._socket.settimeout(self._budget.left())
            if not (chunk := self._socket.recv(8192)):
                raise Unavailable("no_answer")
            self._received += chunk
