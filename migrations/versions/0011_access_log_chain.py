"""The access log is chained: lines get a proof, and their commitments, removals and roots tables of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("access_log", sa.Column("proof", sa.LargeBinary(), nullable=True))
    op.create_table(
        "access_log_chain",
        sa.Column("seq", _BIG_ID, autoincrement=False, nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=True),
        sa.Column("removal_id", sa.BigInteger(), nullable=True),
        sa.Column("commitment", sa.LargeBinary(), nullable=False),
        sa.Column("link", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("(entry_id IS NULL) <> (removal_id IS NULL)", name=op.f("ck_access_log_chain_one_thing")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_access_log_chain")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_access_log_chain_entry_id")),
        sa.UniqueConstraint("removal_id", name=op.f("uq_access_log_chain_removal_id")),
    )
    op.create_table(
        "access_log_removals",
        sa.Column("id", _BIG_ID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("why", sa.String(length=10), nullable=False),
        sa.Column("entries", sa.Text(), nullable=False),
        sa.Column("proof", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("why IN ('erasure', 'retention', 'guardian')", name=op.f("ck_access_log_removals_why")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_log_removals")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "access_log_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("link", sa.LargeBinary(), nullable=False),
        sa.Column("unproved_to", sa.BigInteger(), nullable=False),
        sa.Column("proof", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_log_head")),
    )
    op.create_table(
        "access_log_roots",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_access_log_roots")),
    )
    # What was there before the chain gets its proof when it is sealed.
    head = sa.text(
        "INSERT INTO access_log_head (id, seq, link, unproved_to)"
        " SELECT 1, 0, :nothing, COALESCE(MAX(id), 0) FROM access_log"
    )
    op.get_bind().execute(head, {"nothing": bytes(32)})


def downgrade() -> None:
    for table in ("access_log_roots", "access_log_head", "access_log_removals", "access_log_chain"):
        op.drop_table(table)
    op.drop_column("access_log", "proof")
