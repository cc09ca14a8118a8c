"""A library's name, addresses and branches, as the public reads them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import select

from app.register.store.transaction import db
from app.register.tables.library import Branch, Library
from app.rules.errors import RuleBroken
from app.rules.library.face import BranchFacts, ChangedMeanwhile, Facts, check_facts, version_of

MOST_BRANCHES = 100
_FACTS = ("name", "address", "postcode", "place", "phone", "email", "website")
_BRANCH = ("name", "address", "postcode", "place", "phone", "hours")


class NoSuchBranch(RuleBroken):
    """The library has no such branch any more."""


class TooManyBranches(RuleBroken):
    """The library has MOST_BRANCHES."""


@dataclass(frozen=True, slots=True)
class KnownBranch:
    """A branch and the number that names it."""

    id: int
    facts: BranchFacts


def read_facts(*, library_id: str) -> Facts | None:
    """Return what the register knows of a library; None where there is no such library."""
    library = db.session.get(Library, library_id)
    return None if library is None else _facts(library)


@dataclass(frozen=True, slots=True)
class KnownLibrary:
    """A library, the name of its time zone, and what the public reads of it."""

    id: str
    time_zone: str
    facts: Facts


def list_libraries() -> Sequence[KnownLibrary]:
    """Return all libraries by name."""
    rows = db.session.scalars(select(Library).order_by(Library.name, Library.id))
    return [KnownLibrary(row.id, row.time_zone, _facts(row)) for row in rows]


def get_library(*, library_id: str) -> KnownLibrary:
    """Return a library that the register knows."""
    row = db.session.get_one(Library, library_id)
    return KnownLibrary(row.id, row.time_zone, _facts(row))


def change_facts(*, library_id: str, facts: Facts, shown: str) -> Facts:
    """Change a library's facts, and return them as they are now.

    `shown` is the version of those that were shown (`version_of`). Raises FaceNotValid and ChangedMeanwhile.
    """
    checked = check_facts(facts)
    library = lock_library(library_id)
    if version_of(_facts(library)) != shown:
        raise ChangedMeanwhile
    for name, value in asdict(checked).items():
        setattr(library, name, value if name == "name" else value or None)
    return checked


def list_branches(*, library_id: str) -> Sequence[KnownBranch]:
    """Return a library's branches by name."""
    rows = db.session.scalars(select(Branch).where(Branch.library_id == library_id).order_by(Branch.name, Branch.id))
    return [KnownBranch(row.id, _branch_facts(row)) for row in rows]


def find_branch(*, library_id: str, branch_id: int) -> BranchFacts:
    """Return what is known of a branch. Raises NoSuchBranch."""
    return _branch_facts(_find(library_id, branch_id))


def add_branch(*, library_id: str, facts: BranchFacts) -> int:
    """Add a branch, and return the number that names it. Raises FaceNotValid and TooManyBranches."""
    checked = check_facts(facts)
    lock_library(library_id)
    if len(list_branches(library_id=library_id)) >= MOST_BRANCHES:
        raise TooManyBranches
    row = Branch(library_id=library_id, **asdict(checked))
    db.session.add(row)
    db.session.flush()
    return row.id


def change_branch(*, library_id: str, branch_id: int, facts: BranchFacts, shown: str) -> None:
    """Change a branch; `shown` as for `change_facts`. Raises FaceNotValid, NoSuchBranch and ChangedMeanwhile."""
    checked = check_facts(facts)
    lock_library(library_id)
    row = _find(library_id, branch_id)
    if version_of(_branch_facts(row)) != shown:
        raise ChangedMeanwhile
    for name, value in asdict(checked).items():
        setattr(row, name, value)


def remove_branch(*, library_id: str, branch_id: int) -> str:
    """Take a branch away and return its name. Raises NoSuchBranch."""
    lock_library(library_id)
    row = _find(library_id, branch_id)
    db.session.delete(row)
    return row.name


def lock_library(library_id: str) -> Library:
    """Return a library that the register knows, locked until the transaction ends."""
    return db.session.get_one(Library, library_id, with_for_update=True, populate_existing=True)


def _find(library_id: str, branch_id: int) -> Branch:
    row = db.session.get(Branch, branch_id, populate_existing=True)
    if row is None or row.library_id != library_id:
        raise NoSuchBranch
    return row


def _facts(library: Library) -> Facts:
    return Facts(**{name: getattr(library, name) or "" for name in _FACTS})


def _branch_facts(row: Branch) -> BranchFacts:
    return BranchFacts(**{name: getattr(row, name) for name in _BRANCH})
