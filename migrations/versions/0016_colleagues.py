"""How those who work at a library set up their sign-in: links by e-mail, and passkeys."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

_BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("staff", sa.Column("sealed_email", sa.LargeBinary()))
    # The default is for programs that do not know the column yet.
    op.add_column("staff", sa.Column("awaits_setup", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("staff", sa.Column("suspended_at", sa.DateTime(timezone=True)))
    op.add_column("staff", sa.Column("signed_in_on", sa.Date()))
    op.create_table(
        "staff_links",
        sa.Column("staff_id", _BIG_ID, nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=True),
        sa.Column("is_first", sa.Boolean(), nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("sealed_totp_key", sa.LargeBinary(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name="fk_staff_links_staff_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("staff_id", name="pk_staff_links"),
        sa.UniqueConstraint("token_hash", name="uq_staff_links_token_hash"),
    )
    op.create_index("ix_staff_links_due_at", "staff_links", ["due_at"])
    op.create_index("ix_staff_links_expires_at", "staff_links", ["expires_at"])
    op.create_table(
        "staff_passkeys",
        sa.Column("id", _BIG_ID, nullable=False),
        sa.Column("staff_id", _BIG_ID, nullable=False),
        sa.Column("user_handle", sa.String(86), nullable=False),
        sa.Column("webauthn_id", sa.String(1364), nullable=False),
        sa.Column("public_key", sa.String(2000), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("backed_up", sa.Boolean(), nullable=False),
        sa.Column("transports", sa.String(60), nullable=False),
        sa.Column("label", sa.String(60), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name="fk_staff_passkeys_staff_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_staff_passkeys"),
        sa.UniqueConstraint("webauthn_id", name="uq_staff_passkeys_webauthn_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_staff_passkeys_staff_id", "staff_passkeys", ["staff_id"])


def downgrade() -> None:
    op.drop_table("staff_passkeys")
    op.drop_table("staff_links")
    for column in ("signed_in_on", "suspended_at", "awaits_setup", "sealed_email"):
        op.drop_column("staff", column)
