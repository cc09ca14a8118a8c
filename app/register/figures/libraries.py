"""Every library as the operator sees it: how many patrons, who looks after it, when its machines were last here."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, select

from app.register.store.transaction import autonomous
from app.register.tables.library import Library, Machine, Staff
from app.register.tables.patrons import Patron
from app.rules.library.staff import StaffRole


@dataclass(frozen=True, slots=True)
class LibraryState:
    """`patrons` have it as their home library. `machines_seen_at` is UTC, to ten minutes; None: never."""

    id: str
    name: str
    patrons: int
    administrators: int
    machines: int
    machines_seen_at: datetime | None


_PATRONS: Final = select(Patron.home_library_id, func.count().label("patrons")).group_by(Patron.home_library_id)
_ADMINISTRATORS: Final = (
    select(Staff.library_id, func.count().label("administrators"))
    .where(Staff.role == StaffRole.ADMINISTRATOR)
    .group_by(Staff.library_id)
)
_MACHINES: Final = select(
    Machine.library_id, func.count().label("machines"), func.max(Machine.last_seen_at).label("seen_at")
).group_by(Machine.library_id)


def count_patrons() -> Mapping[str, int]:
    """Return how many patrons have each library as their home library. It reads every patron's row once."""
    with autonomous() as connection:
        return {row.home_library_id: row.patrons for row in connection.execute(_PATRONS)}


def list_library_states(*, patrons: Mapping[str, int], also: Collection[str] = ()) -> Sequence[LibraryState]:
    """Return every library that has patrons (as counted before), staff or machines, and those `also` named, by name."""
    with autonomous() as connection:
        administrators = {row.library_id: row.administrators for row in connection.execute(_ADMINISTRATORS)}
        machines = {row.library_id: (row.machines, row.seen_at) for row in connection.execute(_MACHINES)}
        known = {*patrons, *administrators, *machines, *also}
        libraries = connection.execute(
            select(Library.id, Library.name).where(Library.id.in_(known)).order_by(Library.name, Library.id)
        ).all()
    return [
        LibraryState(
            id=library.id,
            name=library.name,
            patrons=patrons.get(library.id, 0),
            administrators=administrators.get(library.id, 0),
            machines=machines.get(library.id, (0, None))[0],
            machines_seen_at=machines.get(library.id, (0, None))[1],
        )
        for library in libraries
    ]
