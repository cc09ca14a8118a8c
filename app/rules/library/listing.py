"""Reading a list of libraries from a file of CSV or text (RFC 4180), also as Excel writes it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.rules.csv_text import SEPARATORS, EncodingInDoubt, RowFault, clean_cell, decode, records, split
from app.rules.errors import RuleBroken

_ID_COLUMNS = ("sigel", "biblioteknummer", "id")
_ID = re.compile(r"[0-9A-Za-zÅÄÖåäöÆØæø-]{1,20}")
_MOST_LINES = 100_000
_LONGEST = {"name": 120, "type": 20, "address": 200, "postcode": 12, "place": 80, "municipality_code": 8}


class NotALibraryList(RuleBroken):
    """The file cannot be read, or has no heading row with the columns that every library needs."""


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
    try:
        encoding, text = decode(content)
    except EncodingInDoubt:
        raise NotALibraryList("its encoding is in doubt; save it as UTF-8. Nothing was imported") from None
    if max(text.count("\n"), text.count("\r")) > _MOST_LINES:
        raise NotALibraryList(f"it has more than {_MOST_LINES:,} lines")
    lines, first, separators = split(text)
    separator, columns, width, found = _headings(lines, first=first, separators=separators)
    rows, bad, seen = [], [], dict[str, int]()
    for line, read in found:
        try:
            values = _values(read, columns=columns, width=width, seen=seen)
        except RowFault as fault:
            bad.append(BadRow(line, str(fault)))
            continue
        if values:
            rows.append(values)
            seen[values["id"] or ""] = line
    return LibraryList(encoding, SEPARATORS[separator], rows, bad)


def _headings(
    lines: Sequence[str], *, first: int, separators: str
) -> tuple[str, dict[str, int], int, Iterator[tuple[int, list[str] | str]]]:
    """Return the separator, the place of each column, how many there are, and the rows after the heading row."""
    missing = "name"
    for separator in (each for each in SEPARATORS if each in separators):
        found = records(lines, first, separator)
        _line, read = next(found, (first, ""))
        headings = ["_".join(cell.casefold().split()) for cell in read] if not isinstance(read, str) else []
        ids = [column for column in _ID_COLUMNS if column in headings]
        lacking = [column for column in ("name", "type") if column not in headings] or ([] if ids else ["sigel"])
        twice = [column for column in (*ids, *_LONGEST) if headings.count(column) > 1]
        if twice:
            raise NotALibraryList(f"the heading row has the column {twice[0]} twice")
        if not lacking:
            columns = {column: headings.index(column) for column in _LONGEST if column in headings}
            return separator, {**columns, "id": headings.index(ids[0])}, len(headings), found
        missing = lacking[0] if len(headings) > 1 else missing
    raise NotALibraryList(f"the heading row lacks the column {missing}")


def _values(
    read: list[str] | str, *, columns: Mapping[str, int], width: int, seen: Mapping[str, int]
) -> dict[str, str | None]:
    """Return a row's values by column; nothing of an empty row. Raises RowFault."""
    if isinstance(read, str):
        raise RowFault(read)
    cells = [clean_cell(cell) for cell in read]
    if not any(cells):
        return {}
    if len(cells) != width:
        raise RowFault(f"has {len(cells)} columns, not {width}")
    values = {column: cells[place] or None for column, place in columns.items()}
    library_id = values["id"] or ""
    if not _ID.fullmatch(library_id):
        raise RowFault("has no library id" if not library_id else "has an id of the wrong form")
    for column in ("name", "type"):
        if not values[column]:
            raise RowFault(f"has no {column}")
    for column, longest in _LONGEST.items():
        if len(values.get(column) or "") > longest:
            raise RowFault(f"has a {column} of more than {longest} characters")
    if library_id in seen:
        raise RowFault(f"repeats the id of line {seen[library_id]}")
    return values
