"""All that is stored about a patron, as that patron reads it: in sections, each column with purpose and retention."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from flask_babel import gettext as _

from app.portal.my_data.data_words import TABLES, TECHNICAL, WITHHELD, label_of
from app.portal.my_data.values import in_words
from app.register.leaving.inventory import read_inventory
from app.register.leaving.own_data import OWN_TABLES, Row, name_libraries, read_own_data

SECTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "you": ("patrons", "contact_changes", "national_id_tokens", "issued_numbers", "registrations"),
    "libraries": ("affiliations", "imported", "library_notices", "machine_answers"),
    "looks": ("access_log", "presented_steps", "desk_visits"),
    "devices": (
        *("sessions", "devices", "passkeys", "credentials", "pin_verifiers", "one_time_secrets"),
        *("push_subscriptions", "push_messages", "calendar_addresses"),
    ),
    "family": ("permissions_given", "permissions_received"),
    "messages": ("messages", "messages_about_you", "reminder_choices"),
}
"""The page's sections, with the tables that each explains. A test misses a table that stands in none."""

MOST_ROWS: Final = 30


@dataclass(frozen=True, slots=True)
class Column:
    """One piece of information: what it is called, what it is for, on what ground and how long it is kept.

    `withheld` says why its values are not shown; None where they are.
    """

    name: str
    label: str
    purpose: str
    ground: str
    kept: str
    withheld: str | None
    technical: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A kind of information: its columns, and each row as (column's name, label, value in words or None).

    What is technical stands last. `rows` is None where they are shown in another way.
    """

    name: str
    heading: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[tuple[str, str, str | None]]] | None
    count: int

    @property
    def on_paper(self) -> Mapping[str, str]:
        """The labels, by name, of what is printed: what tells a reader something, and is filled in in some row."""
        cells = (cell for row in self.rows or () for cell in row)
        return {name: label for name, label, text in cells if text and not _is_technical(name)}


def explain(
    section: str, data: Mapping[str, Sequence[Row]], libraries: Mapping[str, str], *, most: int | None = MOST_ROWS
) -> list[Table]:
    """Return the tables of a section with their newest rows, at most so many each, in the reader's language.

    `data` is what `read_own_data` returns, whole or in part, and `libraries` the names of those that it speaks of.
    """
    return [_explain(name, data.get(name), libraries, most) for name in SECTIONS[section]]


def explain_all(*, patron_id: int) -> dict[str, list[Table]]:
    """Return every section with every row."""
    data = read_own_data(patron_id=patron_id)
    libraries = name_libraries(data)
    return {section: explain(section, data, libraries, most=None) for section in SECTIONS}


def _explain(name: str, rows: Sequence[Row] | None, libraries: Mapping[str, str], most: int | None) -> Table:
    own = OWN_TABLES[name]
    inventory = read_inventory()[own.table.__tablename__]
    columns = []
    for column in sorted((each.name for each in own.table.__table__.columns), key=_is_technical):
        entry, reason = inventory[column], own.withheld.get(column)
        columns.append(
            Column(
                name=f"{name}.{column}",
                label=label_of(column, table=name),
                purpose=_(entry.purpose),
                ground=_(entry.ground),
                kept=_(entry.kept),
                withheld=str(WITHHELD.get(reason, reason)) if reason else None,
                technical=_is_technical(column),
            )
        )
    shown = [
        [
            (f"{name}.{key}", label_of(key, table=name), in_words(name, key, row[key], libraries))
            for key in sorted(row, key=_is_technical)
        ]
        for row in list(rows or ())[::-1][:most]
    ]
    return Table(name, str(TABLES[name]), columns, None if rows is None else shown, count=len(rows or ()))


def _is_technical(column: str) -> bool:
    return column.rpartition(".")[2] in TECHNICAL
