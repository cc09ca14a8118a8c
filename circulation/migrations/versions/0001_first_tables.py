"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "agreements",
        sa.Column("card_number", sa.String(20), primary_key=True),
        sa.Column("kind", sa.String(10), primary_key=True),
        sa.Column("agreed_on", sa.Date(), nullable=False),
        sa.Column("withdrawn_on", sa.Date()),
        sa.CheckConstraint("kind IN ('door', 'tablet', 'ebook')", name="kind"),
    )
    op.create_table(
        "door_entries",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, index=True),
        sa.Column("door", sa.String(60), nullable=False),
        sa.Column("card_number", sa.String(20), index=True),
        sa.Column("outcome", sa.String(20), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "interlibrary_requests",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("card_number", sa.String(20), nullable=False, index=True),
        sa.Column("title", sa.String(300), nullable=False),
        sa.Column("author", sa.String(300), nullable=False),
        sa.Column("publication_year", sa.Integer(), nullable=False),
        sa.Column("category", sa.String(32), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("asked_on", sa.Date(), nullable=False),
        sa.Column("idempotency_key", sa.String(64), nullable=False, unique=True),
        sa.CheckConstraint("state IN ('asked', 'ordered')", name="state"),
    )
    op.create_table(
        "items",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("barcode", sa.String(40), nullable=False, unique=True),
        sa.Column("edition", sa.String(40), nullable=False, index=True),
        sa.Column("title", sa.String(300), nullable=False),
        sa.Column("author", sa.String(300), nullable=False),
        sa.Column("category", sa.String(32), nullable=False),
        sa.Column("shelf_code", sa.String(40), nullable=False),
        sa.Column("publication_year", sa.Integer(), nullable=False),
        sa.Column("price", sa.Integer()),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("interlibrary", sa.Boolean(), nullable=False),
        sa.Column("match_key", sa.String(300), nullable=False, index=True),
        sa.CheckConstraint("price IS NULL OR price >= 0", name="price"),
        sa.CheckConstraint("state IN ('stock', 'lost', 'destroyed')", name="state"),
    )
    op.create_table("library", sa.Column("id", sa.String(40), primary_key=True))
    op.create_table(
        "payments",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("card_number", sa.String(20), index=True),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("received_by", sa.String(64), nullable=False),
        sa.Column("idempotency_key", sa.String(64), nullable=False, unique=True),
        sa.CheckConstraint("amount > 0", name="amount"),
    )
    op.create_table(
        "holds",
        sa.Column("number", sa.Integer(), primary_key=True),
        sa.Column("id", sa.String(32), nullable=False, unique=True),
        sa.Column("edition", sa.String(40), nullable=False, index=True),
        sa.Column("card_number", sa.String(20), nullable=False),
        sa.Column("asked_on", sa.Date(), nullable=False),
        sa.Column("item_id", sa.String(32), sa.ForeignKey("items.id", ondelete="SET NULL"), unique=True),
        sa.Column("fetch_before", sa.Date()),
        sa.UniqueConstraint("card_number", "edition"),
    )
    op.create_table(
        "loans",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column(
            "item_id", sa.String(32), sa.ForeignKey("items.id", ondelete="RESTRICT"), nullable=False, unique=True
        ),
        sa.Column("card_number", sa.String(20), nullable=False, index=True),
        sa.Column("lent_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False, index=True),
        sa.Column("renewals", sa.Integer(), nullable=False),
        sa.CheckConstraint("due_on >= lent_on", name="days"),
        sa.CheckConstraint("renewals >= 0", name="renewals"),
    )
    op.create_table(
        "claims",
        sa.Column("loan_id", sa.String(32), sa.ForeignKey("loans.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("level", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("claimed_on", sa.Date(), nullable=False),
    )
    op.create_table(
        "debts",
        sa.Column("number", sa.Integer(), primary_key=True),
        sa.Column("id", sa.String(32), nullable=False, unique=True),
        sa.Column("card_number", sa.String(20), index=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("paid", sa.Integer(), nullable=False),
        sa.Column("waived", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("incurred_on", sa.Date(), nullable=False),
        sa.Column("settled_on", sa.Date()),
        sa.Column("invoice", sa.Boolean(), nullable=False),
        sa.Column("loan_id", sa.String(32), sa.ForeignKey("loans.id", ondelete="SET NULL"), unique=True),
        sa.Column("claim_level", sa.Integer()),
        sa.Column("claimed_on", sa.Date()),
        sa.Column("waive_reason", sa.String(20)),
        sa.Column("waived_by", sa.String(64)),
        sa.Column("idempotency_key", sa.String(64), unique=True),
        sa.UniqueConstraint("card_number", "claim_level", "claimed_on"),
        sa.CheckConstraint("amount > 0 AND paid >= 0 AND waived >= 0 AND paid + waived <= amount", name="amount"),
        sa.CheckConstraint("card_number IS NOT NULL OR settled_on IS NOT NULL", name="card_number"),
        sa.CheckConstraint(
            "kind IN ('overdue', 'claim_fee', 'replacement_charge', 'replacement_card', 'interlibrary')", name="kind"
        ),
        sa.CheckConstraint("(settled_on IS NULL) = (paid + waived < amount)", name="settled"),
    )
    op.create_table(
        "notices",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("card_number", sa.String(20), nullable=False, index=True),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("loan_id", sa.String(32), sa.ForeignKey("loans.id", ondelete="CASCADE")),
        sa.Column("hold_id", sa.String(32), sa.ForeignKey("holds.id", ondelete="CASCADE")),
        sa.Column("about_day", sa.Date(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("created_on", sa.Date(), nullable=False),
        sa.Column("sent_on", sa.Date()),
        sa.UniqueConstraint("hold_id", "kind", "about_day"),
        sa.UniqueConstraint("loan_id", "kind", "about_day", "step"),
        sa.CheckConstraint("kind IN ('reminder', 'claim', 'hold_ready', 'interlibrary_refused')", name="kind"),
    )


def downgrade() -> None:
    # Each before those to which it points.
    for table in ("notices", "debts", "claims", "loans", "holds", "payments"):
        op.drop_table(table)
    for table in ("library", "items", "interlibrary_requests", "door_entries", "agreements"):
        op.drop_table(table)
