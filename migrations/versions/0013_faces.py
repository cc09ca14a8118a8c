"""What a library tells the public: telephone, e-mail, website, opening hours, branches."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

_BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("libraries", sa.Column("phone", sa.String(40)))
    op.add_column("libraries", sa.Column("email", sa.String(254)))
    op.add_column("libraries", sa.Column("website", sa.String(200)))
    op.add_column("libraries", sa.Column("time_zone", sa.String(40), nullable=False, server_default="Europe/Oslo"))
    op.add_column("libraries", sa.Column("hours_version", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("libraries", sa.Column("hours_told", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("libraries", sa.Column("hours_told_at", sa.DateTime(timezone=True)))
    op.create_table(
        "opening_weeks",
        sa.Column("library_id", sa.String(20), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("days", sa.String(2000), nullable=False),
        sa.PrimaryKeyConstraint("library_id", "valid_from", name="pk_opening_weeks"),
        sa.ForeignKeyConstraint(["library_id"], ["libraries.id"], name="fk_opening_weeks_library_id"),
    )
    op.create_table(
        "opening_exceptions",
        sa.Column("id", _BIG_ID, nullable=False),
        sa.Column("library_id", sa.String(20), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("yearly", sa.Boolean(), nullable=False),
        sa.Column("spans", sa.String(300), nullable=False),
        sa.Column("note", sa.String(80), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_opening_exceptions"),
        sa.ForeignKeyConstraint(["library_id"], ["libraries.id"], name="fk_opening_exceptions_library_id"),
        sa.CheckConstraint("last_day >= first_day", name=op.f("ck_opening_exceptions_days")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_opening_exceptions_library_id", "opening_exceptions", ["library_id"])
    op.create_table(
        "library_branches",
        sa.Column("id", _BIG_ID, nullable=False),
        sa.Column("library_id", sa.String(20), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("address", sa.String(200), nullable=False),
        sa.Column("postcode", sa.String(12), nullable=False),
        sa.Column("place", sa.String(80), nullable=False),
        sa.Column("phone", sa.String(40), nullable=False),
        sa.Column("hours", sa.String(300), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_library_branches"),
        sa.ForeignKeyConstraint(["library_id"], ["libraries.id"], name="fk_library_branches_library_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_library_branches_library_id", "library_branches", ["library_id"])


def downgrade() -> None:
    op.drop_table("library_branches")
    op.drop_table("opening_exceptions")
    op.drop_table("opening_weeks")
    for column in ("hours_told_at", "hours_told", "hours_version", "time_zone", "website", "email", "phone"):
        op.drop_column("libraries", column)
