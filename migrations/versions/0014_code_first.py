"""An order may be one of a code, which comes before a PIN is looked at."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("pin_orders", sa.Column("purpose", sa.String(length=10), nullable=False, server_default="new-pin"))


def downgrade() -> None:
    # Without the purpose each of them would become a link to a new PIN.
    op.execute("DELETE FROM pin_orders WHERE purpose <> 'new-pin'")
    op.drop_column("pin_orders", "purpose")
