"""When a permission ends because its giver becomes an adult, and when a guardian's consent is needed no longer."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("patrons", sa.Column("consent_ends_on", sa.Date()))
    op.add_column("family_permissions", sa.Column("ends_on", sa.Date()))
    op.add_column("family_permissions", sa.Column("renewed_at", sa.DateTime(timezone=True)))
    op.create_index("ix_family_permissions_ends_on", "family_permissions", ["ends_on"])


def downgrade() -> None:
    op.drop_index("ix_family_permissions_ends_on", "family_permissions")
    op.drop_column("family_permissions", "renewed_at")
    op.drop_column("family_permissions", "ends_on")
    op.drop_column("patrons", "consent_ends_on")
