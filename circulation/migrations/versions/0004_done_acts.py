"""Keys of acts that were done, so that none is done twice."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "done_acts",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("done_on", sa.Date(), nullable=False, index=True),
    )


def downgrade() -> None:
    op.drop_table("done_acts")
