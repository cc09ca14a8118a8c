"""Messages have an urgency, a queue and a lease; a notice of a replaced card says who charged for it."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_IS_DUE = sa.text("due_at IS NOT NULL")

_URGENCY = """
    UPDATE messages SET urgency = CASE
        WHEN kind IN ('new-device-code', 'step-up-code') THEN 1
        WHEN kind = 'new-pin' THEN 2
        WHEN kind IN ('family-advice-to-child', 'family-advice-to-guardian', 'inactive-warning') THEN 4
        ELSE 3 END
"""
_QUEUE = """
    UPDATE messages SET queue = COALESCE(channel, (
        SELECT CASE
            WHEN preferred_contact = 'sms' AND phone IS NOT NULL THEN 'sms'
            WHEN preferred_contact = 'letter' THEN 'letter'
            WHEN email IS NOT NULL THEN 'email'
            WHEN phone IS NOT NULL THEN 'sms'
            ELSE 'letter' END
        FROM patrons WHERE patrons.id = messages.patron_id))
"""


def upgrade() -> None:
    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.add_column(sa.Column("urgency", sa.SmallInteger(), nullable=False, server_default="3"))
        batch_op.add_column(sa.Column("queue", sa.String(length=10), nullable=False, server_default="letter"))
        batch_op.add_column(sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True))
        batch_op.drop_index(batch_op.f("ix_messages_due_at"))
    op.execute(_URGENCY)
    op.execute(_QUEUE)
    op.create_index(
        "ix_messages_waiting",
        "messages",
        ["queue", "urgency", "due_at", "id"],
        postgresql_where=_IS_DUE,
        sqlite_where=_IS_DUE,
    )
    with op.batch_alter_table("library_notices", schema=None) as batch_op:
        batch_op.add_column(sa.Column("charged_by", sa.String(length=64), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("library_notices", schema=None) as batch_op:
        batch_op.drop_column("charged_by")
    op.drop_index("ix_messages_waiting", table_name="messages", postgresql_where=_IS_DUE, sqlite_where=_IS_DUE)
    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_messages_due_at"), ["due_at"], unique=False)
        batch_op.drop_column("leased_until")
        batch_op.drop_column("queue")
        batch_op.drop_column("urgency")
