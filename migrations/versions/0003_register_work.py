"""Correcting, erasing, one-time codes, the desk's register work, and libraries' systems."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from app.register.keys.vault import vault

revision = "0003"
down_revision = "0002"


_BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "erasures",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("receipt_hash", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=10), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
        sa.UniqueConstraint("receipt_hash", name=op.f("uq_erasures_receipt_hash")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "machine_answers",
        sa.Column("username", sa.String(length=60), nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("request_hash", sa.String(length=64), nullable=False),
        sa.Column("sealed_answer", sa.LargeBinary(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("username", "key_hash", name=op.f("pk_machine_answers")),
    )
    with op.batch_alter_table("machine_answers", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_machine_answers_answered_at"), ["answered_at"], unique=False)

    op.create_table(
        "pin_orders",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sealed_number", sa.LargeBinary(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pin_orders")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "library_queues",
        sa.Column("library_id", sa.String(length=20), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("purged_seq", sa.BigInteger(), nullable=False),
        sa.Column("webhook_url", sa.String(length=500), nullable=True),
        sa.Column("sealed_webhook_key", sa.LargeBinary(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_fault", sa.String(length=40), nullable=True),
        sa.Column("last_told_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["library_id"], ["libraries.id"], name=op.f("fk_library_queues_library_id")),
        sa.PrimaryKeyConstraint("library_id", name=op.f("pk_library_queues")),
    )
    with op.batch_alter_table("library_queues", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_library_queues_due_at"), ["due_at"], unique=False)

    op.create_table(
        "number_series",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("library_id", sa.String(length=20), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("reserved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["library_id"], ["libraries.id"], name=op.f("fk_number_series_library_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_number_series")),
        sa.UniqueConstraint("first", name=op.f("uq_number_series_first")),
        sa.UniqueConstraint("last", name=op.f("uq_number_series_last")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "desk_visits",
        sa.Column("session", sa.String(length=43), nullable=False),
        sa.Column("patron_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("library_id", sa.String(length=20), nullable=False),
        sa.Column("terminal", sa.String(length=80), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["patron_id"], ["patrons.id"], name=op.f("fk_desk_visits_patron_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("session", name=op.f("pk_desk_visits")),
    )
    with op.batch_alter_table("desk_visits", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_desk_visits_patron_id"), ["patron_id"], unique=False)

    op.create_table(
        "one_time_secrets",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("patron_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("purpose", sa.String(length=10), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("purpose IN ('new-pin', 'new-device', 'step-up')", name=op.f("ck_one_time_secrets_purpose")),
        sa.ForeignKeyConstraint(
            ["patron_id"], ["patrons.id"], name=op.f("fk_one_time_secrets_patron_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_one_time_secrets")),
        sa.UniqueConstraint("token", name=op.f("uq_one_time_secrets_token")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("one_time_secrets", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_one_time_secrets_patron_id"), ["patron_id"], unique=False)

    with op.batch_alter_table("libraries", schema=None) as batch_op:
        batch_op.add_column(sa.Column("consent_age", sa.Integer(), nullable=False, server_default="15"))

    with op.batch_alter_table("machines", schema=None) as batch_op:
        batch_op.add_column(sa.Column("former_token", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("former_until", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("key_id", sa.Integer(), nullable=False, server_default=str(vault.key_id)))

    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.add_column(sa.Column("channel", sa.String(length=10), nullable=True))
        batch_op.add_column(sa.Column("sealed_to", sa.LargeBinary(), nullable=True))
        batch_op.create_index(batch_op.f("ix_messages_sent_at"), ["sent_at"], unique=False)

    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("code_entered_at", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("patrons", table_kwargs={"sqlite_autoincrement": True}) as batch_op:
        _add_to_patrons(batch_op)
    _remember_numbers_as_tokens()
    _renew_notices()


def _add_to_patrons(batch_op: Any) -> None:
    batch_op.drop_constraint(batch_op.f("ck_patrons_card_state"), type_="check")
    batch_op.create_check_constraint(
        batch_op.f("ck_patrons_card_state"), "card_state IN ('active', 'lost', 'deceased')"
    )
    batch_op.add_column(sa.Column("language", sa.String(length=2), nullable=False, server_default="nb"))
    batch_op.add_column(sa.Column("local_to", sa.String(length=20), nullable=True))
    batch_op.add_column(sa.Column("guardian_consent_at", sa.DateTime(timezone=True), nullable=True))
    # Nobody is thought inactive for what was not counted before.
    batch_op.add_column(
        sa.Column("last_used_on", sa.Date(), nullable=False, server_default=datetime.now(UTC).date().isoformat())
    )
    batch_op.add_column(sa.Column("frozen_at", sa.DateTime(timezone=True), nullable=True))
    batch_op.add_column(sa.Column("erase_at", sa.DateTime(timezone=True), nullable=True))
    batch_op.add_column(sa.Column("erase_reason", sa.String(length=10), nullable=True))
    batch_op.add_column(sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
    for column in ("birth_date", "email", "erase_at", "phone", "postcode"):
        batch_op.create_index(batch_op.f(f"ix_patrons_{column}"), [column], unique=False)
    batch_op.create_foreign_key(batch_op.f("fk_patrons_local_to"), "libraries", ["local_to"], ["id"])
    batch_op.create_check_constraint(batch_op.f("ck_patrons_erase_reason"), "erase_reason IN ('death', 'inactive')")


def _remember_numbers_as_tokens() -> None:
    numbers = list(op.get_bind().execute(sa.text("SELECT card_number FROM issued_numbers")).scalars())
    op.drop_table("issued_numbers")
    issued = op.create_table(
        "issued_numbers",
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("key_id", sa.Integer(), nullable=False),
        sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_issued_numbers")),
    )
    rows = [
        {"token": vault.token(purpose="card number", text=number), "key_id": vault.key_id, "gone_at": None}
        for number in numbers
    ]
    if rows:
        op.bulk_insert(issued, rows)


def _renew_notices() -> None:
    waiting = op.get_bind().execute(sa.text("SELECT * FROM library_notices ORDER BY id")).mappings().all()
    op.drop_table("library_notices")
    notices = op.create_table(
        "library_notices",
        sa.Column("id", _BIG_ID, nullable=False),
        sa.Column("library_id", sa.String(length=20), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("patron_id", _BIG_ID, nullable=False),
        sa.Column("patron_version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("sealed_number", sa.LargeBinary(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_fault", sa.String(length=40), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("kept", sa.String(length=200), nullable=True),
        sa.Column("erasure_id", _BIG_ID, nullable=True),
        sa.CheckConstraint(
            "kind IN ('joined', 'changed', 'renumbered', 'left', 'erased')", name=op.f("ck_library_notices_kind")
        ),
        sa.ForeignKeyConstraint(
            ["erasure_id"], ["erasures.id"], name=op.f("fk_library_notices_erasure_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["library_id"], ["libraries.id"], name=op.f("fk_library_notices_library_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_library_notices")),
        sa.UniqueConstraint("library_id", "seq", name=op.f("uq_library_notices_library_id_seq")),
        sqlite_autoincrement=True,
    )
    for columns in (["erasure_id"], ["library_id", "patron_id"]):
        op.create_index(op.f(f"ix_library_notices_{'_'.join(columns)}"), "library_notices", columns)
    waits = sa.text("due_at IS NOT NULL")
    op.create_index(
        "ix_library_notices_waiting",
        "library_notices",
        ["library_id", "seq"],
        postgresql_where=waits,
        sqlite_where=waits,
    )
    last: dict[str, int] = {}
    for row in waiting:
        seq = last[row["library_id"]] = last.get(row["library_id"], 0) + 1
        number = row["old_card_number"].encode()
        notice = {
            "library_id": row["library_id"],
            "seq": seq,
            "patron_id": row["patron_id"],
            "patron_version": 1,
            "kind": "renumbered",
            "sealed_number": vault.seal(number, column="library_notices.sealed_number"),
            "asked_at": _instant(row["asked_at"]),
            "due_at": _instant(row["due_at"]),
            "attempts": row["attempts"],
        }
        op.bulk_insert(notices, [notice])
    for library_id in last:
        op.get_bind().execute(
            sa.text(
                "INSERT INTO library_queues (library_id, last_seq, purged_seq, attempts, due_at)"
                " SELECT library_id, max(seq), 0, 0, min(due_at) FROM library_notices"
                " WHERE library_id = :library_id GROUP BY library_id"
            ),
            {"library_id": library_id},
        )


def _instant(value: datetime | str) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def downgrade() -> None:
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.drop_column("code_entered_at")

    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_messages_sent_at"))
        batch_op.drop_column("sealed_to")
        batch_op.drop_column("channel")

    with op.batch_alter_table("machines", schema=None) as batch_op:
        batch_op.drop_column("key_id")
        batch_op.drop_column("former_until")
        batch_op.drop_column("former_token")

    # What waits, and whose each number was, cannot be had back out of what is kept now.
    op.drop_table("library_notices")
    op.create_table(
        "library_notices",
        sa.Column("id", _BIG_ID, nullable=False),
        sa.Column("library_id", sa.String(length=20), nullable=False),
        sa.Column("patron_id", _BIG_ID, nullable=False),
        sa.Column("old_card_number", sa.String(length=10), nullable=False),
        sa.Column("new_card_number", sa.String(length=10), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["library_id"], ["libraries.id"], name=op.f("fk_library_notices_library_id")),
        sa.ForeignKeyConstraint(
            ["patron_id"], ["patrons.id"], name=op.f("fk_library_notices_patron_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_library_notices")),
        sqlite_autoincrement=True,
    )
    for column in ("due_at", "library_id", "patron_id"):
        op.create_index(op.f(f"ix_library_notices_{column}"), "library_notices", [column])
    op.drop_table("issued_numbers")
    op.create_table(
        "issued_numbers",
        sa.Column("card_number", sa.String(length=10), nullable=False),
        sa.PrimaryKeyConstraint("card_number", name=op.f("pk_issued_numbers")),
    )
    op.execute("INSERT INTO issued_numbers SELECT card_number FROM patrons")
    op.execute("UPDATE patrons SET card_state = 'lost' WHERE card_state = 'deceased'")
    with op.batch_alter_table("patrons", table_kwargs={"sqlite_autoincrement": True}) as batch_op:
        _take_from_patrons(batch_op)
    with op.batch_alter_table("libraries", schema=None) as batch_op:
        batch_op.drop_column("consent_age")

    with op.batch_alter_table("one_time_secrets", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_one_time_secrets_patron_id"))

    op.drop_table("one_time_secrets")
    with op.batch_alter_table("desk_visits", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_desk_visits_patron_id"))

    op.drop_table("desk_visits")
    op.drop_table("number_series")
    with op.batch_alter_table("library_queues", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_library_queues_due_at"))

    op.drop_table("library_queues")
    op.drop_table("pin_orders")
    with op.batch_alter_table("machine_answers", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_machine_answers_answered_at"))

    op.drop_table("machine_answers")
    op.drop_table("erasures")


def _take_from_patrons(batch_op: Any) -> None:
    batch_op.drop_constraint(batch_op.f("ck_patrons_card_state"), type_="check")
    batch_op.drop_constraint(batch_op.f("ck_patrons_erase_reason"), type_="check")
    batch_op.create_check_constraint(batch_op.f("ck_patrons_card_state"), "card_state IN ('active', 'lost')")
    batch_op.drop_constraint(batch_op.f("fk_patrons_local_to"), type_="foreignkey")
    for column in ("birth_date", "email", "erase_at", "phone", "postcode"):
        batch_op.drop_index(batch_op.f(f"ix_patrons_{column}"))
    for column in (
        "language",
        "local_to",
        "guardian_consent_at",
        "last_used_on",
        "frozen_at",
        "erase_at",
        "erase_reason",
        "version",
    ):
        batch_op.drop_column(column)
