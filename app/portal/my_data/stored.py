"""All that is stored about a patron, as that patron reads it: in sections, each column with purpose and retention."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from flask_babel import LazyString, format_date, format_time
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.messages.compose import subject_of
from app.portal.my_data.access_words import ACCESS_WORDS
from app.portal.my_data.data_words import COLUMNS, TABLES, WITHHELD
from app.register.leaving.inventory import read_inventory
from app.register.leaving.own_data import LIBRARY_COLUMNS, OWN_TABLES, Row, name_libraries, read_own_data
from app.rules.card.code import Kind
from app.rules.people.fields import FIELD, choices_of
from app.web.pages.library_words import in_a_row

SECTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "you": ("patrons", "contact_changes", "national_id_tokens", "issued_numbers", "registrations"),
    "libraries": ("affiliations", "library_notices", "machine_answers"),
    "looks": ("access_log", "presented_steps", "desk_visits"),
    "devices": ("sessions", "devices", "credentials", "pin_verifiers", "one_time_secrets"),
    "family": ("permissions_given", "permissions_received"),
    "messages": ("messages", "messages_about_you"),
}
"""The page's sections, with the tables that each explains. A test misses a table that stands in none."""

MOST_ROWS: Final = 20
_VALUES: Final[Mapping[tuple[str, str], LazyString]] = {
    ("card_state", "active"): _l("works"),
    ("card_state", "lost"): _l("reported lost"),
    ("card_state", "deceased"): _l("a death was reported"),
    ("channel", "email"): _l("e-mail"),
    ("channel", "sms"): _l("SMS"),
    ("channel", "letter"): _l("letter"),
    ("erase_reason", "death"): _l("a death was reported"),
    ("erase_reason", "inactive"): _l("nobody has used the card for three years"),
    ("purpose", "new-pin"): _l("a new PIN"),
    ("purpose", "new-device"): _l("a new device"),
    ("purpose", "step-up"): _l("a confirmation"),
    ("registrations", "own"): _l("for yourself"),
    ("registrations", "child"): _l("by a guardian"),
    ("library_notices", "joined"): _l("you joined"),
    ("library_notices", "changed"): _l("something was changed"),
    ("library_notices", "renumbered"): _l("the card has a new number"),
    ("library_notices", "left"): _l("you left"),
    ("library_notices", "erased"): _l("the card was deleted"),
}


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


@dataclass(frozen=True, slots=True)
class Table:
    """A kind of information: its columns, and each row as (column's name, label, value in words or None).

    `rows` is None where they are shown in another way.
    """

    name: str
    heading: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[tuple[str, str, str | None]]] | None
    count: int


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
    columns = []
    for column in [each.name for each in own.table.__table__.columns]:
        entry, reason = read_inventory()[own.table.__tablename__][column], own.withheld.get(column)
        withheld = str(WITHHELD.get(reason, reason)) if reason else None
        label = label_of(column, purpose=_(entry.purpose))
        columns.append(Column(f"{name}.{column}", label, _(entry.purpose), _(entry.ground), _(entry.kept), withheld))
    shown = [
        [(f"{name}.{key}", label_of(key), _in_words(name, key, row[key], libraries)) for key in row]
        for row in list(rows or ())[::-1][:most]
    ]
    heading = str(TABLES.get(name, name))
    return Table(name, heading, columns, None if rows is None else shown, count=len(rows or ()))


def label_of(column: str, *, purpose: str = "") -> str:
    """Return what a column is called; its purpose, where it has no word yet."""
    return str(COLUMNS.get(column, purpose or column))


def _in_words(table: str, column: str, value: Any, libraries: Mapping[str, str]) -> str | None:  # noqa: ANN401
    match value:
        case None | "":
            return None
        case bool():
            return _("yes") if value else _("no")
        case datetime():
            return f"{format_date(value, 'long')}, {format_time(value, 'short')}"
        case date():
            return format_date(value, "long")
        case _any:
            return _word(table, column, value, libraries)


def _word(table: str, column: str, value: Any, libraries: Mapping[str, str]) -> str:  # noqa: ANN401
    if column in LIBRARY_COLUMNS:
        return libraries.get(value, str(value))
    if column in FIELD and value in choices_of(column):
        return _(choices_of(column)[value])
    if column == "kind" and table in ("messages", "messages_about_you"):
        return subject_of(value)
    if column == "kind" and table == "credentials":
        return _("the code stands still") if value == Kind.STATIC else _("the code rotates")
    if table == "access_log" and column in ACCESS_WORDS:
        return in_a_row([str(ACCESS_WORDS[column].get(part, part)) for part in value.split(", ")])
    return str(_VALUES.get((table if column == "kind" else column, value), value))
