"""A patron's notices are found without going through every library."""

from alembic import op

revision = "0004"
down_revision = "0003"

_BY_LIBRARY, _BY_PATRON = "ix_library_notices_library_id_patron_id", "ix_library_notices_patron_id_library_id"


def upgrade() -> None:
    # Without a lock in which nobody could be enrolled: in a large register an index takes a while to build.
    with op.get_context().autocommit_block():
        op.create_index(_BY_PATRON, "library_notices", ["patron_id", "library_id"], postgresql_concurrently=True)
        op.drop_index(_BY_LIBRARY, "library_notices", postgresql_concurrently=True)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index(_BY_LIBRARY, "library_notices", ["library_id", "patron_id"], postgresql_concurrently=True)
        op.drop_index(_BY_PATRON, "library_notices", postgresql_concurrently=True)
