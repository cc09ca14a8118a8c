"""Runs the register's migrations. `flask db upgrade` and the portal's own start call it, inside an app context."""

from alembic import context
from sqlalchemy import Connection

from app.register.tables import Base
from app.register.transaction import db


def _migrate(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()


with db.engine.connect() as connection:
    _migrate(connection)
