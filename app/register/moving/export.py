"""Everything of a library's as rows: its patrons as far as it may see them, its people, machines, settings and acts.

No secret is in it: no verifier, no key, no token. Of a patron whose card is frozen or reported dead it has what a desk
sees, and of nobody else's patrons anything.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, select

from app.register.keys.vault import SecretNotOpened, vault
from app.register.log.access_log import Viewer, log_accesses
from app.register.moving.taking import NUMBER_COLUMN
from app.register.patron.card_status import COLUMNS, is_taken_at, status_of
from app.register.store.transaction import autonomous
from app.register.tables.columns import Base
from app.register.tables.moving import ImportedPatron
from app.register.tables.patrons import Affiliation, Patron
from app.rules.people.fields import FIELDS, log_words

PURPOSE: Final = "export"
BATCH: Final = 500
_SEEN_AT_REST: Final = ("card_number", "name", "home_library_id")
_FIELDS: Final = tuple(field.name for field in FIELDS)
PATRON_COLUMNS: Final = (*_FIELDS, "former_number", "card_state", "activated_at", "last_used_month")
"""The columns of `each_patron`, in their order."""
TABLES: Final = (
    "libraries", "opening_weeks", "opening_exceptions", "library_branches", "branch_weeks", "branch_exceptions",
    "staff", "library_acts", "machines", "library_queues", "number_series", "patron_imports",
)  # fmt: skip
"""What is the library's own. tests/house/test_export.py says why each other table that knows a library is not."""
_SECRET: Final = ("sealed_", "last_totp_step", "former_", "key_id")
_SECRET_ENDS: Final = ("_token", "_verifier", "_hash", "_key")

Row = Mapping[str, object]


def each_patron(*, library_id: str, viewer: Viewer, now: datetime) -> Iterator[Row]:
    """Yield the library's patrons, oldest first; the access to each is in the log before it is yielded.

    `former_number` is the card number in the file that the patron came from. Raises AccessNotLogged.
    """
    last = 0
    while rows := _read(library_id=library_id, after=last):
        last = rows[-1].id
        at_rest = {row.id for row in rows if status_of(row).at_rest}
        fields = {row.id: "name, card number, home library" if row.id in at_rest else log_words() for row in rows}
        shown = log_accesses(patrons=fields, viewer=viewer, purpose=PURPOSE, now=now)
        for row in rows:
            if row.id in shown:
                names = _SEEN_AT_REST if row.id in at_rest else _FIELDS
                values = {name: getattr(row, name) for name in names} | {"card_state": str(status_of(row).state)}
                if row.id not in at_rest:
                    values |= {name: getattr(row, name) for name in ("activated_at", "last_used_month")}
                    values["former_number"] = _open(row.sealed_number)
                yield {name: values.get(name) for name in PATRON_COLUMNS}


def read_table(name: str, *, library_id: str) -> list[Row]:
    """Return a library's rows of one of TABLES, without what is secret."""
    table = Base.metadata.tables[name]
    shown = [column for column in table.columns if not is_withheld(column.name)]
    with autonomous() as connection:
        rows = connection.execute(select(*shown).where(_is_of(table, library_id)).order_by(*table.primary_key))
        return [dict(row._mapping) for row in rows]


def is_withheld(column: str) -> bool:
    """Tell whether a column is a secret, which is in no export."""
    return column.startswith(_SECRET) or column.endswith(_SECRET_ENDS)


def _is_of(table: Table, library_id: str) -> ColumnElement[bool]:
    return table.columns["id" if table.name == "libraries" else "library_id"] == library_id


def _read(*, library_id: str, after: int) -> Sequence[Any]:
    imported = (
        select(ImportedPatron.sealed_number)
        .where(ImportedPatron.patron_id == Patron.id, ImportedPatron.library_id == library_id)
        .order_by(ImportedPatron.imported_at.desc())
        .limit(1)
        .correlate(Patron)
        .scalar_subquery()
        .label("sealed_number")
    )
    columns = [Patron.__table__.columns[name] for name in ("id", *_FIELDS)]
    state = [column for column in COLUMNS if column.key not in {"id", *_FIELDS}]
    joined = (Affiliation.activated_at, Affiliation.last_used_month)
    ours = (
        select(*columns, *state, *joined, imported)
        .join(Affiliation, (Affiliation.patron_id == Patron.id) & (Affiliation.library_id == library_id))
        .where(Patron.id > after, is_taken_at(library_id))
        .order_by(Patron.id)
        .limit(BATCH)
    )
    with autonomous() as connection:
        return connection.execute(ours).all()


def _open(sealed: bytes | None) -> str | None:
    try:
        return vault.open(sealed, column=NUMBER_COLUMN).decode() if sealed is not None else None
    except SecretNotOpened:
        return None
