"""Codes of a hundred random bits that somebody may have to type from paper."""

import secrets

from app.rules.typed import clean_identifier

# Crockford's base32: no letter that looks like a digit, and none of U. Twenty of them are 100 bits.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_READ_AS = str.maketrans("OIL", "011", " -")
_LENGTH, _GROUP = 20, 4
_LONGEST = 80


def draw_written_code() -> str:
    """Draw a code as five groups such as `7K3M-...`."""
    drawn = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    return "-".join(drawn[start : start + _GROUP] for start in range(0, _LENGTH, _GROUP))


def read_written_code(text: str) -> str:
    """Return what was typed as it is compared: in any case, with or without hyphens, O for 0 and I or L for 1."""
    return clean_identifier(text[:_LONGEST]).upper().translate(_READ_AS)
