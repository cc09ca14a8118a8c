"""What erasing somebody must find quickly: who is named elsewhere, and which library reported a death."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_BY_GUARDIANS = sa.text("role = 'guardian'")


def upgrade() -> None:
    with op.batch_alter_table("patrons", schema=None) as batch_op:
        batch_op.add_column(sa.Column("death_reported_by", sa.String(length=20), nullable=True))
    with op.batch_alter_table("machine_answers", schema=None) as batch_op:
        batch_op.add_column(sa.Column("patron_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True))
        batch_op.create_index(batch_op.f("ix_machine_answers_patron_id"), ["patron_id"], unique=False)
    with op.batch_alter_table("family_permissions", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_family_permissions_guardian_card_number"), ["guardian_card_number"], unique=False
        )
    op.create_index(
        "ix_access_log_guardians",
        "access_log",
        ["actor"],
        unique=False,
        postgresql_where=_BY_GUARDIANS,
        sqlite_where=_BY_GUARDIANS,
    )


def downgrade() -> None:
    op.drop_index("ix_access_log_guardians", table_name="access_log")
    with op.batch_alter_table("family_permissions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_family_permissions_guardian_card_number"))
    with op.batch_alter_table("machine_answers", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_machine_answers_patron_id"))
        batch_op.drop_column("patron_id")
    with op.batch_alter_table("patrons", table_kwargs={"sqlite_autoincrement": True}) as batch_op:
        batch_op.drop_column("death_reported_by")
