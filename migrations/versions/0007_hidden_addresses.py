"""Whether a patron's address is hidden, so that none is stored."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    # The default is for programs that do not know the column yet.
    op.add_column("patrons", sa.Column("address_hidden", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    op.drop_column("patrons", "address_hidden")
