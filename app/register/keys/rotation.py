"""Rotating the register's keys: tokens and seals are renewed from the old ones, without the numbers and passwords
behind them. PINs cannot be: each is renewed when its owner signs in.

Each batch of rows is renewed in a transaction of its own, and every row says which key it is under. So this can be
stopped at any point and started again, while the portal runs.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, LargeBinary, RowMapping, Table, TextClause, bindparam, func, select, text, tuple_
from sqlalchemy.dialects.postgresql import ARRAY

from app.register.keys.vault import SecretNotOpened, vault
from app.register.store.transaction import autonomous, db, writing
from app.register.tables.columns import Base
from app.register.tables.patrons import PinVerifier

BATCH = 1000
"""Rows in one transaction: on SQLite the portal cannot write meanwhile."""

_Row = RowMapping
_Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Renewable:
    """A table's columns under a key: one sealed column, or all tokens, whose key is in the column `key_id`."""

    table: Table
    columns: tuple[str, ...]
    is_sealed: bool

    @property
    def key(self) -> tuple[str, ...]:
        """The primary key's columns."""
        return tuple(column.name for column in self.table.primary_key)

    def is_older(self) -> ColumnElement[bool]:
        """Return the condition for rows under an older key. The first byte of a sealed value is its key's id."""
        if self.is_sealed:
            return func.substr(self.table.c[self.columns[0]], 1, 1, type_=LargeBinary) != bytes([vault.key_id])
        return self.table.c.key_id < vault.key_id

    def renew(self, row: _Row) -> _Values:
        """Return a row's values under the newest key. Raises SecretNotOpened."""
        if self.is_sealed:
            (column,) = self.columns
            return {column: vault.renew_seal(row[column], column=f"{self.table.name}.{column}")}
        renew = partial(vault.renew_token, key_id=row["key_id"])
        return {column: renew(row[column]) if row[column] else None for column in self.columns}


def list_renewables() -> list[Renewable]:
    """Return everything in the register that can be renewed: found by the names of columns."""
    found = []
    for table in Base.metadata.sorted_tables:
        sealed = [column.name for column in table.columns if column.name.startswith("sealed_")]
        found += [Renewable(table, (column,), is_sealed=True) for column in sealed]
        tokens = tuple(column.name for column in table.columns if column.name.rpartition("_")[2] == "token")
        if "key_id" in table.columns and tokens:
            found.append(Renewable(table, tokens, is_sealed=False))
    return found


def count_older(renewable: Renewable) -> int:
    """Return how many rows are under an older key."""
    with autonomous() as connection:
        count = select(func.count()).select_from(renewable.table).where(renewable.is_older())
        return connection.execute(count).scalar_one()


def count_older_pins() -> int:
    """Return how many PINs are under an older key, until their owners sign in."""
    with autonomous() as connection:
        return connection.execute(select(func.count()).where(PinVerifier.key_id < vault.key_id)).scalar_one()


def newest_key_in_use() -> int:
    """Return the newest key that any row is under; it is not in the vault if VAULT_KEYS has lost it."""
    tables = [table for table in Base.metadata.sorted_tables if "key_id" in table.columns]
    with autonomous() as connection:
        return max(connection.execute(select(func.max(table.c.key_id))).scalar() or 0 for table in tables)


def renew(renewable: Renewable, *, batch: int = BATCH) -> Iterator[int]:
    """Renew what is under an older key, and yield how many rows each committed batch renewed.

    A row that the portal is changing is left for the next round. What cannot be opened stays: `count_older` counts it.
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
        # A connection for each batch, so that no transaction is open between them.
        with autonomous() as connection:
            rows = connection.execute(following).mappings().all()
        if not rows:
            return
        yield rows
        following = query.where(place > tuple_(*(rows[-1][name] for name in renewable.key)))


def _write(renewable: Renewable, rows: Sequence[_Row]) -> int:
    changes: list[_Values] = []
    for row in rows:
        with suppress(SecretNotOpened):
            new = {f"new_{column}": value for column, value in renewable.renew(row).items()}
            was = {f"was_{column}": row[column] for column in renewable.columns}
            changes.append(new | was | {f"at_{column}": row[column] for column in renewable.key})
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
    """Return the statement for one row, which changes it only if it is still as it was read."""
    same = [f"{column} IS :was_{column}" for column in renewable.columns]
    same += [f"{column} = :at_{column}" for column in renewable.key]
    return text(
        # All names are the register's own.
        f"UPDATE OR IGNORE {renewable.table.name} SET {_assignments(renewable, ':')} WHERE {' AND '.join(same)}"  # noqa: S608
    )


def _on_postgresql(renewable: Renewable, changes: Sequence[_Values]) -> TextClause:
    """Return the statement for all rows, which skips those that another transaction has locked."""
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
            bindparam(name, [row[name] for row in changes], ARRAY(table.c[name.partition("_")[2]].type))
            for name in names
        )
    )
