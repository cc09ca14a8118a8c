"""Administrators of libraries, and what they did."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    # The default is for programs that do not know the column yet.
    op.add_column("staff", sa.Column("role", sa.String(15), nullable=False, server_default="desk"))
    op.create_table(
        "library_acts",
        sa.Column("id", _BIG_ID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("library_id", sa.String(20), nullable=False),
        sa.Column("username", sa.String(60), nullable=True),
        sa.Column("kind", sa.String(30), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.ForeignKeyConstraint(["library_id"], ["libraries.id"], name="fk_library_acts_library_id"),
        sa.PrimaryKeyConstraint("id", name="pk_library_acts"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_library_acts_at", "library_acts", ["at"])
    op.create_index("ix_library_acts_library_id_id", "library_acts", ["library_id", "id"])


def downgrade() -> None:
    op.drop_table("library_acts")
    op.drop_column("staff", "role")
