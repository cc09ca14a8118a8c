"""The gate's end of a SIP2 connection: a message is sent, the answer checked and read. `rules.sip2` is the codec."""

import re
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from app.ils.budget import CONNECT_SECONDS, Budget
from app.ils.port import Unavailable
from app.rules.sip2 import FIXED_LENGTHS, Message, compose, sign

MAX_MESSAGE: Final = 64 * 1024

_RESEND: Final = "96"
# The field separator, the end of a message, and whatever else is no text.
_UNSENDABLE: Final = re.compile(r"[|\x00-\x1f\x7f]")
# What servers put around a message: ends of lines, NUL, STX and ETX, blanks, a byte order mark.
_BEFORE: Final = re.compile(rb"(?:[\0\2\3 \r\n]|\xef\xbb\xbf)*")
_END: Final = b"\r\n\0\3"
# How long to wait for the rest of a message that may have a line break in a field.
_REST_SECONDS: Final = 0.2

Encoding = Literal["cp850", "latin-1", "utf-8"]
Fields = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sip2Settings:
    """The address of a SIP2 server, and how it writes.

    `user` and `password` for a sign-on (93), if there is one. `currency` where the server names none.
    `error_detection` numbers the messages and adds checksums. `due_date_format` is strptime's, for due dates that come
    neither in SIP2's own form nor as YYYY-MM-DD.
    """

    host: str
    port: int
    currency: str
    tls: bool = True
    user: str = ""
    password: str = field(default="", repr=False)
    location: str = ""
    institution: str = ""
    terminal_password: str = field(default="", repr=False)
    encoding: Encoding = "utf-8"
    error_detection: bool = True
    due_date_format: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
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

    def count(self, place: int) -> int | None:
        """Return the four digits at a place of the fixed fields; None where there are none."""
        digits = self.fixed[place : place + 4].strip()
        return int(digits) if digits.isdecimal() else None


def encode(
    code: str, fixed: str, fields: Fields, *, sequence: int | None, encoding: str, characters: str = ""
) -> bytes:
    """Return a message; with `sequence` (0-9) it has a checksum, summed as `rules.sip2.checksum` says. ValueError where
    a value cannot be sent."""
    if any(_UNSENDABLE.search(value) for _, value in fields):
        raise ValueError("a field's value holds a separator")
    try:
        encoded = [(name.encode("ascii"), value.encode(encoding)) for name, value in fields]
    except UnicodeEncodeError:
        raise ValueError("a field's value has no place in the encoding") from None
    content = compose(code.encode("ascii"), fixed.encode("ascii"), encoded)
    return (content if sequence is None else sign(content, sequence=b"%d" % sequence, characters=characters)) + b"\r"


def decode(raw: bytes, *, sequence: int | None, encoding: str) -> Answer:
    """Return the answer in `raw`, which is without its end. Unavailable: a checksum or sequence number that is wrong, a
    code that SIP2 does not know, fixed fields that are too short or not ASCII."""
    message = Message(raw)
    if not message.is_whole or (sequence is not None and message.sequence not in (None, b"%d" % sequence)):
        raise Unavailable("bad_answer")
    length = FIXED_LENGTHS.get(message.code)
    fixed = message.fixed(0, length or 0)
    if length is None or len(fixed) != length or not fixed.isascii():
        raise Unavailable("bad_answer")
    fields = tuple((_text(name, encoding), _text(value, encoding)) for name, value in message.fields)
    return Answer(message.code.decode("ascii"), fixed.decode("ascii"), fields)


def _text(value: bytes, encoding: str) -> str:
    """Decode a field. One that is no UTF-8 is read as what Western programs write instead."""
    try:
        return value.decode(encoding)
    except UnicodeDecodeError:
        return value.decode("cp1252", "replace")


class Connection:
    """A connection to a SIP2 server."""

    def __init__(self, *, settings: Sip2Settings, budget: Budget) -> None:
        self._settings = settings
        self.budget = budget
        self._sequence = 0
        self._summed = ""
        self._has_checksums = False
        host = settings.host
        try:
            plain = socket.create_connection((host, settings.port), timeout=min(CONNECT_SECONDS, budget.left()))
        except TimeoutError:
            raise Unavailable("too_slow") from None
        except OSError:
            raise Unavailable("no_answer") from None
        try:
            tls = ssl.create_default_context() if settings.tls else None
            self._socket = tls.wrap_socket(plain, server_hostname=host) if tls else plain
        except OSError:
            plain.close()
            raise Unavailable("no_answer") from None

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def ask(self, code: str, fixed: str, fields: Fields, *, answer: str) -> Answer:
        """Send a message and return the answer, which must have the code `answer`. One request to send it again is
        fulfilled. ValueError where a value cannot be sent."""
        sequence = self._sequence if self._settings.error_detection else None
        self._sequence = (self._sequence + 1) % 10
        encoding = self._settings.encoding
        for _ in range(2):
            sent = encode(code, fixed, fields, sequence=sequence, encoding=encoding, characters=self._summed)
            received = self._exchange(sent)
            if not received.isascii():
                self._summed = Message(received).summed or self._summed
            message = decode(received, sequence=sequence, encoding=encoding)
            if message.code == answer:
                return message
            if message.code != _RESEND:
                break
            # Some servers sum code points, and take a sum of bytes for a fault.
            self._summed = "" if self._summed else encoding
        raise Unavailable("bad_answer")

    def _exchange(self, sent: bytes) -> bytes:
        try:
            self._socket.settimeout(self.budget.left())
            self._socket.sendall(sent)
            return self._read_message()
        except TimeoutError:
            raise Unavailable("too_slow") from None
        except OSError:
            raise Unavailable("no_answer") from None

    def _read_message(self) -> bytes:
        received = b""
        while True:
            content = received[_BEFORE.match(received).end() :].rstrip(_END)  # type: ignore[union-attr]
            if not content[:2].isdigit() and len(content) > 1:
                raise Unavailable("bad_answer")
            has_end = bool(content) and received[-1] in _END
            if has_end and self._is_complete(content):
                return content
            left = self.budget.left()
            self._socket.settimeout(min(left, _REST_SECONDS) if has_end else left)
            try:
                chunk = self._socket.recv(8192)
            except TimeoutError:
                if has_end:
                    return content
                raise
            if not chunk:
                raise Unavailable("no_answer")
            received += chunk
            if len(received) > MAX_MESSAGE:
                raise Unavailable("bad_answer")

    def _is_complete(self, content: bytes) -> bool:
        """Return whether a message ends here, or after a line break in one of its fields."""
        message = Message(content)
        self._has_checksums = self._has_checksums or message.sequence is not None
        if message.has_checksum or self._has_checksums:
            return message.has_checksum
        return content.endswith(b"|") or len(content) <= 2 + FIXED_LENGTHS.get(message.code, len(content))
