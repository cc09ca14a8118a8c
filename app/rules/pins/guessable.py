"""Secrets that anybody would try first: the password of an example, and what holds too few different signs."""

import re
from urllib.parse import unquote

_EXAMPLE = re.compile(r"change[-_ ]?me", re.IGNORECASE)
_PASSWORD_IN_URL = re.compile(r"[a-z0-9+.-]+://[^/?#@]*?:([^/?#]*)@", re.IGNORECASE)
_FEWEST = 8


def is_example(text: str) -> bool:
    """Tell whether a text holds the password that stands in examples, such as those of .env.example."""
    return _EXAMPLE.search(unquote(text)) is not None


def has_too_few_signs(secret: str | bytes) -> bool:
    """Tell whether a drawn secret cannot have been drawn: it has fewer than eight different signs or bytes.

    That happens to one in 10^18 of 64 random hex digits, and to fewer of 32 random bytes.
    """
    return len(set(secret)) < _FEWEST


def has_one_letter_password(url: str) -> bool:
    """Tell whether the password in a URL is one sign, once or repeated."""
    found = _PASSWORD_IN_URL.match(url)
    return found is not None and len(set(unquote(found[1]))) == 1
