"""How much happens at each library in a day."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "library_totals",
        sa.Column("library_id", sa.String(20), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("part", sa.String(20), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("library_id", "day", "kind", "part", name="pk_library_totals"),
    )


def downgrade() -> None:
    op.drop_table("library_totals")
