"""Cards whose key is on the phone, and children's cards on a guardian's phone."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_ADDED = (("credentials", "key_on_phone"), ("family_permissions", "may_carry_card"))


def upgrade() -> None:
    for table, column in _ADDED:
        with op.batch_alter_table(table) as batch_op:
            batch_op.add_column(sa.Column(column, sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    # No server can show these any more, and no permission stands behind a child's.
    op.execute(sa.text("DELETE FROM credentials WHERE key_on_phone"))
    op.execute(
        sa.text(
            "DELETE FROM credentials WHERE EXISTS"
            " (SELECT 1 FROM devices d WHERE d.id = credentials.device_id AND d.patron_id <> credentials.patron_id)"
        )
    )
    for table, column in reversed(_ADDED):
        with op.batch_alter_table(table) as batch_op:
            batch_op.drop_column(column)
