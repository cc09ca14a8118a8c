"""When a patron who grew up accepted the rules in place of a guardian."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.add_column("patrons", sa.Column("rules_accepted_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("patrons") as patrons:
        patrons.drop_column("rules_accepted_at")
