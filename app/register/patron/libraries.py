"""Public libraries: importing them, choosing one, and what each has set."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import select

from app.register.store.transaction import db
from app.register.tables.library import Library, Machine
from app.rules.errors import RuleBroken
from app.rules.library.listing import BadRow, read_library_list
from app.rules.library.settings import LIBRARY_SETTINGS
from app.rules.people.names import fold_words

_COUNTY = 2  # digits of a municipality's number
_PLACES = select(Library.id, Library.name, Library.municipality)
_DETAILS = {"address": "address", "postcode": "postcode", "place": "place", "municipality_code": "municipality"}


class NoSuchLibrary(RuleBroken):
    """The register knows no such library."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did, in numbers of libraries."""

    added: int
    changed: int
    unchanged: int
    bad: Sequence[BadRow]
    encoding: str
    separator: str


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
    """Add or correct the libraries in a file; columns that it lacks stay as they are. Raises NotALibraryList."""
    listed = read_library_list(b"".join(lines))
    known = {library.id: library for library in db.session.scalars(select(Library))}
    added = changed = 0
    for values in listed.rows:
        library = known.get(values["id"] or "")
        if library is None:
            db.session.add(_correct(Library(id=values["id"]), values))
            added += 1
        else:
            changed += db.session.is_modified(_correct(library, values))
    unchanged = len(listed.rows) - added - changed
    return ImportReport(added, changed, unchanged, listed.bad, listed.encoding, listed.separator)


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
    """Return libraries in whose name, place or id every word is found, in the order of their names.

    Case and accents make no difference, nor do hyphens and apostrophes.
    """
    wanted = fold_words(words)[:8]
    if words.strip() and not wanted:
        return []
    rows = db.session.execute(_FOUND.order_by(Library.name, Library.id))
    found = ((FoundLibrary(*row), "".join(fold_words(f"{row.name} {row.place or ''} {row.id}"))) for row in rows)
    return list(islice((library for library, text in found if all(word in text for word in wanted)), limit))


@dataclass(frozen=True, slots=True)
class OnlineLibrary:
    """A library that activates cards online. `lends_ebooks`: it has a supplier of e-books."""

    id: str
    name: str
    lends_ebooks: bool


def list_joining_online(*, limit: int) -> list[OnlineLibrary]:
    """Return at most `limit` libraries that activate cards online, those with e-books first, by name."""
    supplier = select(Machine.library_id).where(Machine.library_id == Library.id, Machine.kind == "supplier")
    lends_ebooks = supplier.exists().label("lends_ebooks")
    rows = db.session.execute(
        select(Library.id, Library.name, lends_ebooks)
        .where(Library.online_activation)
        .order_by(lends_ebooks.desc(), Library.name)
        .limit(limit)
    )
    return [OnlineLibrary(*row) for row in rows]


def find_library(*, library_id: str) -> FoundLibrary | None:
    """Return a library; None where the register knows no such library."""
    row = db.session.execute(_FOUND.where(Library.id == library_id)).first()
    return None if row is None else FoundLibrary(*row)


def name_nearest(*, library_id: str, among: Collection[str], limit: int) -> dict[str, str]:
    """Return the names of at most `limit` other libraries by id, those of the same county (Norway, Sweden) first."""
    near = {row.id: row for row in db.session.execute(_PLACES.where(Library.id.in_([library_id, *among])))}
    here = near.pop(library_id, None)
    county = here.municipality[:_COUNTY] if here and here.municipality else None
    nearest = sorted(near.values(), key=lambda row: ((row.municipality or "")[:_COUNTY] != county, row.id))
    return {row.id: row.name for row in nearest[:limit]}


def read_settings(*, library_id: str) -> dict[str, bool | int]:
    """Return a library's LIBRARY_SETTINGS by name. Raises NoSuchLibrary."""
    library = _get(library_id)
    return {name: getattr(library, name) for name in LIBRARY_SETTINGS}


def change_setting(*, library_id: str, name: str, value: bool | int) -> None:
    """Change one of LIBRARY_SETTINGS from the next request on. Raises NoSuchLibrary."""
    setattr(_get(library_id), name, value)
