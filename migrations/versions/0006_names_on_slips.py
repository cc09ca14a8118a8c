"""Whether a library's hold slips show names."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    # The default is for programs that do not know the column yet.
    op.add_column("libraries", sa.Column("names_on_slips", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    op.drop_column("libraries", "names_on_slips")
