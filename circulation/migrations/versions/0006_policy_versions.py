"""The rules of a library by the day from which they hold, and a draft of them."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "policy_versions",
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("toml", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date()),
        sa.Column("published_by", sa.String(64)),
        sa.Column("published_at", sa.DateTime(timezone=True)),
        sa.Column("note", sa.String(300), nullable=False),
        sa.Column("withdrawn_by", sa.String(64)),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True)),
    )
    op.create_table(
        "policy_drafts",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("toml", sa.Text()),
        sa.Column("saved_by", sa.String(64)),
        sa.Column("saved_at", sa.DateTime(timezone=True)),
    )


def downgrade() -> None:
    op.drop_table("policy_drafts")
    op.drop_table("policy_versions")
