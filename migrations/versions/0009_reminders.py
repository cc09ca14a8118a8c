"""What patrons want to be reminded of, browsers that show it, and the calendar's addresses."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_BY = " AND ".join(f"{kind}_by IN ('email', 'sms', 'push', 'none')" for kind in ("due", "ready", "overdue"))
_INSTANT = sa.DateTime(timezone=True)
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "reminder_choices",
        sa.Column("patron_id", _ID, nullable=False, autoincrement=False),
        sa.Column("due_by", sa.String(5), nullable=False),
        sa.Column("ready_by", sa.String(5), nullable=False),
        sa.Column("overdue_by", sa.String(5), nullable=False),
        sa.Column("permission_by", sa.String(5), nullable=False),
        sa.Column("days_before", sa.Integer(), nullable=False),
        sa.Column("quiet_from", sa.Integer()),
        sa.Column("quiet_to", sa.Integer()),
        sa.Column("chosen_at", _INSTANT, nullable=False),
        sa.CheckConstraint(
            f"{_BY} AND permission_by IN ('email', 'sms', 'push', 'none')", name=op.f("ck_reminder_choices_ways")
        ),
        sa.ForeignKeyConstraint(
            ["patron_id"], ["patrons.id"], name="fk_reminder_choices_patron_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("patron_id", name="pk_reminder_choices"),
    )
    op.create_table(
        "push_subscriptions",
        sa.Column("id", _ID, nullable=False),
        sa.Column("patron_id", _ID, nullable=False),
        sa.Column("device_id", _ID, nullable=False),
        sa.Column("address_hash", sa.String(64), nullable=False),
        sa.Column("sealed_address", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["patron_id"], ["patrons.id"], name="fk_push_subscriptions_patron_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name="fk_push_subscriptions_device_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_push_subscriptions"),
        sa.UniqueConstraint("address_hash", name="uq_push_subscriptions_address_hash"),
        sa.UniqueConstraint("device_id", name="uq_push_subscriptions_device_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_push_subscriptions_patron_id", "push_subscriptions", ["patron_id"])
    op.create_table(
        "push_messages",
        sa.Column("id", _ID, nullable=False),
        sa.Column("subscription_id", _ID, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("asked_at", _INSTANT, nullable=False),
        sa.Column("due_at", _INSTANT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["push_subscriptions.id"],
            name="fk_push_messages_subscription_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_push_messages"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_push_messages_subscription_id", "push_messages", ["subscription_id"])
    op.create_index("ix_push_messages_due_at", "push_messages", ["due_at"])
    op.create_table(
        "calendar_addresses",
        sa.Column("patron_id", _ID, nullable=False, autoincrement=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("made_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["patron_id"], ["patrons.id"], name="fk_calendar_addresses_patron_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("patron_id", name="pk_calendar_addresses"),
        sa.UniqueConstraint("token_hash", name="uq_calendar_addresses_token_hash"),
    )


def downgrade() -> None:
    # Each before those to which it points.
    for table in ("calendar_addresses", "push_messages", "push_subscriptions", "reminder_choices"):
        op.drop_table(table)
