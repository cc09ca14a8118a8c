"""What makes an entry of the access log hard to forge: a MAC, a commitment, and a link to the entry before.

The MAC proves that the entry was written with the vault's keys; the commitment (salted, SHA-256) may be kept when the
entry is deleted; the link proves the order: docs/adr/0019.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from app.register.keys.vault import ACCESS_LOG, vault

FIRST_LINK: Final = bytes(32)
_HASHED = ("patron_id", "library_id", "role", "actor", "purpose", "fields")
_SALT, _MAC = 16, 16
_PROOF = 1 + _SALT + _MAC


def body_of(*, at: datetime, **columns: Any) -> bytes:  # noqa: ANN401
    """Return an entry of the log as bytes, the same on every engine. `columns` are at least the rest of _HASHED."""
    return json.dumps([write_instant(at), *(columns[name] for name in _HASHED)]).encode()


def removal_body(*, at: datetime, why: str, entries: str) -> bytes:
    """Return a record of a removal as bytes."""
    return json.dumps(["removal", write_instant(at), why, entries]).encode()


def write_instant(at: datetime) -> str:
    """Return an instant as it is hashed."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def prove(body: bytes) -> bytes:
    """Return a new proof of an entry: key id, salt and MAC."""
    salted = bytes([vault.key_id]) + secrets.token_bytes(_SALT)
    return salted + _mac(salted, body)


def is_proved(body: bytes, proof: bytes | None) -> bool:
    """Tell whether a proof was made with the vault's keys."""
    if proof is None or len(proof) != _PROOF:
        return False
    try:
        return hmac.compare_digest(proof[-_MAC:], _mac(proof[:-_MAC], body))
    except KeyError:
        return False


def _mac(salted: bytes, body: bytes) -> bytes:
    return vault.mac(salted + body, purpose=ACCESS_LOG, key_id=salted[0])[:_MAC]


def commit_to(body: bytes, proof: bytes | None) -> bytes:
    """Return the commitment to an entry or removal. It does not depend on its id, so that a copy is found."""
    return hashlib.sha256((proof or b"") + b"\n" + body).digest()


def link_after(before: bytes, *, seq: int, name: str, commitment: bytes) -> bytes:
    """Return the link that follows another one. `name` says what it is of, such as `entry 17`."""
    return hashlib.sha256(before + f"\n{seq} {name}\n".encode() + commitment).digest()


def head_body(*, seq: int, link: bytes, unproved_to: int) -> bytes:
    """Return the end of the chain as bytes."""
    return json.dumps(["head", seq, link.hex(), unproved_to]).encode()


def write_ranges(ids: Iterable[int]) -> str:
    """Return numbers as ranges, such as `1-3,7`."""
    ranges: list[list[int]] = []
    for each in sorted(ids):
        if ranges and each == ranges[-1][1] + 1:
            ranges[-1][1] = each
        else:
            ranges.append([each, each])
    return ",".join(f"{first}-{last}" if last > first else str(first) for first, last in ranges)


def read_ranges(text: str) -> Sequence[tuple[int, int]]:
    """Return the ranges in a text, each by its first and last number. Raises ValueError."""
    pairs = (part.partition("-") for part in text.split(","))
    return [(int(first), int(last or first)) for first, _, last in pairs]
