"""Comparing names as people type them: words in any order, without case and accents, and perhaps only begun."""

import re
from collections.abc import Sequence

from anyascii import anyascii

# In Sámi names the letter is written n where there is no ŋ; anyascii has ng.
_ENG = str.maketrans("Ŋŋ", "Nn")
_BETWEEN = re.compile(r"[^a-z0-9]+")


def fold_words(text: str) -> list[str]:
    """Return the words of a name in a to z and 0 to 9, without apostrophes; a hyphen separates words."""
    return re.findall(r"[a-z0-9]+", re.sub("['`]", "", _fold(text)))


def has_words(name: str, words: Sequence[str]) -> bool:
    """Return whether each of the folded words begins a word of the name, or a part of it after hyphen or apostrophe."""
    folded = _fold(name)
    # Nearly all of the hundreds who are born on one day are ruled out by this alone.
    whole = _BETWEEN.sub("", folded)
    if not all(word in whole for word in words):
        return False
    beginnings: list[str] = []
    for word in folded.split():
        parts = re.findall(r"[a-z0-9]+", word)
        beginnings += ["".join(parts[start:]) for start in range(len(parts))]
    return all(any(beginning.startswith(word) for beginning in beginnings) for word in words)


def _fold(text: str) -> str:
    return (text if text.isascii() else anyascii(text.translate(_ENG))).lower()


def initials(name: str) -> str:
    """Return the first letter of each word of a name, with points: `Kari Anne Moe` gives `K.A.M.`"""
    return "".join(f"{word[0].upper()}." for word in name.split())
