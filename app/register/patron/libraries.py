"""The list of public libraries, read from a file as the national authorities publish it."""

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import select

from app.register.store.transaction import db
from app.register.tables.library import Library
from app.rules.errors import RuleBroken
from app.rules.library_settings import LIBRARY_SETTINGS

_ID_COLUMNS = ("sigel", "biblioteknummer", "id")
_ID = re.compile(r"[0-9A-Za-zÅÄÖåäöÆØæø-]{1,20}")
_DETAILS = {"address": "address", "postcode": "postcode", "place": "place", "municipality_code": "municipality"}
_LONGEST = {"name": 120, "type": 20, "address": 200, "postcode": 12, "place": 80, "municipality_code": 8}


class NotALibraryList(RuleBroken):
    """The file lacks a heading row with the columns that every library needs."""


class NoSuchLibrary(RuleBroken):
    """The register knows no such library."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was left out. `line` counts from 1, the heading row included."""

    line: int
    fault: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did, in numbers of libraries."""

    added: int
    changed: int
    unchanged: int
    bad: tuple[BadRow, ...]


class _RowFault(Exception):
    pass


def check_library(library_id: str) -> None:
    """Raise NoSuchLibrary where no library has this id."""
    _get(library_id)


def _get(library_id: str) -> Library:
    library = db.session.get(Library, library_id)
    if library is None:
        raise NoSuchLibrary
    return library


def has_libraries() -> bool:
    """Tell whether the register has any library."""
    return db.session.scalar(select(Library.id).limit(1)) is not None


def add_library(*, library_id: str, name: str, kind: str, **details: str | bool | None) -> None:
    """Add a library. `details` are other columns of `libraries`."""
    db.session.add(Library(id=library_id, name=name, kind=kind, **details))
    db.session.flush()


def import_libraries(lines: Iterable[bytes]) -> ImportReport:
    """Add or correct the libraries in a CSV file (UTF-8, one library a line).

    A bad row is reported by its line and costs no good one, so each line is read by itself: a quote that is never
    closed ends with its line. Columns: name, type, and sigel | biblioteknummer | id; address, postcode, place,
    municipality_code where there are any; a column that is not there changes nothing. Raises NotALibraryList.
    """
    numbered = enumerate(lines, start=1)
    headings = _headings(next(numbered, (1, b""))[1])
    known = {library.id: library for library in db.session.scalars(select(Library))}
    seen: dict[str, int] = {}
    bad: list[BadRow] = []
    added = changed = 0
    for number, line in numbered:
        if not line.strip():
            continue
        try:
            values = _values(line, headings=headings, seen=seen)
        except _RowFault as fault:
            bad.append(BadRow(number, str(fault)))
            continue
        seen[values["id"] or ""] = number
        library = known.get(values["id"] or "")
        if library is None:
            db.session.add(_correct(Library(id=values["id"]), values))
            added += 1
        else:
            changed += db.session.is_modified(_correct(library, values))
    return ImportReport(added=added, changed=changed, unchanged=len(seen) - added - changed, bad=tuple(bad))


def _headings(line: bytes) -> list[str]:
    try:
        headings = [heading.strip() for heading in _cells(line.removeprefix(b"\xef\xbb\xbf"))]
    except _RowFault as fault:
        raise NotALibraryList(str(fault)) from fault
    ids = [column for column in _ID_COLUMNS if column in headings]
    missing = [column for column in ("name", "type") if column not in headings]
    if not ids or missing:
        raise NotALibraryList(f"the heading row lacks the column {(missing or _ID_COLUMNS)[0]}")
    headings[headings.index(ids[0])] = "id"
    return headings


def _cells(line: bytes) -> list[str]:
    try:
        text = line.decode()
        if any(ord(character) < 32 for character in text.rstrip("\r\n")):
            raise _RowFault("holds a control character")
        return next(csv.reader([text], strict=True), [])
    except UnicodeDecodeError:
        raise _RowFault("is not UTF-8") from None
    except csv.Error as error:
        raise _RowFault(str(error)) from None


def _values(line: bytes, *, headings: list[str], seen: Mapping[str, int]) -> dict[str, str | None]:
    cells = _cells(line)
    if len(cells) != len(headings):
        raise _RowFault(f"has {len(cells)} columns, not {len(headings)}")
    values = {heading: cell.strip() or None for heading, cell in zip(headings, cells, strict=True)}
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


def _correct(library: Library, values: Mapping[str, str | None]) -> Library:
    library.name = values["name"] or ""
    library.kind = values["type"] or ""
    for column, attribute in _DETAILS.items():
        if column in values:
            setattr(library, attribute, values[column])
    return library


def find_library_name(*, library_id: str) -> str | None:
    """Return a library's name; None where the register knows no such library."""
    return db.session.scalar(select(Library.name).where(Library.id == library_id))


@dataclass(frozen=True, slots=True)
class FoundLibrary:
    """A library to choose. `joins_online`: patrons may activate their card there by themselves."""

    id: str
    name: str
    place: str | None
    joins_online: bool


_FOUND = select(Library.id, Library.name, Library.place, Library.online_activation)


def search_libraries(*, words: str, limit: int) -> list[FoundLibrary]:
    """Return libraries in whose name, place or id every word stands, in the order of their names.

    Upper and lower case are alike, in every alphabet: SQLite's own LIKE knows that of a to z alone.
    """
    wanted = words.casefold().split()[:8]
    found = (FoundLibrary(*row) for row in db.session.execute(_FOUND.order_by(Library.name, Library.id)))
    fitting = (each for each in found if _has_all(f"{each.name} {each.place or ''} {each.id}".casefold(), wanted))
    return list(islice(fitting, limit))


def _has_all(text: str, words: Iterable[str]) -> bool:
    return all(word in text for word in words)


def find_library(*, library_id: str) -> FoundLibrary | None:
    """Return a library; None where the register knows no such library."""
    row = db.session.execute(_FOUND.where(Library.id == library_id)).first()
    return None if row is None else FoundLibrary(*row)


def read_settings(*, library_id: str) -> dict[str, bool | int]:
    """Return a library's LIBRARY_SETTINGS by name. Raises NoSuchLibrary."""
    library = _get(library_id)
    return {name: getattr(library, name) for name in LIBRARY_SETTINGS}


def change_setting(*, library_id: str, name: str, value: bool | int) -> None:
    """Change one of LIBRARY_SETTINGS from the next request on. Raises NoSuchLibrary."""
    setattr(_get(library_id), name, value)
