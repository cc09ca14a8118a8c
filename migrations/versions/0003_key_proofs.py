"""What each key of the vault is recognised by."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "key_proofs",
        sa.Column("key_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("proof", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", name="pk_key_proofs"),
    )


def downgrade() -> None:
    op.drop_table("key_proofs")
