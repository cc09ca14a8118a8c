"""Names as people remember them: words in any order, without case and accents, and perhaps not to the end."""

import unicodedata
from collections.abc import Sequence

# Letters that do not fall apart into a letter and an accent (Unicode NFKD), as they are written without them.
_PLAIN = str.maketrans({"ø": "o", "æ": "ae", "đ": "d", "ð": "d", "þ": "th", "ł": "l", "ı": "i", "œ": "oe"})


def fold_words(text: str) -> list[str]:
    """Return the words of a name without case, accents and apostrophes; a hyphen stands between two words."""
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_PLAIN)).translate(_PLAIN)
    letters = "".join(_keep(character) for character in plain)
    return letters.split()


def _keep(character: str) -> str:
    if character.isalnum():
        return character
    # Accents and apostrophes go; anything else parts words.
    return "" if unicodedata.combining(character) or character in "'’`´ʼ" else " "


def has_words(name: str, words: Sequence[str]) -> bool:
    """Tell whether each of the folded words begins a word of the name."""
    found = fold_words(name)
    return all(any(word.startswith(asked) for word in found) for asked in words)
