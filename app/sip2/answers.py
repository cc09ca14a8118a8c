"""The gateway's own answers, each of the kind that the kiosk waits for. Source: SIP2 version 2.00, "Messages"."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from app.rules.sip2 import Message, compose, sign

# Charge, renewal, recall and hold privileges denied; nothing is said about the other ten.
_NO_PRIVILEGES = b"YYYY" + b" " * 10
_UNKNOWN_LANGUAGE = b"000"
_KIOSKS_TIME = ZoneInfo("Europe/Oslo")

_Fixed = Callable[[Message, bytes], bytes]


@dataclass(frozen=True, slots=True)
class _Shape:
    """An answer: its code, its fixed fields from message and date, and the names of its fields.

    AO, AA and AB are as in the message; BL and CQ say no; the others are there and empty.
    """

    code: bytes
    fixed: _Fixed
    names: tuple[bytes, ...]


def _patron_status(message: Message, date: bytes) -> bytes:
    return _NO_PRIVILEGES + (message.fixed(0, 3) or _UNKNOWN_LANGUAGE) + date


def _blocked_status(_message: Message, date: bytes) -> bytes:
    return _NO_PRIVILEGES + _UNKNOWN_LANGUAGE + date


def _system_status(message: Message, date: bytes) -> bytes:
    # Nothing may be lent offline: a code is worth nothing later, when the kiosk would send what it kept.
    may_nothing, not_online, retries = b"N" * 6, b"000", b"003"
    return may_nothing + not_online + retries + date + (message.fixed(4, 4) or b"2.00")


_PATRON = (b"AO", b"AA", b"BL", b"CQ")
_SHAPES = {
    b"01": _Shape(b"24", _blocked_status, (b"AO", b"AA", b"AE", b"BL", b"CQ")),
    b"09": _Shape(b"10", lambda _message, date: b"0NUN" + date, (b"AO", b"AB", b"AQ")),
    b"11": _Shape(b"12", lambda _message, date: b"0NUN" + date, (b"AO", b"AA", b"AB", b"AJ", b"AH", b"BL", b"CQ")),
    b"15": _Shape(b"16", lambda _message, date: b"0N" + date, _PATRON),
    b"17": _Shape(b"18", lambda _message, date: b"010001" + date, (b"AB", b"AJ")),
    b"19": _Shape(b"20", lambda _message, date: b"0" + date, (b"AB",)),
    b"23": _Shape(b"24", _patron_status, (b"AO", b"AA", b"AE", b"BL", b"CQ")),
    b"25": _Shape(b"26", _blocked_status, (b"AO", b"AA", b"AE", b"BL", b"CQ")),
    b"29": _Shape(b"30", lambda _message, date: b"0NUN" + date, (b"AO", b"AA", b"AB", b"AJ", b"AH", b"BL", b"CQ")),
    b"35": _Shape(b"36", lambda _message, date: b"N" + date, _PATRON),
    b"37": _Shape(b"38", lambda _message, date: b"N" + date, _PATRON),
    b"63": _Shape(
        b"64",
        lambda message, date: _patron_status(message, date) + b"0000" * 6,
        (b"AO", b"AA", b"AE", b"BL", b"CQ"),
    ),
    b"65": _Shape(b"66", lambda _message, date: b"0" + b"0000" * 2 + date, (b"AO", b"AA", b"BL", b"CQ")),
    b"93": _Shape(b"94", lambda _message, _date: b"0", ()),
    b"99": _Shape(b"98", _system_status, (b"AO", b"BX")),
}
_CONSTANT = {b"BL": b"N", b"CQ": b"N", b"BX": b"N" * 16}
_COPIED = (b"AO", b"AA", b"AB")
_WITHOUT_WORDS = b"93"

SEND_AGAIN = sign(b"96", sequence=None)


def is_answerable(message: Message) -> bool:
    """Return whether SIP2 defines the answer to such a message."""
    return message.code in _SHAPES


def refuse(message: Message, *, sentence: bytes, now: datetime, characters: str = "") -> bytes:
    """Return the answer that says no and why, with a checksum if the message had one. KeyError: `is_answerable`."""
    shape = _SHAPES[message.code]
    date = now.astimezone(_KIOSKS_TIME).strftime("%Y%m%d    %H%M%S").encode()
    values = {name: message.value(name) for name in _COPIED} | _CONSTANT
    fields = [(name, values.get(name, b"")) for name in shape.names]
    if message.code != _WITHOUT_WORDS:
        fields.append((b"AF", sentence))
    content = compose(shape.code, shape.fixed(message, date), fields)
    return sign(content, sequence=message.sequence, characters=characters) if message.has_checksum else content
