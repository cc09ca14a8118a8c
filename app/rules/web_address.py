"""Addresses of other systems to which loans, passwords and notices are sent."""

from typing import Final
from urllib.parse import urlsplit

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class UnsafeAddress(ValueError):
    """The text is no address, or what is sent there could be read on the way."""


def check_address(text: str) -> str:
    """Return an https address, or an http one of this machine, in its usual form. It may have a query, and has neither
    user name nor fragment. Raises UnsafeAddress."""
    try:
        parts = urlsplit(text)
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
        is_plain = not (parts.username or parts.password or parts.fragment) and parts.port != 0
    except ValueError:
        raise UnsafeAddress from None
    if not (is_safe and is_plain and parts.hostname):
        raise UnsafeAddress
    return parts.geturl()
