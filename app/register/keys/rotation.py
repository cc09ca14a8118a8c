"""A new key for all that the register keeps under keys. Tokens and seals are made anew from the old ones, without the
national numbers, card numbers and passwords behind them. PINs cannot be: each is renewed when its owner signs in.

Rows are renewed a batch at a time, each batch in a transaction of its own, and every row says under which key it
stands. So this can be stopped at any point and started again, while the portal goes on working.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, LargeBinary, RowMapping, Table, TextClause, bindparam, func, select, text, tuple_
from sqlalchemy.dialects.postgresql import ARRAY

from app.register.keys.vault import SecretNotOpened, vault
from app.register.store.transaction import autonomous, db, writing
from app.register.tables.columns import Base
from app.register.tables.patrons import PinVerifier

BATCH = 1000
"""Rows a transaction: on SQLite, where one writes at a time, the portal waits for no more than these."""

_Row = RowMapping
_Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Renewable:
    """A table's columns that stand under a key: one sealed column, or the tokens of which `key_id` tells the key."""

    table: Table
    columns: tuple[str, ...]
    is_sealed: bool

    @property
    def key(self) -> tuple[str, ...]:
        """The primary key's columns."""
        return tuple(column.name for column in self.table.primary_key)

    def is_older(self) -> ColumnElement[bool]:
        """Return the condition for rows under an older key. The first byte of what is sealed names its key."""
        if self.is_sealed:
            return func.substr(self.table.c[self.columns[0]], 1, 1, type_=LargeBinary) != bytes([vault.key_id])
        return self.table.c.key_id < vault.key_id

    def renew(self, row: _Row) -> _Values:
        """Return a row's values under the newest key. Raises SecretNotOpened."""
        if self.is_sealed:
            (column,) = self.columns
            return {column: vault.renew_seal(row[column], column=f"{self.table.name}.{column}")}
        return {
            column: vault.renew_token(row[column], key_id=row["key_id"]) if row[column] else None
            for column in self.columns
        }


def list_renewables() -> list[Renewable]:
    """Return everything in the register that can be renewed, by the names of its columns."""
    found = []
    for table in Base.metadata.sorted_tables:
        sealed = [column.name for column in table.columns if column.name.startswith("sealed_")]
        found += [Renewable(table, (column,), is_sealed=True) for column in sealed]
        tokens = tuple(column.name for column in table.columns if column.name.rpartition("_")[2] == "token")
        if "key_id" in table.columns and tokens:
            found.append(Renewable(table, tokens, is_sealed=False))
    return found


def count_older(renewable: Renewable) -> int:
    """Return how many rows stand under an older key."""
    with autonomous() as connection:
        count = select(func.count()).select_from(renewable.table).where(renewable.is_older())
        return connection.execute(count).scalar_one()


def newest_key_in_use() -> int:
    """Return the newest key under which anything stands; it is not in the vault where VAULT_KEYS has lost it."""
    tables = [table for table in Base.metadata.sorted_tables if "key_id" in table.columns]
    with autonomous() as connection:
        return max(connection.execute(select(func.max(table.c.key_id))).scalar() or 0 for table in tables)


def count_older_pins() -> int:
    """Return how many PINs stand under an older key, until their owners sign in."""
    with autonomous() as connection:
        count = select(func.count()).select_from(PinVerifier).where(PinVerifier.key_id < vault.key_id)
        return connection.execute(count).scalar_one()


def renew(renewable: Renewable, *, batch: int = BATCH) -> Iterator[int]:
    """Renew what stands under an older key, and yield how many rows each committed batch renewed.

    A row that the portal changes in the same moment is left for the next round. What cannot be opened is left as it
    is: `count_older` tells how many such there are.
    """
    while True:
        renewed = read = 0
        for rows in _read_batches(renewable, batch=batch):
            read += len(rows)
            done = _write(renewable, rows)
            renewed += done
            yield done
        if renewed in (0, read):
            return


def _read_batches(renewable: Renewable, *, batch: int) -> Iterator[Sequence[_Row]]:
    key = [renewable.table.c[name] for name in renewable.key]
    names = {*renewable.key, *renewable.columns} | (set() if renewable.is_sealed else {"key_id"})
    query = select(*(renewable.table.c[name] for name in sorted(names)))
    query = query.where(renewable.is_older()).order_by(*key).limit(batch)
    place = tuple_(*key)
    following = query
    while True:
        # A connection for each batch: nothing is held open while the portal waits to write.
        with autonomous() as connection:
            rows = connection.execute(following).mappings().all()
        if not rows:
            return
        yield rows
        following = query.where(place > tuple_(*(rows[-1][name] for name in renewable.key)))


def _write(renewable: Renewable, rows: Sequence[_Row]) -> int:
    changes: list[_Values] = []
    for row in rows:
        try:
            values = renewable.renew(row)
        except SecretNotOpened:
            continue
        was = {f"was_{column}": row[column] for column in renewable.columns}
        at = {f"at_{column}": row[column] for column in renewable.key}
        changes.append({f"new_{column}": value for column, value in values.items()} | was | at)
    if not changes:
        return 0
    with writing():
        connection = db.session.connection()
        if connection.dialect.name == "sqlite":
            return connection.execute(_on_sqlite(renewable), changes).rowcount
        return connection.execute(_on_postgresql(renewable, changes)).rowcount


def _assignments(renewable: Renewable, new: str) -> str:
    # A key's number is no secret, and no text from outside.
    ours = [] if renewable.is_sealed else [f"key_id = {vault.key_id:d}"]
    return ", ".join([*ours, *(f"{column} = {new}new_{column}" for column in renewable.columns)])


def _on_sqlite(renewable: Renewable) -> TextClause:
    """Return the statement for one row, which changes it only where it is still as it was read."""
    same = [f"{column} IS :was_{column}" for column in renewable.columns]
    same += [f"{column} = :at_{column}" for column in renewable.key]
    return text(
        # All names are the register's own.
        f"UPDATE OR IGNORE {renewable.table.name} SET {_assignments(renewable, ':')} WHERE {' AND '.join(same)}"  # noqa: S608
    )


def _on_postgresql(renewable: Renewable, changes: Sequence[_Values]) -> TextClause:
    """Return the statement for all rows, which passes by those that somebody else has locked: it waits for nobody."""
    table, names = renewable.table, list(changes[0])
    arrays = ", ".join(f":{name}" for name in names)
    at_place = " AND ".join(f"t.{column} = fresh.at_{column}" for column in renewable.key)
    same = " AND ".join(f"t.{column} IS NOT DISTINCT FROM fresh.was_{column}" for column in renewable.columns)
    taken = " AND ".join(
        f"taken.{column} = fresh.new_{column}" for column in renewable.key if column in renewable.columns
    )
    free = f"NOT EXISTS (SELECT FROM {table.name} AS taken WHERE {taken})" if taken else "true"
    return text(
        # All names are the register's own.
        f"""
        WITH fresh AS MATERIALIZED (
            SELECT fresh.* FROM unnest({arrays}) AS fresh ({", ".join(names)}) JOIN {table.name} AS t ON {at_place}
            WHERE {same} AND {free} FOR NO KEY UPDATE OF t SKIP LOCKED
        )
        UPDATE {table.name} AS t SET {_assignments(renewable, "fresh.")} FROM fresh WHERE {at_place}
        """  # noqa: S608
    ).bindparams(
        *(
            bindparam(name, [change[name] for change in changes], ARRAY(table.c[name.partition("_")[2]].type))
            for name in names
        )
    )
