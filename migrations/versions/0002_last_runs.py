"""When work that a timer starts was last done."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "last_runs",
        sa.Column("name", sa.String(20), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_last_runs"),
    )


def downgrade() -> None:
    op.drop_table("last_runs")
