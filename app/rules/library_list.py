"""Reading a list of libraries from a file of CSV or text (RFC 4180), also as Excel writes it."""

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.rules.errors import RuleBroken
from app.rules.typed import clean_text, turns_text

_ID_COLUMNS = ("sigel", "biblioteknummer", "id")
_ID = re.compile(r"[0-9A-Za-zÅÄÖåäöÆØæø-]{1,20}")
_LONGEST = {"name": 120, "type": 20, "address": 200, "postcode": 12, "place": 80, "municipality_code": 8}
_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
_MOST_LINES = 50
"""A row with quoted line breaks is no longer; in a longer one a quote was not closed."""
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
# How a list in another encoding (Mac, MS-DOS, Cyrillic) looks, if it is read as Windows-1252.
_DOUBTFUL = re.compile(
    "[^\x00-\x7fÀ-ÖØ-öø-ÿŠšŽž–—‘’“”·«»°§´½\xa0]|(?![ÅÄÖÆØåäöæø]{4})[À-ÖØ-öø-ÿ]{4}"
    "|(?<![A-Z])‘|‘(?![A-Z])|(?<![A-Za-zÀ-ÿ])’"
)


class NotALibraryList(RuleBroken):
    """The file cannot be read, or has no heading row with the columns that every library needs."""


class _RowFault(Exception):
    pass


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was left out. `line` counts from 1 and is the row's first."""

    line: int
    fault: str


@dataclass(frozen=True, slots=True)
class LibraryList:
    """The rows of a file, each a value by column (None: empty): id, name, type and, if the file has them, more."""

    encoding: str
    separator: str
    rows: Sequence[Mapping[str, str | None]]
    bad: Sequence[BadRow]


def read_library_list(content: bytes) -> LibraryList:
    """Read a file in UTF-8, UTF-16 or Windows-1252 with commas, semicolons, tabs or vertical bars.

    A bad row costs no good one. Headings are read in any case, below empty lines and Excel's `sep=`. Columns: name,
    type, and sigel | biblioteknummer | id; address, postcode, place, municipality_code. Raises NotALibraryList, also
    where the encoding is in doubt.
    """
    encoding, text = _decode(content)
    lines = list(io.StringIO(text.lstrip("\ufeff"), newline=""))
    start = _skip_blank(lines, 0)
    declared = re.fullmatch(r'"?sep=(.)"?[;,\t|]*', "".join(lines[start : start + 1]).strip("\r\n"), re.I)
    separators = declared[1] if declared else "".join(_SEPARATORS)
    start = _skip_blank(lines, start + 1) if declared else start
    separator, columns, width, records = _headings(lines[start:], first=start + 1, separators=separators)
    rows, bad, seen = [], [], dict[str, int]()
    for line, read in records:
        try:
            values = _values(read, columns=columns, width=width, seen=seen)
        except _RowFault as fault:
            bad.append(BadRow(line, str(fault)))
            continue
        if values:
            rows.append(values)
            seen[values["id"] or ""] = line
    return LibraryList(encoding, _SEPARATORS[separator], rows, bad)


def _decode(content: bytes) -> tuple[str, str]:
    try:
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
        raise _in_doubt() from None
    is_mixed = not content.decode("utf-8", "ignore").isascii()
    # Sámi names have š and ž; in a list from a Mac they were ö and û.
    is_mac = re.search("[ŠšŽž]", text) and "á" not in text
    if is_mixed or is_mac or _DOUBTFUL.search(text) or text.count("“") != text.count("”"):
        raise _in_doubt()
    return "Windows-1252", text


def _checked(text: str) -> str:
    """Return the text. Raises NotALibraryList where it was UTF-8 that somebody read as Windows-1252 and saved."""
    if not text.isascii():
        try:
            text.encode("cp1252").decode()
        except UnicodeError:
            return text
        raise _in_doubt()
    return text


def _in_doubt() -> NotALibraryList:
    return NotALibraryList("its encoding is in doubt; save it as UTF-8. Nothing was imported")


def _skip_blank(lines: Sequence[str], start: int) -> int:
    return next((at for at in range(start, len(lines)) if lines[at].strip(' \t\r\n\xa0;,|"')), len(lines))


def _headings(
    lines: Sequence[str], *, first: int, separators: str
) -> tuple[str, dict[str, int], int, Iterator[tuple[int, list[str] | str]]]:
    """Return the separator, the place of each column, how many there are, and the rows after the heading row."""
    missing = "name"
    for separator in (each for each in _SEPARATORS if each in separators):
        records = _records(lines, first, separator)
        _line, read = next(records, (first, ""))
        headings = ["_".join(cell.casefold().split()) for cell in read] if not isinstance(read, str) else []
        ids = [column for column in _ID_COLUMNS if column in headings]
        lacking = [column for column in ("name", "type") if column not in headings] or ([] if ids else ["sigel"])
        twice = [column for column in (*ids, *_LONGEST) if headings.count(column) > 1]
        if twice:
            raise NotALibraryList(f"the heading row has the column {twice[0]} twice")
        if not lacking:
            columns = {column: headings.index(column) for column in _LONGEST if column in headings}
            return separator, {**columns, "id": headings.index(ids[0])}, len(headings), records
        missing = lacking[0] if len(headings) > 1 else missing
    raise NotALibraryList(f"the heading row lacks the column {missing}")


def _records(lines: Sequence[str], first: int, separator: str) -> Iterator[tuple[int, list[str] | str]]:
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


def _values(
    read: list[str] | str, *, columns: Mapping[str, int], width: int, seen: Mapping[str, int]
) -> dict[str, str | None]:
    """Return a row's values by column; nothing of an empty row. Raises _RowFault."""
    if isinstance(read, str):
        raise _RowFault(read)
    cells = [_clean(cell) for cell in read]
    if not any(cells):
        return {}
    if len(cells) != width:
        raise _RowFault(f"has {len(cells)} columns, not {width}")
    values = {column: cells[place] or None for column, place in columns.items()}
    library_id = values["id"] or ""
    if not _ID.fullmatch(library_id):
        raise _RowFault("has no library id" if not library_id else "has an id of the wrong form")
    for column in ("name", "type"):
        if not values[column]:
            raise _RowFault(f"has no {column}")
    for column, longest in _LONGEST.items():
        if len(values.get(column) or "") > longest:
            raise _RowFault(f"has a {column} of more than {longest} characters")
    if library_id in seen:
        raise _RowFault(f"repeats the id of line {seen[library_id]}")
    return values


def _clean(cell: str) -> str:
    """Return a cell composed (NFC), in one line, without invisible marks. Raises _RowFault."""
    if turns_text(cell):
        raise _RowFault("holds a bidirectional control character")
    kinds = {unicodedata.category(character) for character in cell if character not in "\r\n"}
    if "\ufffd" in cell or {"Cc", "Cn", "Co", "Cs"} & kinds:
        raise _RowFault("holds a control character")
    return clean_text(cell)
