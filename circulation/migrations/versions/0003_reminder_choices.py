"""What card holders want to be reminded of."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "reminder_choices",
        sa.Column("card_number", sa.String(20), primary_key=True),
        sa.Column("due", sa.String(5), nullable=False),
        sa.Column("ready", sa.String(5), nullable=False),
        sa.Column("overdue", sa.String(5), nullable=False),
        sa.Column("days_before", sa.Integer(), nullable=False),
        sa.Column("quiet_from", sa.Integer(), nullable=False),
        sa.Column("quiet_to", sa.Integer(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("reminder_choices")
