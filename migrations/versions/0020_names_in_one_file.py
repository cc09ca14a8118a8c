"""Rows of one file of patrons that have the same name and birth date are told by the check."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.add_column("patron_import_lines", sa.Column("name_hash", sa.String(64)))
    op.create_index("ix_patron_import_lines_import_id_name_hash", "patron_import_lines", ["import_id", "name_hash"])


def downgrade() -> None:
    op.drop_index("ix_patron_import_lines_import_id_name_hash", table_name="patron_import_lines")
    op.drop_column("patron_import_lines", "name_hash")
