"""Passkeys, with which patrons sign in by face, fingerprint or screen lock."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "passkeys",
        sa.Column("id", _BIG_ID, nullable=False),
        sa.Column("patron_id", _BIG_ID, nullable=False),
        sa.Column("user_handle", sa.String(86), nullable=False),
        sa.Column("webauthn_id", sa.String(1364), nullable=False),
        sa.Column("public_key", sa.String(2000), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("backed_up", sa.Boolean(), nullable=False),
        sa.Column("transports", sa.String(60), nullable=False),
        sa.Column("label", sa.String(60), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["patron_id"], ["patrons.id"], name="fk_passkeys_patron_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_passkeys"),
        sa.UniqueConstraint("webauthn_id", name="uq_passkeys_webauthn_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_passkeys_patron_id", "passkeys", ["patron_id"])


def downgrade() -> None:
    op.drop_table("passkeys")
