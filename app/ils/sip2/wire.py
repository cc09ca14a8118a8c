"""The gate's end of a SIP2 connection: a message is sent, the answer checked and read. `rules.sip2` is the codec."""

import re
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from app.ils.budget import CONNECT_SECONDS, Budget
from app.ils.port import Unavailable
from app.rules.sip2 import FIXED_LENGTHS, Framer, Message, TooLong, compose, sign

MAX_MESSAGE: Final = 64 * 1024

_RESEND: Final = "96"
# The field separator, the end of a message, and whatever else is no text.
_UNSENDABLE: Final = re.compile(r"[|\x00-\x1f\x7f]")


Encoding = Literal["cp850", "latin-1", "utf-8"]


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


def encode(code: str, fixed: str, fields: Sequence[tuple[str, str]], *, sequence: int | None, encoding: str) -> bytes:
    """Return a message; with `sequence` (0-9) it has a checksum. ValueError where a value cannot be sent."""
    if any(_UNSENDABLE.search(value) for _, value in fields):
        raise ValueError("a field's value holds a separator")
    try:
        encoded = [(name.encode("ascii"), value.encode(encoding)) for name, value in fields]
    except UnicodeEncodeError:
        raise ValueError("a field's value has no place in the encoding") from None
    content = compose(code.encode("ascii"), fixed.encode("ascii"), encoded)
    return (content if sequence is None else sign(content, sequence=b"%d" % sequence)) + b"\r"


def decode(raw: bytes, *, sequence: int | None, encoding: str) -> Answer:
    """Return the answer in `raw`, which is without its end. Unavailable: a checksum or sequence number that is wrong, a
    code that SIP2 does not know, fixed fields that are too short, characters that are not of the encoding."""
    message = Message(raw)
    if not message.is_whole or (sequence is not None and message.sequence not in (None, b"%d" % sequence)):
        raise Unavailable("bad_answer")
    length = FIXED_LENGTHS.get(message.code)
    if length is None or (length and not message.fixed(0, length)):
        raise Unavailable("bad_answer")
    try:
        fields = tuple((name.decode(encoding), value.decode(encoding)) for name, value in message.fields)
        return Answer(message.code.decode("ascii"), message.fixed(0, length).decode(encoding), fields)
    except UnicodeDecodeError:
        raise Unavailable("bad_answer") from None


class Connection:
    """A connection to a SIP2 server."""

    def __init__(self, *, settings: Sip2Settings, budget: Budget) -> None:
        self._settings = settings
        self._budget = budget
        self._sequence = 0
        self._framer = Framer(limit=MAX_MESSAGE)
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

    def ask(self, code: str, fixed: str, fields: Sequence[tuple[str, str]], *, answer: str) -> Answer:
        """Send a message and return the answer, which must have the code `answer`. One request to send it again is
        fulfilled. ValueError where a value cannot be sent."""
        sequence = self._sequence if self._settings.error_detection else None
        sent = encode(code, fixed, fields, sequence=sequence, encoding=self._settings.encoding)
        self._sequence = (self._sequence + 1) % 10
        for _ in range(2):
            message = decode(self._exchange(sent), sequence=sequence, encoding=self._settings.encoding)
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
            self._socket.settimeout(self._budget.left())
            if not (chunk := self._socket.recv(8192)):
                raise Unavailable("no_answer")
            try:
                # An empty message is the LF of the one before. A server sends nothing unasked.
                messages = [frame.content for frame in self._framer.feed(chunk) if frame.content]
            except TooLong:
                raise Unavailable("bad_answer") from None
            if messages:
                return messages[0]
