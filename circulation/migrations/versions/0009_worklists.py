"""Which copies that are set aside are still to be fetched, and which loans' claims are stopped."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("holds", sa.Column("picked", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "stopped_claims",
        sa.Column("loan_id", sa.String(32), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(20), nullable=False),
        sa.Column("stopped_by", sa.String(64), nullable=False),
        sa.Column("stopped_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["loan_id"], ["loans.id"], name="fk_stopped_claims_loan_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("loan_id", name="pk_stopped_claims"),
    )


def downgrade() -> None:
    op.drop_table("stopped_claims")
    op.drop_column("holds", "picked")
