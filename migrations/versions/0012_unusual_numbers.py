"""How much each library did in an hour, by which unusual numbers are known."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "act_counts",
        sa.Column("library_id", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("library_id", "kind", "hour", name=op.f("pk_act_counts")),
    )


def downgrade() -> None:
    op.drop_table("act_counts")
