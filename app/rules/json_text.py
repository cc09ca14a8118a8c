"""JSON from outside, with limits on its length and its depth.

Python's own limit of depth is its recursion limit, and differs between versions: 3.13 reads what 3.11 refuses.
"""

import json
import re
from collections.abc import Callable, Iterable
from typing import Any, Final

DEEPEST: Final = 64
"""How deep lists and objects may nest. All requests and answers here need fewer than ten."""

_STRING_OR_BRACKET: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)


class TooLarge(ValueError):
    """The content is longer than the limit."""


def read_bounded(pieces: Iterable[bytes], *, most: int, check: Callable[[], object]) -> bytes:
    """Return all pieces joined, of `most` bytes at most. Raises TooLarge.

    `check` is called after each piece, and may raise where the whole takes too long.
    """
    content = bytearray()
    for piece in pieces:
        content += piece
        if len(content) > most:
            raise TooLarge
        check()
    return bytes(content)


class NestsTooDeep(ValueError):
    """The text nests deeper than DEEPEST."""


def check_depth(text: str) -> None:
    """Refuse JSON that nests too deep, before anything reads it. Raises NestsTooDeep."""
    if text.count("[") + text.count("{") <= DEEPEST:
        return
    depth = 0
    for part in _STRING_OR_BRACKET.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(part[0], 0)
        if depth > DEEPEST:
            raise NestsTooDeep


def parse_json(raw: str | bytes, **how: Any) -> Any:  # noqa: ANN401 - as json.loads, whose options `how` are
    """Return the JSON value in a text, or in bytes in UTF-8 (RFC 8259 § 8.1), with or without a byte order mark.

    Raises ValueError where it is none, NestsTooDeep where it nests deeper than DEEPEST.
    """
    text = raw if isinstance(raw, str) else raw.decode("utf-8-sig")
    check_depth(text)
    return json.loads(text, **how)
