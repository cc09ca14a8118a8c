"""The library that an interlibrary copy belongs to."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("items", sa.Column("lender", sa.String(300)))


def downgrade() -> None:
    with op.batch_alter_table("items") as items:
        items.drop_column("lender")
