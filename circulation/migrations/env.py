"""Run by circulation.database, which gives the open connection; there is no other way in."""

from alembic import context

from circulation.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
context.run_migrations()
