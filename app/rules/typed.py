"""Cleaning what people type or paste and what scanners send, before anything else reads it.

Invisible characters are dropped: control and format characters (Unicode Cc, Cf) and other ignorable ones (UAX #44,
Default_Ignorable_Code_Point). Blanks of any kind count as blanks.
"""

import re
import unicodedata
from datetime import date
from typing import Final

_IGNORED: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0").union(
    map(chr, range(0xFE00, 0xFE10)), map(chr, range(0xE0100, 0xE01F0))
)
# Arabic and Indic scripts spell words with the zero-width joiner and non-joiner; elsewhere these are noise.
_JOINER: Final = re.compile("(?<=[\u0600-\u1cff])[\u200c\u200d](?=[\u0600-\u1cff])")
_TURNING: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
# A scanner sends control characters or blanks around a code, and before it the kind of code (ISO/IEC 15424, ]Q1).
_EDGE: Final = r"[\s\x00-\x1f\x7f-\x9f]"
_ADDED: Final = re.compile(rf"\A{_EDGE}*(?:\][A-Za-z][0-9A-Za-z]{_EDGE}*)?|{_EDGE}+\Z")

_DASHES: Final = re.compile("[\u2010-\u2015\u2212]")
_YEAR_FIRST: Final = re.compile(r"([0-9]{4})[-./ ]+([0-9]{1,2})[-./ ]+([0-9]{1,2})")
_DAY_FIRST: Final = re.compile(r"([0-9]{1,2})[-./ ]+([0-9]{1,2}|[^\W\d_]{3,})[-./ ]+([0-9]{4})")
_EARLIEST_YEAR: Final = 1850
# The beginnings of month names in Norwegian, and where Swedish and English differ.
_NAMES: Final = "jan feb mar apr mai jun jul aug sep okt nov des"
_MONTHS: Final = {name: month for month, name in enumerate(_NAMES.split(), start=1)}
_MONTHS.update({"maj": 5, "may": 5, "oct": 10, "dec": 12})


def turns_text(text: str) -> bool:
    """Tell whether a character turns the direction of the text after it (UAX #9): it then reads other than it is."""
    return _TURNING.search(text) is not None


def clean_text(text: str) -> str:
    """Return one line of text, such as a name: composed (NFC), nothing invisible, single blanks between words."""
    return " ".join(unicodedata.normalize("NFC", _drop_invisible(text)).split())


def clean_typed(text: str) -> str:
    """Return as `clean_text`, with digits of any script (Unicode Nd) and wide letters (UAX #11) as ASCII."""
    return _to_ascii(clean_text(text))


def clean_identifier(text: str) -> str:
    """Return a number, PIN or code that was typed: as `clean_typed`, without any blanks."""
    return clean_typed(text).replace(" ", "")


def clean_scan(text: str) -> str:
    """Return what a code says, without what its scanner adds around it. What is within the code stays, also a blank:
    it may be two codes."""
    if text.isascii() and text.isalnum():
        return text
    seen = "".join(character for character in text if not _is_ignorable(character))
    return _ADDED.sub("", _to_ascii(seen))


def read_day(text: str) -> date | None:
    """Return the day that was typed, as in 1980-05-05, 05.05.1980, 5/5 1980, 5. mai 1980 or 05051980; None for others.

    The day comes before the month, as in all the Nordic countries. A year of two digits is not guessed.
    """
    typed = _DASHES.sub("-", clean_typed(text)).casefold()
    if re.fullmatch(r"[0-9]{8}", typed):
        is_iso = int(typed[:4]) >= _EARLIEST_YEAR
        parts = (typed[:4], typed[4:6], typed[6:]) if is_iso else (typed[4:], typed[2:4], typed[:2])
    elif found := _YEAR_FIRST.fullmatch(typed):
        parts = (found[1], found[2], found[3])
    elif found := _DAY_FIRST.fullmatch(typed):
        parts = (found[3], found[2], found[1])
    else:
        return None
    year, month, day = parts
    try:
        return date(int(year), int(month) if month.isdigit() else _MONTHS[month[:3]], int(day))
    except (ValueError, KeyError):
        return None


def _drop_invisible(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    joiners = {found.start() for found in _JOINER.finditer(text)}
    return "".join(
        character
        for place, character in enumerate(text)
        if place in joiners
        or character.isspace()
        or not (_is_ignorable(character) or unicodedata.category(character) == "Cc")
    )


def _is_ignorable(character: str) -> bool:
    return character in _IGNORED or unicodedata.category(character) == "Cf"


def _to_ascii(text: str) -> str:
    return text if text.isascii() else "".join(map(_ascii_of, text))


def _ascii_of(character: str) -> str:
    if unicodedata.category(character) == "Nd":
        return str(unicodedata.decimal(character))
    is_wide = unicodedata.decomposition(character).startswith(("<wide>", "<narrow>", "<font>"))
    return unicodedata.normalize("NFKC", character) if is_wide else character
