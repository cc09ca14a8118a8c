"""Tokens of browsers in which staff of a library have signed in: wrong tries elsewhere do not lock them out.

This is OWASP's device cookie. Nothing is stored: the token says of which library it is.
"""

import hmac
import secrets

from app.register.keys.vault import vault


def draw_desk_browser(*, library_id: str) -> str:
    """Return a token for a browser at a library's desk."""
    name = secrets.token_urlsafe(16)
    return f"{name}.{_seal(name, library_id)}"


def is_desk_browser(token: str, *, library_id: str) -> bool:
    """Tell whether a token was drawn for this library, under the newest key."""
    name, _, seal = token.partition(".")
    return token.isascii() and hmac.compare_digest(seal.encode(), _seal(name, library_id).encode())


def _seal(name: str, library_id: str) -> str:
    return vault.subject(f"desk browser:{library_id}:{name}")
