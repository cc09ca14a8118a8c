"""Agreements for unstaffed opening, tablets and e-books, and the door's book of entries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "agreements",
        sa.Column("card_number", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("agreed_on", sa.Date(), nullable=False),
        sa.Column("withdrawn_on", sa.Date(), nullable=True),
        sa.CheckConstraint("kind IN ('door', 'tablet', 'ebook')", name=op.f("ck_agreements_kind")),
        sa.PrimaryKeyConstraint("card_number", "kind", name=op.f("pk_agreements")),
    )
    op.create_table(
        "door_entries",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("door", sa.String(length=60), nullable=False),
        sa.Column("card_number", sa.String(length=20), nullable=True),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_door_entries")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("door_entries", table_kwargs={"sqlite_autoincrement": True}) as batch_op:
        batch_op.create_index(batch_op.f("ix_door_entries_at"), ["at"])
        batch_op.create_index(batch_op.f("ix_door_entries_card_number"), ["card_number"])


def downgrade() -> None:
    op.drop_table("door_entries")
    op.drop_table("agreements")
