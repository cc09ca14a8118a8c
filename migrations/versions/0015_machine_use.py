"""When machines were last here, what they were refused, and webhooks that libraries set themselves."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("machines", sa.Column("last_seen_at", sa.DateTime(timezone=True)))
    op.add_column(
        "library_queues", sa.Column("webhook_is_public", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.create_table(
        "machine_refusals",
        sa.Column("username", sa.String(60), nullable=False),
        sa.Column("reason", sa.String(20), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["username"],
            ["machines.username"],
            name=op.f("fk_machine_refusals_username"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("username", "reason", "hour", name=op.f("pk_machine_refusals")),
    )


def downgrade() -> None:
    op.drop_table("machine_refusals")
    op.drop_column("library_queues", "webhook_is_public")
    op.drop_column("machines", "last_seen_at")
