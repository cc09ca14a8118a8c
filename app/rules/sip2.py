"""SIP2 as bytes: finding messages and fields, checksums, and replacing the value of a field.

Nothing is decoded, so that unknown messages and fields pass unchanged.

Source: 3M Standard Interchange Protocol, version 2.00. A message is a two-digit code, fields of fixed length, then
fields of two letters and a value that end with "|". With error detection it ends with a sequence number (AY) and a
checksum (AZ). Messages end with CR; there are machines that send CR LF or LF.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from app.rules.errors import RuleBroken
from app.rules.typed import clean_identifier, clean_scan

# Code -> the length of all its fixed fields together. What a kiosk sends, then what it is answered.
_KIOSKS = {1: 19, 9: 37, 11: 38, 15: 19, 17: 18, 19: 18, 23: 21, 25: 18, 29: 38, 35: 18, 37: 25, 63: 31, 65: 18, 93: 2}
_ANSWERS = {10: 22, 12: 22, 16: 20, 18: 24, 20: 19, 24: 35, 26: 35, 30: 22, 36: 19, 38: 19, 64: 59, 66: 27, 94: 1}
_BOTH = {96: 0, 97: 0, 98: 34, 99: 8}
FIXED_LENGTHS = {b"%02d" % code: length for code, length in (_KIOSKS | _ANSWERS | _BOTH).items()}

_END = re.compile(rb"\r\n|[\r\n]")
# Some machines leave out leading zeros of the checksum.
_TRAILER = re.compile(rb"(?:AY([0-9]))?AZ([0-9A-Fa-f]{1,4})\Z")
# What checksums are sums of: bytes, or code points in an encoding (in Latin-1 both are the same).
_SUMS = ("", "utf-8", "cp850")
# What some machines send before a message: blanks, NUL, STX, a byte order mark in UTF-8.
_BEFORE = rb"(?:[\x00-\x20\x7f]|\xef\xbb\xbf)*"
_NOISE = re.compile(rb"\A" + _BEFORE)
_NEXT_MESSAGE = re.compile(_BEFORE + rb"(?:[0-9]{2}|[0-9]?\Z|[\r\n])")
_CARD_CODE = re.compile(rb"92[12][0-9]{13}(?:[0-9]{8})?")


class TooLong(RuleBroken):
    """A message is longer than any real one."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The bytes of a message, and its end: CR, CR LF or LF. A lone end has no content.

    `before` is what a machine sent before the message's code: blanks, NUL, STX or a byte order mark.
    """

    content: bytes
    end: bytes
    before: bytes = b""

    @property
    def raw(self) -> bytes:
        """All bytes, unchanged."""
        return self.before + self.content + self.end


class Framer:
    """Cuts a stream into frames. Joined, they are the stream again.

    A CR is an end immediately; an LF in a later chunk is a frame of its own. With `fields_may_break` an LF is
    an end only if the message before it is complete or nothing follows: some systems send line breaks in fields.
    """

    def __init__(self, *, limit: int, fields_may_break: bool = False) -> None:
        self._limit = limit
        self._fields_may_break = fields_may_break
        self._left = bytearray()

    @property
    def is_within_message(self) -> bool:
        """Whether a message has begun and not ended."""
        return bool(self._left)

    def feed(self, chunk: bytes) -> list[Frame]:
        """Return the frames that end within `chunk`. Raises TooLong."""
        searched = len(self._left)
        self._left += chunk
        frames, start = [], 0
        while end := _END.search(self._left, max(start, searched)):
            searched = end.end()
            content = bytes(self._left[start : end.start()])
            if self._fields_may_break and end[0] == b"\n" and self._is_within(content, searched):
                continue
            message = _NOISE.sub(b"", content)
            frames.append(Frame(message, end[0], content[: len(content) - len(message)]))
            start = searched
        del self._left[:start]
        if len(self._left) > self._limit or any(len(frame.content) > self._limit for frame in frames):
            raise TooLong
        return frames

    def _is_within(self, content: bytes, end: int) -> bool:
        """Return whether a LF at `end`, after `content`, is a line break within a field."""
        if end == len(self._left):
            return False
        is_complete = (
            content.endswith(b"|")
            or len(content) <= 2 + FIXED_LENGTHS.get(content[:2], 0)
            or _TRAILER.search(content) is not None
        )
        return not (is_complete and _NEXT_MESSAGE.match(self._left, end))


def checksum(content: bytes, *, characters: str = "") -> bytes:
    """Return four hex digits that bring a sum to zero (mod 2^16): that of all bytes, as SIP2 has it, or that of the
    characters' code points in the encoding `characters`, as some programs do."""
    total = sum(map(ord, content.decode(characters, "replace"))) if characters else sum(content)
    return b"%04X" % (-total & 0xFFFF)


class Message:
    """A message without its end. `code` may be of no message that SIP2 knows."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.code = content[:2]
        trailer = _TRAILER.search(content)
        # A last field without its "|" may end like a checksum.
        if trailer and trailer[1] is None and content[: trailer.start()][-1:] != b"|" and trailer.start() > len(b"96"):
            trailer = None
        self.sequence: bytes | None = trailer[1] if trailer else None
        self._sum: bytes | None = trailer[2] if trailer else None
        self._end = trailer.start() if trailer else len(content)

    @property
    def has_checksum(self) -> bool:
        """Whether the sender uses error detection."""
        return self._sum is not None

    @property
    def is_whole(self) -> bool:
        """Whether the checksum is right; true where there is none."""
        return self._sum is None or self.summed is not None

    @property
    def summed(self) -> str | None:
        """How the sender sums: "" for bytes, or the encoding whose code points it sums; None if the sum is wrong."""
        if self._sum is None:
            return None
        content, right = self.content[: -len(self._sum)], self._sum.upper().rjust(4, b"0")
        return next((way for way in _SUMS if checksum(content, characters=way) == right), None)

    @property
    def fields(self) -> list[tuple[bytes, bytes]]:
        """The names and values of all fields after the fixed ones, in their order; none where the code is unknown."""
        start = 2 + FIXED_LENGTHS.get(self.code, self._end)
        parts = self.content[start : self._end].split(b"|")
        return [(part[:2], part[2:]) for part in parts if len(part) >= 2]

    def fixed(self, start: int, length: int) -> bytes:
        """Return bytes of the fixed fields, counted from after the code; nothing where the message is too short."""
        value = self.content[2 + start : min(2 + start + length, self._end)]
        return value if len(value) == length else b""

    def value(self, name: bytes) -> bytes:
        """Return the first value of a field, or nothing."""
        return next((self.content[start:end] for start, end in self._spans(name)), b"")

    def card_code(self) -> bytes:
        """Return the value of AA that is the code of a card on a phone, as it was scanned, or nothing."""
        values = (self.content[start:end] for start, end in self._spans(b"AA"))
        return next((value for value in values if digits_of_code(value)), b"")

    def replace(self, name: bytes, values: Mapping[bytes, bytes]) -> "Message":
        """Return the message with other values of a field, and a new checksum if it had one."""
        parts, done = [], 0
        for start, end in self._spans(name):
            old = self.content[start:end]
            parts += [self.content[done:start], values.get(old, old)]
            done = end
        content = b"".join([*parts, self.content[done:]])
        if self._sum is not None:
            content = content[: -len(self._sum)]
            total = checksum(content, characters=self.summed or "")
            content += total if self._sum == self._sum.upper() else total.lower()
        return Message(content)

    def _spans(self, name: bytes) -> Iterator[tuple[int, int]]:
        # Where the values of a field begin and end.
        end = _find(self.content, b"|", 0, self._end)
        if (fixed := FIXED_LENGTHS.get(self.code)) is not None:
            place = 2 + fixed
            if not self.content.startswith(name, place):
                # Some kiosks leave out a fixed field such as a date, so that the first field begins earlier.
                place = self.content.find(name, 2, min(place, end))
            if 0 <= place <= end - len(name):
                yield place + len(name), end
        while end < self._end:
            start, end = end + 1, _find(self.content, b"|", end + 1, self._end)
            if self.content.startswith(name, start) and start + len(name) <= end:
                yield start + len(name), end


def digits_of_code(scanned: bytes) -> bytes:
    """Return a card's code without what scanners add to it, such as blanks or `]Q1`; nothing if it is no such code."""
    # No code holds a byte that is not UTF-8, such as a no-break space in Latin-1.
    code = clean_identifier(clean_scan(scanned.decode(errors="ignore"))).encode()
    return code if _CARD_CODE.fullmatch(code) else b""


def compose(code: bytes, fixed: bytes, fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return a message without sequence number and checksum. The values hold no "|" and no end of a message."""
    return code + fixed + b"".join(name + value + b"|" for name, value in fields)


def sign(content: bytes, *, sequence: bytes | None, characters: str = "") -> bytes:
    """Return a message with its sequence number, if there is one, and its checksum, summed as `checksum` says."""
    content += (b"AY" + sequence if sequence is not None else b"") + b"AZ"
    return content + checksum(content, characters=characters)


def _find(content: bytes, what: bytes, start: int, end: int) -> int:
    found = content.find(what, start, end)
    return end if found < 0 else found
