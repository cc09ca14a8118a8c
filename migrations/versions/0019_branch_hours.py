"""When a library's branches are open: their weeks, and days with other hours."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

_BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "branch_weeks",
        sa.Column("library_id", sa.String(20), nullable=False),
        sa.Column("branch_id", _BIG_ID, nullable=False, autoincrement=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("days", sa.String(2000), nullable=False),
        sa.PrimaryKeyConstraint("branch_id", "valid_from", name="pk_branch_weeks"),
        sa.ForeignKeyConstraint(["library_id"], ["libraries.id"], name="fk_branch_weeks_library_id"),
        sa.ForeignKeyConstraint(
            ["branch_id"], ["library_branches.id"], name="fk_branch_weeks_branch_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_branch_weeks_library_id", "branch_weeks", ["library_id"])
    op.create_table(
        "branch_exceptions",
        sa.Column("id", _BIG_ID, nullable=False),
        sa.Column("library_id", sa.String(20), nullable=False),
        sa.Column("branch_id", _BIG_ID, nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("yearly", sa.Boolean(), nullable=False),
        sa.Column("spans", sa.String(300), nullable=False),
        sa.Column("note", sa.String(80), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_branch_exceptions"),
        sa.ForeignKeyConstraint(["library_id"], ["libraries.id"], name="fk_branch_exceptions_library_id"),
        sa.ForeignKeyConstraint(
            ["branch_id"], ["library_branches.id"], name="fk_branch_exceptions_branch_id", ondelete="CASCADE"
        ),
        sa.CheckConstraint("last_day >= first_day", name=op.f("ck_branch_exceptions_days")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_branch_exceptions_library_id", "branch_exceptions", ["library_id"])
    op.create_index("ix_branch_exceptions_branch_id", "branch_exceptions", ["branch_id"])


def downgrade() -> None:
    op.drop_table("branch_exceptions")
    op.drop_table("branch_weeks")
