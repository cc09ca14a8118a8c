"""Runs the register's migrations. `flask db upgrade` and the portal's own start call it, inside an app context."""

from alembic import context
from sqlalchemy import Connection

from app.register.store.transaction import db
from app.register.tables.columns import Base


def _migrate(connection: Connection) -> None:
    on_sqlite = connection.dialect.name == "sqlite"
    if on_sqlite:
        # A table that is made anew would take the rows of others with it. Not possible inside a transaction.
        _speak_to_driver(connection, "PRAGMA foreign_keys=OFF")
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()
        if on_sqlite and connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
            raise RowsLost
    if on_sqlite:
        _speak_to_driver(connection, "PRAGMA foreign_keys=ON")


def _speak_to_driver(connection: Connection, sql: str) -> None:
    driver = connection.connection.dbapi_connection
    assert driver is not None
    driver.cursor().execute(sql)


class RowsLost(Exception):
    """A migration left rows that point nowhere; nothing of it is kept."""


with db.engine.connect() as connection:
    _migrate(connection)
