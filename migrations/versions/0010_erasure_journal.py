"""How far the register has come in its journal of erasures, and what is still to be written there."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "journal_place",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("journal", sa.String(length=32), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal_place")),
    )
    with op.batch_alter_table("erasures", schema=None) as batch_op:
        batch_op.add_column(sa.Column("entry_id", sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column("journal_entry", sa.Text(), nullable=True))
        batch_op.create_unique_constraint(op.f("uq_erasures_entry_id"), ["entry_id"])


def downgrade() -> None:
    with op.batch_alter_table("erasures", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("uq_erasures_entry_id"), type_="unique")
        batch_op.drop_column("journal_entry")
        batch_op.drop_column("entry_id")
    op.drop_table("journal_place")
