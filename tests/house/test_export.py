"""What is a library's own goes with it: each table that knows a library is in its export, or has a reason not to be."""

from sqlalchemy import LargeBinary, Table

from app.register.moving.export import TABLES, is_withheld
from app.register.tables.columns import Base

LEFT_OUT = {
    "patrons": "in patrons.csv, as far as the library may see them",
    "affiliations": "in patrons.csv: when each joined, and was last there",
    "imported_patrons": "in patrons.csv: the number that each had before",
    "patron_import_batches": "the file, which the library has",
    "patron_import_lines": "the report has them, for 30 days",
    "access_log": "the patrons' own: who looked at them",
    "contact_changes": "the patrons' own: what was changed, for 14 days",
    "library_totals": "counts below five would be in it; the numbers' own file hides them",
    "library_notices": "on their way to the library's system, which reads them",
    "act_counts": "counted against misuse, for 30 days",
    "machine_refusals": "of one day, on the machines' page",
    "desk_visits": "of five minutes",
    "presented_steps": "of one day, against showing a code twice",
    "sessions": "secrets: who is signed in",
    "staff_links": "secrets: links that open once",
    "staff_passkeys": "secrets: keys of the staff's own devices",
}


def belongs_to_a_library(table: Table) -> bool:
    pointed_at = {key.column.table.name for key in table.foreign_keys}
    return "library_id" in table.columns or bool(pointed_at & {"libraries", *TABLES})


def test_no_table_of_a_librarys_is_forgotten() -> None:
    owned = {name for name, table in Base.metadata.tables.items() if belongs_to_a_library(table)}
    assert owned | {"libraries"} == {*TABLES, *LEFT_OUT}
    assert not set(TABLES) & set(LEFT_OUT)


def test_no_secret_is_in_the_export() -> None:
    columns = [column for name in TABLES for column in Base.metadata.tables[name].columns]
    shown = [column for column in columns if not is_withheld(column.name)]
    secret = ("password", "secret", "token", "key", "hash")
    assert [str(column) for column in shown if isinstance(column.type, LargeBinary)] == []
    assert [str(column) for column in shown if any(word in column.name for word in secret)] == []
