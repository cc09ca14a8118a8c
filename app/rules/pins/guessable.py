"""Secrets that an attacker tries first: passwords of examples, and those with too few different characters."""

import re
from urllib.parse import unquote

_EXAMPLE = re.compile(r"change[-_ ]?me", re.IGNORECASE)
_PASSWORD_IN_URL = re.compile(r"[a-z0-9+.-]+://[^/?#@]*?:([^/?#]*)@", re.IGNORECASE)
_FEWEST = 8


def is_example(text: str) -> bool:
    """Tell whether a text contains the password of examples, such as .env.example."""
    return _EXAMPLE.search(unquote(text)) is not None


def has_too_few_signs(secret: str | bytes) -> bool:
    """Tell whether a secret was not drawn at random: it has fewer than eight different characters or bytes.

    That happens to one in 10^18 of 64 random hex digits, and to fewer of 32 random bytes.
    """
    return len(set(secret)) < _FEWEST


def has_one_letter_password(url: str) -> bool:
    """Tell whether the password in a URL is one character, once or repeated."""
    found = _PASSWORD_IN_URL.match(url)
    return found is not None and len(set(unquote(found[1]))) == 1
