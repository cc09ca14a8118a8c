"""Addresses that were proven to be the patron's, and changes of contact data that can be undone."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

# Until now every address was one to which links and codes went. To call none of them proven would shut everybody out.
_AS_BEFORE = """
    UPDATE patrons SET proven_email = email, proven_phone = phone,
    proven_address = CASE WHEN address IS NULL THEN NULL
    ELSE address || CASE WHEN postcode IS NULL AND place IS NULL THEN ''
    ELSE chr_nl || TRIM(COALESCE(postcode, '') || ' ' || COALESCE(place, '')) END END
"""


def upgrade() -> None:
    op.add_column("patrons", sa.Column("proven_email", sa.String(length=254), nullable=True))
    op.add_column("patrons", sa.Column("proven_phone", sa.String(length=20), nullable=True))
    op.add_column("patrons", sa.Column("proven_address", sa.String(length=300), nullable=True))
    op.add_column("patrons", sa.Column("awaits_first_link", sa.Boolean(), nullable=False, server_default=sa.false()))
    new_line = "char(10)" if op.get_bind().dialect.name == "sqlite" else "chr(10)"
    op.execute(_AS_BEFORE.replace("chr_nl", new_line))
    op.add_column("one_time_secrets", sa.Column("channel", sa.String(length=10), nullable=True))
    op.add_column("messages", sa.Column("contact_change_id", sa.BigInteger(), nullable=True))
    op.create_table(
        "contact_changes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("patron_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("library_id", sa.String(length=20), nullable=True),
        sa.Column("fields", sa.String(length=60), nullable=False),
        sa.Column("sealed_former", sa.LargeBinary(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["patron_id"], ["patrons.id"], name=op.f("fk_contact_changes_patron_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_changes")),
        sqlite_autoincrement=True,
    )
    for column in ("changed_at", "patron_id"):
        op.create_index(op.f(f"ix_contact_changes_{column}"), "contact_changes", [column])


def downgrade() -> None:
    op.drop_table("contact_changes")
    op.drop_column("messages", "contact_change_id")
    op.drop_column("one_time_secrets", "channel")
    for column in ("awaits_first_link", "proven_address", "proven_phone", "proven_email"):
        op.drop_column("patrons", column)
