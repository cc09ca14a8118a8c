"""Pages keep room for what changes at every scan and use, so that no index has to be written with it.

A table that was just written anew has full pages: a changed row would move to another one, and with it an entry in
each of its indexes. It counts for what is written from now on, so from the next nightly rewriting. SQLite has no such
setting.
"""

from alembic import op

revision = "0005"
down_revision = "0004"

_TABLES = ("credentials", "patrons")


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table in _TABLES:
            op.execute(f"ALTER TABLE {table} SET (fillfactor = 90)")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table in _TABLES:
            op.execute(f"ALTER TABLE {table} RESET (fillfactor)")
