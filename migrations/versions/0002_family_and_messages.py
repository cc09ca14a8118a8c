"""The family folder, messages and new card numbers."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "issued_numbers",
        sa.Column("card_number", sa.String(length=10), nullable=False),
        sa.PrimaryKeyConstraint("card_number", name=op.f("pk_issued_numbers")),
    )
    op.create_table(
        "family_permissions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("patron_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("guardian_card_number", sa.String(length=10), nullable=False),
        sa.Column("guardian_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("switched_on_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("advised_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["guardian_id"], ["patrons.id"], name=op.f("fk_family_permissions_guardian_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["patron_id"], ["patrons.id"], name=op.f("fk_family_permissions_patron_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_family_permissions")),
        sa.UniqueConstraint(
            "patron_id", "guardian_card_number", name=op.f("uq_family_permissions_patron_id_guardian_card_number")
        ),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("family_permissions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_family_permissions_guardian_id"), ["guardian_id"], unique=False)

    op.create_table(
        "library_notices",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("library_id", sa.String(length=20), nullable=False),
        sa.Column("patron_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("old_card_number", sa.String(length=10), nullable=False),
        sa.Column("new_card_number", sa.String(length=10), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["library_id"], ["libraries.id"], name=op.f("fk_library_notices_library_id")),
        sa.ForeignKeyConstraint(
            ["patron_id"], ["patrons.id"], name=op.f("fk_library_notices_patron_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_library_notices")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("library_notices", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_library_notices_due_at"), ["due_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_library_notices_library_id"), ["library_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_library_notices_patron_id"), ["patron_id"], unique=False)

    op.create_table(
        "messages",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("patron_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("about_patron_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["about_patron_id"], ["patrons.id"], name=op.f("fk_messages_about_patron_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["patron_id"], ["patrons.id"], name=op.f("fk_messages_patron_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_messages_about_patron_id"), ["about_patron_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_messages_due_at"), ["due_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_messages_patron_id"), ["patron_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_messages_patron_id"))
        batch_op.drop_index(batch_op.f("ix_messages_due_at"))
        batch_op.drop_index(batch_op.f("ix_messages_about_patron_id"))

    op.drop_table("messages")
    with op.batch_alter_table("library_notices", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_library_notices_patron_id"))
        batch_op.drop_index(batch_op.f("ix_library_notices_library_id"))
        batch_op.drop_index(batch_op.f("ix_library_notices_due_at"))

    op.drop_table("library_notices")
    with op.batch_alter_table("family_permissions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_family_permissions_guardian_id"))

    op.drop_table("family_permissions")
    op.drop_table("issued_numbers")
