"""Getting a card online, with a national sign-in."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "registrations",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=5), nullable=False),
        sa.Column("own_token", sa.String(length=64), nullable=False),
        sa.Column("child_token", sa.String(length=64), nullable=True),
        sa.Column("guardian_token", sa.String(length=64), nullable=True),
        sa.Column("key_id", sa.Integer(), nullable=False),
        sa.Column("handle_hash", sa.String(length=64), nullable=False),
        sa.Column("sealed_form", sa.LargeBinary(), nullable=False),
        sa.Column("code_token", sa.String(length=64), nullable=True),
        sa.Column("code_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("code_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("patron_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('own', 'child')", name=op.f("ck_registrations_kind")),
        sa.ForeignKeyConstraint(
            ["patron_id"], ["patrons.id"], name=op.f("fk_registrations_patron_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registrations")),
        sa.UniqueConstraint("handle_hash", name=op.f("uq_registrations_handle_hash")),
        sa.UniqueConstraint("own_token", "kind", name=op.f("uq_registrations_own_token_kind")),
        sqlite_autoincrement=True,
    )
    for column in ("code_due_at", "expires_at", "patron_id"):
        op.create_index(op.f(f"ix_registrations_{column}"), "registrations", [column])
    with op.batch_alter_table("libraries", schema=None) as batch_op:
        batch_op.add_column(sa.Column("online_activation", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("identified_at", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("patrons", table_kwargs={"sqlite_autoincrement": True}) as batch_op:
        batch_op.add_column(sa.Column("stated_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("patrons", table_kwargs={"sqlite_autoincrement": True}) as batch_op:
        batch_op.drop_column("stated_at")
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.drop_column("identified_at")
    with op.batch_alter_table("libraries", schema=None) as batch_op:
        batch_op.drop_column("online_activation")
    for column in ("code_due_at", "expires_at", "patron_id"):
        op.drop_index(op.f(f"ix_registrations_{column}"), "registrations")
    op.drop_table("registrations")
