"""The register's first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INSTANT = sa.DateTime(timezone=True)


def _where(condition: str) -> dict[str, sa.TextClause]:
    return {"postgresql_where": sa.text(condition), "sqlite_where": sa.text(condition)}


def upgrade() -> None:
    op.create_table(
        "access_log_chain",
        sa.Column("seq", _ID, autoincrement=False, nullable=False),
        sa.Column("entry_id", sa.BigInteger()),
        sa.Column("removal_id", sa.BigInteger()),
        sa.Column("commitment", sa.LargeBinary(), nullable=False),
        sa.Column("link", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_access_log_chain"),
        sa.UniqueConstraint("entry_id", name="uq_access_log_chain_entry_id"),
        sa.UniqueConstraint("removal_id", name="uq_access_log_chain_removal_id"),
        sa.CheckConstraint("(entry_id IS NULL) <> (removal_id IS NULL)", name=op.f("ck_access_log_chain_one_thing")),
    )
    op.create_table(
        "access_log_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("link", sa.LargeBinary(), nullable=False),
        sa.Column("unproved_to", sa.BigInteger(), nullable=False),
        sa.Column("proof", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id", name="pk_access_log_head"),
    )
    op.create_table(
        "access_log_removals",
        sa.Column("id", _ID, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("why", sa.String(10), nullable=False),
        sa.Column("entries", sa.Text(), nullable=False),
        sa.Column("proof", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_access_log_removals"),
        sa.CheckConstraint("why IN ('erasure', 'retention', 'guardian')", name=op.f("ck_access_log_removals_why")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "access_log_roots",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sent_at", _INSTANT),
        sa.PrimaryKeyConstraint("day", name="pk_access_log_roots"),
    )
    op.create_table(
        "act_counts",
        sa.Column("library_id", sa.String(20), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("hour", _INSTANT, nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("logged_at", _INSTANT),
        sa.PrimaryKeyConstraint("library_id", "kind", "hour", name="pk_act_counts"),
    )
    op.create_table(
        "attempt_counts",
        sa.Column("purpose", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("since", _INSTANT, nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("purpose", "subject", name="pk_attempt_counts"),
        sa.Index("ix_attempt_counts_since", "since"),
    )
    op.create_table(
        "erasures",
        sa.Column("id", _ID, nullable=False),
        sa.Column("receipt_hash", sa.String(64), nullable=False),
        sa.Column("reason", sa.String(10), nullable=False),
        sa.Column("erased_at", _INSTANT, nullable=False),
        sa.Column("entry_id", sa.String(32)),
        sa.Column("journal_entry", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_erasures"),
        sa.UniqueConstraint("entry_id", name="uq_erasures_entry_id"),
        sa.UniqueConstraint("receipt_hash", name="uq_erasures_receipt_hash"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "issued_numbers",
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("key_id", sa.Integer(), nullable=False),
        sa.Column("gone_at", _INSTANT),
        sa.PrimaryKeyConstraint("token", name="pk_issued_numbers"),
    )
    op.create_table(
        "journal_place",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("journal", sa.String(32), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_journal_place"),
    )
    op.create_table(
        "libraries",
        sa.Column("id", sa.String(20), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("address", sa.String(200)),
        sa.Column("postcode", sa.String(12)),
        sa.Column("place", sa.String(80)),
        sa.Column("municipality", sa.String(8)),
        sa.Column("static_codes", sa.Boolean(), nullable=False),
        sa.Column("desks_share_scans", sa.Boolean(), nullable=False),
        sa.Column("consent_age", sa.Integer(), nullable=False),
        sa.Column("online_activation", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_libraries"),
    )
    op.create_table(
        "machine_answers",
        sa.Column("username", sa.String(60), nullable=False),
        sa.Column("key_hash", sa.String(64), nullable=False),
        sa.Column("request_hash", sa.String(64), nullable=False),
        sa.Column("sealed_answer", sa.LargeBinary()),
        sa.Column("patron_id", _ID),
        sa.Column("answered_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("username", "key_hash", name="pk_machine_answers"),
        sa.Index("ix_machine_answers_answered_at", "answered_at"),
        sa.Index("ix_machine_answers_patron_id", "patron_id"),
    )
    op.create_table(
        "pin_orders",
        sa.Column("id", _ID, nullable=False),
        sa.Column("purpose", sa.String(10), nullable=False, server_default="new-pin"),
        sa.Column("sealed_number", sa.LargeBinary(), nullable=False),
        sa.Column("asked_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_pin_orders"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "library_notices",
        sa.Column("id", _ID, nullable=False),
        sa.Column("library_id", sa.String(20), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("patron_id", _ID, nullable=False),
        sa.Column("patron_version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("sealed_number", sa.LargeBinary()),
        sa.Column("charged_by", sa.String(64)),
        sa.Column("asked_at", _INSTANT, nullable=False),
        sa.Column("due_at", _INSTANT),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_fault", sa.String(40)),
        sa.Column("confirmed_at", _INSTANT),
        sa.Column("kept", sa.String(200)),
        sa.Column("erasure_id", _ID),
        sa.PrimaryKeyConstraint("id", name="pk_library_notices"),
        sa.UniqueConstraint("library_id", "seq", name="uq_library_notices_library_id_seq"),
        sa.CheckConstraint(
            "kind IN ('joined', 'changed', 'renumbered', 'left', 'erased')", name=op.f("ck_library_notices_kind")
        ),
        sa.ForeignKeyConstraint(
            ["erasure_id"], ["erasures.id"], name="fk_library_notices_erasure_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["library_id"], ["libraries.id"], name="fk_library_notices_library_id"),
        sa.Index("ix_library_notices_erasure_id", "erasure_id"),
        sa.Index("ix_library_notices_library_id_patron_id", "library_id", "patron_id"),
        sa.Index("ix_library_notices_waiting", "library_id", "seq", **_where("due_at IS NOT NULL")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "library_queues",
        sa.Column("library_id", sa.String(20), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("purged_seq", sa.BigInteger(), nullable=False),
        sa.Column("webhook_url", sa.String(500)),
        sa.Column("sealed_webhook_key", sa.LargeBinary()),
        sa.Column("due_at", _INSTANT),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_fault", sa.String(40)),
        sa.Column("last_delivered_at", _INSTANT),
        sa.PrimaryKeyConstraint("library_id", name="pk_library_queues"),
        sa.ForeignKeyConstraint(["library_id"], ["libraries.id"], name="fk_library_queues_library_id"),
        sa.Index("ix_library_queues_due_at", "due_at"),
    )
    op.create_table(
        "machines",
        sa.Column("username", sa.String(60), nullable=False),
        sa.Column("library_id", sa.String(20), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("password_token", sa.String(64), nullable=False),
        sa.Column("former_token", sa.String(64)),
        sa.Column("former_until", _INSTANT),
        sa.Column("key_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("username", name="pk_machines"),
        sa.CheckConstraint("kind IN ('system', 'kiosk', 'supplier')", name=op.f("ck_machines_kind")),
        sa.ForeignKeyConstraint(["library_id"], ["libraries.id"], name="fk_machines_library_id"),
    )
    op.create_table(
        "number_series",
        sa.Column("id", _ID, nullable=False),
        sa.Column("library_id", sa.String(20), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("reserved_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_number_series"),
        sa.UniqueConstraint("first", name="uq_number_series_first"),
        sa.UniqueConstraint("last", name="uq_number_series_last"),
        sa.ForeignKeyConstraint(["library_id"], ["libraries.id"], name="fk_number_series_library_id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "patrons",
        sa.Column("id", _ID, nullable=False),
        sa.Column("card_number", sa.String(10), nullable=False),
        sa.Column("card_state", sa.String(10), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=False),
        sa.Column("gender", sa.String(10), nullable=False),
        sa.Column("address", sa.String(200)),
        sa.Column("postcode", sa.String(12)),
        sa.Column("place", sa.String(80)),
        sa.Column("phone", sa.String(20)),
        sa.Column("email", sa.String(254)),
        sa.Column("preferred_contact", sa.String(10), nullable=False),
        sa.Column("proven_email", sa.String(254)),
        sa.Column("proven_phone", sa.String(20)),
        sa.Column("proven_address", sa.String(300)),
        sa.Column("awaits_first_link", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("home_library_id", sa.String(20), nullable=False),
        sa.Column("local_to", sa.String(20)),
        sa.Column("guardian_consent_at", _INSTANT),
        sa.Column("registered_at", _INSTANT, nullable=False),
        sa.Column("last_used_on", sa.Date(), nullable=False),
        sa.Column("frozen_at", _INSTANT),
        sa.Column("erase_at", _INSTANT),
        sa.Column("erase_reason", sa.String(10)),
        sa.Column("death_reported_by", sa.String(20)),
        sa.Column("stated_at", _INSTANT),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_patrons"),
        sa.UniqueConstraint("card_number", name="uq_patrons_card_number"),
        sa.CheckConstraint("card_state IN ('active', 'lost')", name=op.f("ck_patrons_card_state")),
        sa.CheckConstraint("erase_reason IN ('death', 'inactive')", name=op.f("ck_patrons_erase_reason")),
        sa.CheckConstraint("gender IN ('female', 'male', 'unknown')", name=op.f("ck_patrons_gender")),
        sa.CheckConstraint(
            "preferred_contact IN ('email', 'sms', 'letter')", name=op.f("ck_patrons_preferred_contact")
        ),
        sa.ForeignKeyConstraint(["home_library_id"], ["libraries.id"], name="fk_patrons_home_library_id"),
        sa.ForeignKeyConstraint(["local_to"], ["libraries.id"], name="fk_patrons_local_to"),
        sa.Index("ix_patrons_birth_date", "birth_date"),
        sa.Index("ix_patrons_email", "email"),
        sa.Index("ix_patrons_erase_at", "erase_at"),
        sa.Index("ix_patrons_phone", "phone"),
        sa.Index("ix_patrons_postcode", "postcode"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "staff",
        sa.Column("id", _ID, nullable=False),
        sa.Column("library_id", sa.String(20), nullable=False),
        sa.Column("username", sa.String(60), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("password_verifier", sa.String(200), nullable=False),
        sa.Column("sealed_totp_key", sa.LargeBinary(), nullable=False),
        sa.Column("last_totp_step", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_staff"),
        sa.UniqueConstraint("username", name="uq_staff_username"),
        sa.ForeignKeyConstraint(["library_id"], ["libraries.id"], name="fk_staff_library_id"),
    )
    op.create_table(
        "access_log",
        sa.Column("id", _ID, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("patron_id", _ID, nullable=False),
        sa.Column("library_id", sa.String(20)),
        sa.Column("role", sa.String(10), nullable=False),
        sa.Column("actor", sa.String(80), nullable=False),
        sa.Column("purpose", sa.String(20), nullable=False),
        sa.Column("fields", sa.String(200), nullable=False),
        sa.Column("proof", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id", name="pk_access_log"),
        sa.ForeignKeyConstraint(["patron_id"], ["patrons.id"], name="fk_access_log_patron_id", ondelete="CASCADE"),
        sa.Index("ix_access_log_guardians", "actor", **_where("role = 'guardian'")),
        sa.Index("ix_access_log_patron_id_at", "patron_id", "at"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "affiliations",
        sa.Column("patron_id", _ID, nullable=False),
        sa.Column("library_id", sa.String(20), nullable=False),
        sa.Column("activated_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("patron_id", "library_id", name="pk_affiliations"),
        sa.ForeignKeyConstraint(["library_id"], ["libraries.id"], name="fk_affiliations_library_id"),
        sa.ForeignKeyConstraint(["patron_id"], ["patrons.id"], name="fk_affiliations_patron_id", ondelete="CASCADE"),
        sa.Index("ix_affiliations_library_id", "library_id"),
    )
    op.create_table(
        "contact_changes",
        sa.Column("id", _ID, nullable=False),
        sa.Column("patron_id", _ID, nullable=False),
        sa.Column("library_id", sa.String(20)),
        sa.Column("fields", sa.String(60), nullable=False),
        sa.Column("sealed_former", sa.LargeBinary(), nullable=False),
        sa.Column("changed_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_contact_changes"),
        sa.ForeignKeyConstraint(["patron_id"], ["patrons.id"], name="fk_contact_changes_patron_id", ondelete="CASCADE"),
        sa.Index("ix_contact_changes_changed_at", "changed_at"),
        sa.Index("ix_contact_changes_patron_id", "patron_id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "desk_visits",
        sa.Column("session", sa.String(43), nullable=False),
        sa.Column("patron_id", _ID, nullable=False),
        sa.Column("library_id", sa.String(20), nullable=False),
        sa.Column("terminal", sa.String(80), nullable=False),
        sa.Column("opened_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("session", name="pk_desk_visits"),
        sa.ForeignKeyConstraint(["patron_id"], ["patrons.id"], name="fk_desk_visits_patron_id", ondelete="CASCADE"),
        sa.Index("ix_desk_visits_patron_id", "patron_id"),
    )
    op.create_table(
        "devices",
        sa.Column("id", _ID, nullable=False),
        sa.Column("patron_id", _ID, nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("label", sa.String(60), nullable=False),
        sa.Column("first_seen_at", _INSTANT, nullable=False),
        sa.Column("confirmed_at", _INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_devices"),
        sa.UniqueConstraint("patron_id", "token_hash", name="uq_devices_patron_id_token_hash"),
        sa.ForeignKeyConstraint(["patron_id"], ["patrons.id"], name="fk_devices_patron_id", ondelete="CASCADE"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "family_permissions",
        sa.Column("id", _ID, nullable=False),
        sa.Column("patron_id", _ID, nullable=False),
        sa.Column("guardian_card_number", sa.String(10), nullable=False),
        sa.Column("guardian_id", _ID),
        sa.Column("given_at", _INSTANT, nullable=False),
        sa.Column("switched_on_at", _INSTANT),
        sa.Column("may_carry_card", sa.Boolean(), nullable=False),
        sa.Column("advised_at", _INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_family_permissions"),
        sa.UniqueConstraint(
            "patron_id", "guardian_card_number", name="uq_family_permissions_patron_id_guardian_card_number"
        ),
        sa.ForeignKeyConstraint(
            ["guardian_id"], ["patrons.id"], name="fk_family_permissions_guardian_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["patron_id"], ["patrons.id"], name="fk_family_permissions_patron_id", ondelete="CASCADE"
        ),
        sa.Index("ix_family_permissions_guardian_card_number", "guardian_card_number"),
        sa.Index("ix_family_permissions_guardian_id", "guardian_id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "messages",
        sa.Column("id", _ID, nullable=False),
        sa.Column("patron_id", _ID, nullable=False),
        sa.Column("about_patron_id", _ID),
        sa.Column("kind", sa.String(30), nullable=False),
        sa.Column("urgency", sa.SmallInteger(), nullable=False),
        sa.Column("queue", sa.String(10), nullable=False),
        sa.Column("contact_change_id", sa.BigInteger()),
        sa.Column("channel", sa.String(10)),
        sa.Column("sealed_to", sa.LargeBinary()),
        sa.Column("asked_at", _INSTANT, nullable=False),
        sa.Column("due_at", _INSTANT),
        sa.Column("leased_until", _INSTANT),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("sent_at", _INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_messages"),
        sa.ForeignKeyConstraint(
            ["about_patron_id"], ["patrons.id"], name="fk_messages_about_patron_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["patron_id"], ["patrons.id"], name="fk_messages_patron_id", ondelete="CASCADE"),
        sa.Index("ix_messages_about_patron_id", "about_patron_id"),
        sa.Index("ix_messages_patron_id", "patron_id"),
        sa.Index("ix_messages_sent_at", "sent_at"),
        sa.Index("ix_messages_waiting", "queue", "urgency", "due_at", "id", **_where("due_at IS NOT NULL")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "national_id_tokens",
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("patron_id", _ID, nullable=False),
        sa.Column("key_id", sa.Integer(), nullable=False),
        sa.Column("stated", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.PrimaryKeyConstraint("token", name="pk_national_id_tokens"),
        sa.ForeignKeyConstraint(
            ["patron_id"], ["patrons.id"], name="fk_national_id_tokens_patron_id", ondelete="CASCADE"
        ),
        sa.Index("ix_national_id_tokens_patron_id", "patron_id"),
    )
    op.create_table(
        "one_time_secrets",
        sa.Column("id", _ID, nullable=False),
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("patron_id", _ID, nullable=False),
        sa.Column("purpose", sa.String(10), nullable=False),
        sa.Column("channel", sa.String(10)),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_one_time_secrets"),
        sa.UniqueConstraint("token", name="uq_one_time_secrets_token"),
        sa.CheckConstraint("purpose IN ('new-pin', 'new-device', 'step-up')", name=op.f("ck_one_time_secrets_purpose")),
        sa.ForeignKeyConstraint(
            ["patron_id"], ["patrons.id"], name="fk_one_time_secrets_patron_id", ondelete="CASCADE"
        ),
        sa.Index("ix_one_time_secrets_patron_id", "patron_id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "pin_verifiers",
        sa.Column("patron_id", _ID, nullable=False),
        sa.Column("verifier", sa.String(200), nullable=False),
        sa.Column("key_id", sa.Integer(), nullable=False),
        sa.Column("set_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("patron_id", name="pk_pin_verifiers"),
        sa.ForeignKeyConstraint(["patron_id"], ["patrons.id"], name="fk_pin_verifiers_patron_id", ondelete="CASCADE"),
    )
    op.create_table(
        "registrations",
        sa.Column("id", _ID, nullable=False),
        sa.Column("kind", sa.String(5), nullable=False),
        sa.Column("own_token", sa.String(64), nullable=False),
        sa.Column("child_token", sa.String(64)),
        sa.Column("guardian_token", sa.String(64)),
        sa.Column("key_id", sa.Integer(), nullable=False),
        sa.Column("handle_hash", sa.String(64), nullable=False),
        sa.Column("sealed_form", sa.LargeBinary(), nullable=False),
        sa.Column("code_token", sa.String(64)),
        sa.Column("code_until", _INSTANT),
        sa.Column("code_due_at", _INSTANT),
        sa.Column("patron_id", _ID),
        sa.Column("done_at", _INSTANT),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_registrations"),
        sa.UniqueConstraint("handle_hash", name="uq_registrations_handle_hash"),
        sa.UniqueConstraint("own_token", "kind", name="uq_registrations_own_token_kind"),
        sa.CheckConstraint("kind IN ('own', 'child')", name=op.f("ck_registrations_kind")),
        sa.ForeignKeyConstraint(["patron_id"], ["patrons.id"], name="fk_registrations_patron_id", ondelete="CASCADE"),
        sa.Index("ix_registrations_code_due_at", "code_due_at"),
        sa.Index("ix_registrations_expires_at", "expires_at"),
        sa.Index("ix_registrations_patron_id", "patron_id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "credentials",
        sa.Column("id", _ID, nullable=False),
        sa.Column("number", sa.String(12), nullable=False),
        sa.Column("patron_id", _ID, nullable=False),
        sa.Column("device_id", _ID),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=False),
        sa.Column("key_on_phone", sa.Boolean(), nullable=False),
        sa.Column("issued_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.Column("revoked_at", _INSTANT),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("drift", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_credentials"),
        sa.UniqueConstraint("number", name="uq_credentials_number"),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name="fk_credentials_device_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["patron_id"], ["patrons.id"], name="fk_credentials_patron_id", ondelete="CASCADE"),
        sa.Index("ix_credentials_device_id", "device_id"),
        sa.Index("ix_credentials_patron_id", "patron_id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "sessions",
        sa.Column("id", _ID, nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("patron_id", _ID),
        sa.Column("staff_id", _ID),
        sa.Column("device_id", _ID),
        sa.Column("started_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.Column("idle_seconds", sa.Integer(), nullable=False),
        sa.Column("secret_entered_at", _INSTANT, nullable=False),
        sa.Column("code_entered_at", _INSTANT),
        sa.Column("identified_at", _INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.UniqueConstraint("token_hash", name="uq_sessions_token_hash"),
        sa.CheckConstraint("(patron_id IS NULL) <> (staff_id IS NULL)", name=op.f("ck_sessions_one_person")),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name="fk_sessions_device_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["patron_id"], ["patrons.id"], name="fk_sessions_patron_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name="fk_sessions_staff_id", ondelete="CASCADE"),
        sa.Index("ix_sessions_device_id", "device_id"),
        sa.Index("ix_sessions_expires_at", "expires_at"),
        sa.Index("ix_sessions_patron_id", "patron_id"),
        sa.Index("ix_sessions_staff_id", "staff_id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "presented_steps",
        sa.Column("credential_id", _ID, nullable=False),
        sa.Column("step", sa.BigInteger(), nullable=False),
        sa.Column("patron_id", _ID, nullable=False),
        sa.Column("library_id", sa.String(20), nullable=False),
        sa.Column("terminal", sa.String(80), nullable=False),
        sa.Column("session", sa.String(43), nullable=False),
        sa.Column("presented_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("credential_id", "step", name="pk_presented_steps"),
        sa.UniqueConstraint("session", name="uq_presented_steps_session"),
        sa.ForeignKeyConstraint(
            ["credential_id"], ["credentials.id"], name="fk_presented_steps_credential_id", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )
    op.get_bind().execute(
        sa.text("INSERT INTO access_log_head (id, seq, link, unproved_to) VALUES (1, 0, :nothing, 0)"),
        {"nothing": bytes(32)},
    )


# Each before those to which it points.
_TABLES = (
    "presented_steps",
    "sessions",
    "credentials",
    "registrations",
    "pin_verifiers",
    "one_time_secrets",
    "national_id_tokens",
    "messages",
    "family_permissions",
    "devices",
    "desk_visits",
    "contact_changes",
    "affiliations",
    "access_log",
    "staff",
    "patrons",
    "number_series",
    "machines",
    "library_queues",
    "library_notices",
    "pin_orders",
    "machine_answers",
    "libraries",
    "journal_place",
    "issued_numbers",
    "erasures",
    "attempt_counts",
    "act_counts",
    "access_log_roots",
    "access_log_removals",
    "access_log_head",
    "access_log_chain",
)


def downgrade() -> None:
    for table in _TABLES:
        op.drop_table(table)
