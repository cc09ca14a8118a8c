"""Numbers that a guardian typed, which give way to whoever proves that they are theirs."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

# Young people whose own sign-in told no name are among them: they get another card, as new as the one that they lose.
_BY_GUARDIANS = """
    UPDATE national_id_tokens SET stated = true WHERE patron_id IN
    (SELECT id FROM patrons WHERE stated_at IS NOT NULL AND guardian_consent_at IS NOT NULL)
"""


def upgrade() -> None:
    with op.batch_alter_table("national_id_tokens", schema=None) as batch_op:
        batch_op.add_column(sa.Column("stated", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute(_BY_GUARDIANS)


def downgrade() -> None:
    with op.batch_alter_table("national_id_tokens", schema=None) as batch_op:
        batch_op.drop_column("stated")
