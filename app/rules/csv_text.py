"""CSV (RFC 4180) as Excel and libraries' systems write it: read in any usual form, written with no formula in it."""

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from app.rules.errors import RuleBroken
from app.rules.typed import clean_text, turns_text

SEPARATORS: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
_MOST_LINES = 50
"""A row with quoted line breaks is no longer; in a longer one a quote was not closed."""
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
# How a list in another encoding (Mac, MS-DOS, Cyrillic) looks, if it is read as Windows-1252.
_DOUBTFUL = re.compile(
    "[^\x00-\x7fÀ-ÖØ-öø-ÿŠšŽž–—‘’“”·«»°§´½\xa0]|(?![ÅÄÖÆØåäöæø]{4})[À-ÖØ-öø-ÿ]{4}"
    "|(?<![A-Z])‘|‘(?![A-Z])|(?<![A-Za-zÀ-ÿ])’"
)


TOLD: Final = ("UTF-8", "Windows-1252")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "|", "%")


class EncodingInDoubt(RuleBroken):
    """The bytes are text in no encoding that is read here, or in one that cannot be told for sure."""


class RowFault(Exception):
    """What is wrong with one row, in English."""


def decode(content: bytes, *, told: str = "") -> tuple[str, str]:
    """Return the encoding's name and the text of a file in UTF-8, UTF-16 or Windows-1252. Raises EncodingInDoubt.

    `told` is one of TOLD, where somebody knows; bytes that are not UTF-8 then become U+FFFD.
    """
    try:
        if told:
            how = ("cp1252", "strict") if told == "Windows-1252" else ("utf-8-sig", "replace")
            return told, content.decode(*how)
        for mark, codec in _MARKS:
            if content.startswith(mark):
                return codec[:6].rstrip("-").upper(), _checked(content.removeprefix(mark).decode(codec))
        if content.count(0) * 4 > len(content):
            codec = "utf-16-le" if content[1::2].count(0) > content[::2].count(0) else "utf-16-be"
            return "UTF-16", _checked(content.decode(codec))
        try:
            return "UTF-8", _checked(content.decode())
        except UnicodeDecodeError:
            text = content.decode("cp1252")
    except UnicodeDecodeError:
        raise EncodingInDoubt from None
    is_mixed = not content.decode("utf-8", "ignore").isascii()
    # Sámi names have š and ž; in a list from a Mac they were ö and û.
    is_mac = re.search("[ŠšŽž]", text) and "á" not in text
    if is_mixed or is_mac or _DOUBTFUL.search(text) or text.count("“") != text.count("”"):
        raise EncodingInDoubt
    return "Windows-1252", text


def _checked(text: str) -> str:
    """Return the text. Raises EncodingInDoubt where it was UTF-8 that somebody read as Windows-1252 and saved."""
    if not text.isascii():
        try:
            text.encode("cp1252").decode()
        except UnicodeError:
            return text
        raise EncodingInDoubt
    return text


def split(text: str) -> tuple[list[str], int, str]:
    """Return the lines from the heading row on, its line (from 1), and which SEPARATORS may divide it.

    Empty lines above it are skipped, and so is Excel's `sep=`.
    """
    lines = list(io.StringIO(text.lstrip("\ufeff"), newline=""))
    start = _skip_blank(lines, 0)
    declared = re.fullmatch(r'"?sep=(.)"?[;,\t|]*', "".join(lines[start : start + 1]).strip("\r\n"), re.I)
    start = _skip_blank(lines, start + 1) if declared else start
    return lines[start:], start + 1, declared[1] if declared else "".join(SEPARATORS)


def _skip_blank(lines: Sequence[str], start: int) -> int:
    return next((at for at in range(start, len(lines)) if lines[at].strip(' \t\r\n\xa0;,|"')), len(lines))


def records(lines: Sequence[str], first: int, separator: str) -> Iterator[tuple[int, list[str] | str]]:
    """Yield each row's first line and its cells or fault; a quote that is not closed costs one line."""
    at = 0
    while at < len(lines):
        reader = csv.reader(lines[at : at + _MOST_LINES], delimiter=separator, strict=True)
        try:
            yield first + at, next(reader)
            at += reader.line_num
        except csv.Error as error:
            yield first + at, str(error) if reader.line_num == 1 else "unexpected end of data"
            at += 1


def clean_cell(cell: str) -> str:
    """Return a cell composed (NFC), in one line, without invisible marks. Raises RowFault."""
    if turns_text(cell):
        raise RowFault("holds a bidirectional control character")
    kinds = {unicodedata.category(character) for character in cell if character not in "\r\n"}
    if "\ufffd" in cell or {"Cc", "Cn", "Co", "Cs"} & kinds:
        raise RowFault("holds a control character")
    return clean_text(cell)


def write_row(cells: Iterable[object]) -> str:
    """Return a row of CSV, in which no cell is a formula for a spreadsheet (OWASP, CSV Injection)."""
    out = io.StringIO()
    texts = ("" if cell is None else str(cell) for cell in cells)
    csv.writer(out).writerow(f"'{text}" if text.startswith(_FORMULA) else text for text in texts)
    return out.getvalue()
