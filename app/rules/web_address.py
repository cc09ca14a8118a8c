"""Addresses of other systems that get loans, passwords and notices."""

from typing import Final
from urllib.parse import urlsplit

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class UnsafeAddress(ValueError):
    """The text is no address, or not one with encryption."""


def check_address(text: str) -> str:
    """Return an https address, or an http one of this machine, in canonical form. Raises UnsafeAddress.

    It may have a query, but no user name and no fragment.
    """
    try:
        parts = urlsplit(text)
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
        is_plain = not (parts.username or parts.password or parts.fragment) and parts.port != 0
    except ValueError:
        raise UnsafeAddress from None
    if not (is_safe and is_plain and parts.hostname):
        raise UnsafeAddress
    return parts.geturl()
