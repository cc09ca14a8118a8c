"""The 24 digits of the rotating card: building and parsing them, and their one-time password (TOTP).

    92 prefix | 1 type | 12 credential | 1 Damm check digit over those 15 | 8 TOTP

Why digits only, and why a credential and not the card number: docs/adr/0002.
Sources: RFC 4226 (HOTP), RFC 6238 (TOTP: HMAC-SHA-1, 8 digits, 30 s, T0 = 0), Damm (2004).
"""

import hmac
import re
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from app.rules.errors import RuleBroken
from app.rules.typed import clean_identifier, clean_scan

PREFIX = "92"
STEP_SECONDS = 30
TOTP_DIGITS = 8
KEY_BYTES = 20

_ROTATING_SHAPE = re.compile(r"921[0-9]{21}")
_STATIC_SHAPE = re.compile(r"922[0-9]{13}")

# Damm's quasigroup of order 10: finds every single wrong digit and every swap of adjacent digits.
_DAMM = (
    (0, 3, 1, 7, 5, 9, 8, 6, 4, 2),
    (7, 0, 9, 2, 1, 5, 4, 8, 6, 3),
    (4, 2, 0, 6, 8, 7, 1, 3, 5, 9),
    (1, 7, 5, 0, 9, 8, 3, 4, 2, 6),
    (6, 1, 2, 3, 0, 4, 5, 9, 7, 8),
    (3, 6, 7, 4, 2, 0, 9, 5, 8, 1),
    (5, 8, 6, 9, 7, 2, 0, 1, 3, 4),
    (8, 9, 4, 5, 3, 6, 2, 0, 1, 7),
    (9, 4, 3, 8, 6, 1, 7, 2, 0, 5),
    (2, 5, 8, 1, 4, 3, 6, 7, 9, 0),
)


class NotOurs(RuleBroken):
    """The text is no library card code: an ISBN, an item's barcode, a web address."""

    code = "NOT_OURS"


class Misread(RuleBroken):
    """The shape is right and the check digit is not: a digit was misread or mistyped."""

    code = "MISREAD"


class Kind(IntEnum):
    """The type digit."""

    ROTATING = 1
    STATIC = 2


@dataclass(frozen=True, slots=True)
class CardCode:
    """A parsed code. `totp` is empty for a static code."""

    kind: Kind
    credential: str
    totp: str


def check_digit(digits: str) -> str:
    """Return the Damm check digit of a string of ASCII digits."""
    state = 0
    for digit in digits:
        state = _DAMM[state][int(digit)]
    return str(state)


def build(*, kind: Kind, credential: str, totp: str = "") -> str:
    """Return the digits of a code for a credential number of 12 digits; a rotating one ends with `totp`."""
    head = f"{PREFIX}{kind.value}{credential}"
    return head + check_digit(head) + totp


def parse(payload: str) -> CardCode:
    """Parse a scanned or typed code. What scanners add and blanks between the digits are ignored.

    Raises NotOurs where the shape is not ours, Misread where the check digit is wrong.
    """
    digits = clean_identifier(clean_scan(payload))
    if not (_ROTATING_SHAPE.fullmatch(digits) or _STATIC_SHAPE.fullmatch(digits)):
        raise NotOurs
    if check_digit(digits[:15]) != digits[15]:
        raise Misread
    return CardCode(kind=Kind(int(digits[2])), credential=digits[3:15], totp=digits[16:])


def group_digits(digits: str) -> str:
    """Return the code in groups of four digits."""
    return " ".join(digits[i : i + 4] for i in range(0, len(digits), 4))


def step_at(now: datetime) -> int:
    """Return the TOTP step (RFC 6238, T) of an aware instant."""
    return int(now.timestamp()) // STEP_SECONDS


def totp_at(*, key: bytes, step: int) -> str:
    """Return the 8-digit TOTP of a 20-byte key at a step (RFC 4226 §5.3 with RFC 6238's T as counter)."""
    digest = hmac.digest(key, step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**TOTP_DIGITS:0{TOTP_DIGITS}d}"


def matching_step(*, key: bytes, totp: str, steps: range) -> int | None:
    """Return the newest of `steps` at which `totp` is right, or None.

    Every step is computed and compared in constant time, whether or not an earlier one matched.
    """
    found = None
    for step in steps:
        if hmac.compare_digest(totp_at(key=key, step=step), totp):
            found = step
    return found
