"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "agreements",
        sa.Column("card_number", sa.String(20), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("agreed_on", sa.Date(), nullable=False),
        sa.Column("withdrawn_on", sa.Date()),
        sa.PrimaryKeyConstraint("card_number", "kind", name="pk_agreements"),
        sa.CheckConstraint("kind IN ('door', 'tablet', 'ebook')", name=op.f("ck_agreements_kind")),
    )
    op.create_table(
        "door_entries",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("door", sa.String(60), nullable=False),
        sa.Column("card_number", sa.String(20)),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_door_entries"),
        sa.Index("ix_door_entries_at", "at"),
        sa.Index("ix_door_entries_card_number", "card_number"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "interlibrary_requests",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("card_number", sa.String(20), nullable=False),
        sa.Column("title", sa.String(300), nullable=False),
        sa.Column("author", sa.String(300), nullable=False),
        sa.Column("publication_year", sa.Integer(), nullable=False),
        sa.Column("category", sa.String(32), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("asked_on", sa.Date(), nullable=False),
        sa.Column("idempotency_key", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_interlibrary_requests"),
        sa.UniqueConstraint("idempotency_key", name="uq_interlibrary_requests_idempotency_key"),
        sa.CheckConstraint("state IN ('asked', 'ordered')", name=op.f("ck_interlibrary_requests_state")),
        sa.Index("ix_interlibrary_requests_card_number", "card_number"),
    )
    op.create_table(
        "items",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("barcode", sa.String(40), nullable=False),
        sa.Column("edition", sa.String(40), nullable=False),
        sa.Column("title", sa.String(300), nullable=False),
        sa.Column("author", sa.String(300), nullable=False),
        sa.Column("category", sa.String(32), nullable=False),
        sa.Column("shelf_code", sa.String(40), nullable=False),
        sa.Column("publication_year", sa.Integer(), nullable=False),
        sa.Column("price", sa.Integer()),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("interlibrary", sa.Boolean(), nullable=False),
        sa.Column("match_key", sa.String(300), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_items"),
        sa.UniqueConstraint("barcode", name="uq_items_barcode"),
        sa.CheckConstraint("price IS NULL OR price >= 0", name=op.f("ck_items_price")),
        sa.CheckConstraint("state IN ('stock', 'lost', 'destroyed')", name=op.f("ck_items_state")),
        sa.Index("ix_items_edition", "edition"),
        sa.Index("ix_items_match_key", "match_key"),
    )
    op.create_table(
        "library",
        sa.Column("id", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_library"),
    )
    op.create_table(
        "payments",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("card_number", sa.String(20)),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("received_by", sa.String(64), nullable=False),
        sa.Column("idempotency_key", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_payments"),
        sa.UniqueConstraint("idempotency_key", name="uq_payments_idempotency_key"),
        sa.CheckConstraint("amount > 0", name=op.f("ck_payments_amount")),
        sa.Index("ix_payments_card_number", "card_number"),
    )
    op.create_table(
        "holds",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("edition", sa.String(40), nullable=False),
        sa.Column("card_number", sa.String(20), nullable=False),
        sa.Column("asked_on", sa.Date(), nullable=False),
        sa.Column("item_id", sa.String(32)),
        sa.Column("fetch_before", sa.Date()),
        sa.PrimaryKeyConstraint("number", name="pk_holds"),
        sa.UniqueConstraint("card_number", "edition", name="uq_holds_card_number_edition"),
        sa.UniqueConstraint("id", name="uq_holds_id"),
        sa.UniqueConstraint("item_id", name="uq_holds_item_id"),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name="fk_holds_item_id", ondelete="SET NULL"),
        sa.Index("ix_holds_edition", "edition"),
    )
    op.create_table(
        "loans",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("item_id", sa.String(32), nullable=False),
        sa.Column("card_number", sa.String(20), nullable=False),
        sa.Column("lent_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("renewals", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_loans"),
        sa.UniqueConstraint("item_id", name="uq_loans_item_id"),
        sa.CheckConstraint("due_on >= lent_on", name=op.f("ck_loans_days")),
        sa.CheckConstraint("renewals >= 0", name=op.f("ck_loans_renewals")),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name="fk_loans_item_id", ondelete="RESTRICT"),
        sa.Index("ix_loans_card_number", "card_number"),
        sa.Index("ix_loans_due_on", "due_on"),
    )
    op.create_table(
        "claims",
        sa.Column("loan_id", sa.String(32), nullable=False),
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("claimed_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("loan_id", "level", name="pk_claims"),
        sa.ForeignKeyConstraint(["loan_id"], ["loans.id"], name="fk_claims_loan_id", ondelete="CASCADE"),
    )
    op.create_table(
        "debts",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("card_number", sa.String(20)),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("paid", sa.Integer(), nullable=False),
        sa.Column("waived", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("incurred_on", sa.Date(), nullable=False),
        sa.Column("settled_on", sa.Date()),
        sa.Column("invoice", sa.Boolean(), nullable=False),
        sa.Column("loan_id", sa.String(32)),
        sa.Column("claim_level", sa.Integer()),
        sa.Column("claimed_on", sa.Date()),
        sa.Column("waive_reason", sa.String(20)),
        sa.Column("waived_by", sa.String(64)),
        sa.Column("idempotency_key", sa.String(64)),
        sa.PrimaryKeyConstraint("number", name="pk_debts"),
        sa.UniqueConstraint(
            "card_number", "claim_level", "claimed_on", name="uq_debts_card_number_claim_level_claimed_on"
        ),
        sa.UniqueConstraint("id", name="uq_debts_id"),
        sa.UniqueConstraint("idempotency_key", name="uq_debts_idempotency_key"),
        sa.UniqueConstraint("loan_id", name="uq_debts_loan_id"),
        sa.CheckConstraint(
            "amount > 0 AND paid >= 0 AND waived >= 0 AND paid + waived <= amount", name=op.f("ck_debts_amount")
        ),
        sa.CheckConstraint("card_number IS NOT NULL OR settled_on IS NOT NULL", name=op.f("ck_debts_card_number")),
        sa.CheckConstraint(
            "kind IN ('overdue', 'claim_fee', 'replacement_charge', 'replacement_card', 'interlibrary')",
            name=op.f("ck_debts_kind"),
        ),
        sa.CheckConstraint("(settled_on IS NULL) = (paid + waived < amount)", name=op.f("ck_debts_settled")),
        sa.ForeignKeyConstraint(["loan_id"], ["loans.id"], name="fk_debts_loan_id", ondelete="SET NULL"),
        sa.Index("ix_debts_card_number", "card_number"),
    )
    op.create_table(
        "notices",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("card_number", sa.String(20), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("loan_id", sa.String(32)),
        sa.Column("hold_id", sa.String(32)),
        sa.Column("about_day", sa.Date(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("created_on", sa.Date(), nullable=False),
        sa.Column("sent_on", sa.Date()),
        sa.PrimaryKeyConstraint("id", name="pk_notices"),
        sa.UniqueConstraint("hold_id", "kind", "about_day", name="uq_notices_hold_id_kind_about_day"),
        sa.UniqueConstraint("loan_id", "kind", "about_day", "step", name="uq_notices_loan_id_kind_about_day_step"),
        sa.CheckConstraint(
            "kind IN ('reminder', 'claim', 'hold_ready', 'interlibrary_refused')", name=op.f("ck_notices_kind")
        ),
        sa.ForeignKeyConstraint(["hold_id"], ["holds.id"], name="fk_notices_hold_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["loan_id"], ["loans.id"], name="fk_notices_loan_id", ondelete="CASCADE"),
        sa.Index("ix_notices_card_number", "card_number"),
    )


# Each before those to which it points.
_TABLES = (
    "notices",
    "debts",
    "claims",
    "loans",
    "holds",
    "payments",
    "library",
    "items",
    "interlibrary_requests",
    "door_entries",
    "agreements",
)


def downgrade() -> None:
    for table in _TABLES:
        op.drop_table(table)
