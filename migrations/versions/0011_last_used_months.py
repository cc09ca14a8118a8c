"""In which month a card was last used at each library."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("affiliations", sa.Column("last_used_month", sa.Date()))


def downgrade() -> None:
    op.drop_column("affiliations", "last_used_month")
