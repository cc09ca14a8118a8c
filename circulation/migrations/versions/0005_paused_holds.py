"""When a hold is paused."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("holds", sa.Column("paused_from", sa.Date()))
    op.add_column("holds", sa.Column("paused_until", sa.Date()))


def downgrade() -> None:
    with op.batch_alter_table("holds") as holds:
        holds.drop_column("paused_until")
        holds.drop_column("paused_from")
