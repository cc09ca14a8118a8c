"""The register's first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "attempt_counts",
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("purpose", "subject", name=op.f("pk_attempt_counts")),
    )
    with op.batch_alter_table("attempt_counts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_attempt_counts_since"), ["since"], unique=False)

    op.create_table(
        "libraries",
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("address", sa.String(length=200), nullable=True),
        sa.Column("postcode", sa.String(length=12), nullable=True),
        sa.Column("place", sa.String(length=80), nullable=True),
        sa.Column("municipality", sa.String(length=8), nullable=True),
        sa.Column("static_codes", sa.Boolean(), nullable=False),
        sa.Column("desks_share_scans", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_libraries")),
    )
    op.create_table(
        "machines",
        sa.Column("username", sa.String(length=60), nullable=False),
        sa.Column("library_id", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("password_token", sa.String(length=64), nullable=False),
        sa.CheckConstraint("kind IN ('system', 'kiosk')", name=op.f("ck_machines_kind")),
        sa.ForeignKeyConstraint(["library_id"], ["libraries.id"], name=op.f("fk_machines_library_id")),
        sa.PrimaryKeyConstraint("username", name=op.f("pk_machines")),
    )
    op.create_table(
        "patrons",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("card_number", sa.String(length=10), nullable=False),
        sa.Column("card_state", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=False),
        sa.Column("gender", sa.String(length=10), nullable=False),
        sa.Column("address", sa.String(length=200), nullable=True),
        sa.Column("postcode", sa.String(length=12), nullable=True),
        sa.Column("place", sa.String(length=80), nullable=True),
        sa.Column("phone", sa.String(length=20), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("preferred_contact", sa.String(length=10), nullable=False),
        sa.Column("home_library_id", sa.String(length=20), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("card_state IN ('active', 'lost')", name=op.f("ck_patrons_card_state")),
        sa.CheckConstraint("gender IN ('female', 'male', 'unknown')", name=op.f("ck_patrons_gender")),
        sa.CheckConstraint(
            "preferred_contact IN ('email', 'sms', 'letter')", name=op.f("ck_patrons_preferred_contact")
        ),
        sa.ForeignKeyConstraint(["home_library_id"], ["libraries.id"], name=op.f("fk_patrons_home_library_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patrons")),
        sa.UniqueConstraint("card_number", name=op.f("uq_patrons_card_number")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "staff",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("library_id", sa.String(length=20), nullable=False),
        sa.Column("username", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("password_verifier", sa.String(length=200), nullable=False),
        sa.Column("sealed_totp_key", sa.LargeBinary(), nullable=False),
        sa.Column("last_totp_step", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["library_id"], ["libraries.id"], name=op.f("fk_staff_library_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
        sa.UniqueConstraint("username", name=op.f("uq_staff_username")),
    )
    op.create_table(
        "access_log",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("patron_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("library_id", sa.String(length=20), nullable=True),
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("fields", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["patron_id"], ["patrons.id"], name=op.f("fk_access_log_patron_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_log")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("access_log", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_access_log_patron_id_at"), ["patron_id", "at"], unique=False)

    op.create_table(
        "affiliations",
        sa.Column("patron_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("library_id", sa.String(length=20), nullable=False),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["library_id"], ["libraries.id"], name=op.f("fk_affiliations_library_id")),
        sa.ForeignKeyConstraint(
            ["patron_id"], ["patrons.id"], name=op.f("fk_affiliations_patron_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("patron_id", "library_id", name=op.f("pk_affiliations")),
    )
    with op.batch_alter_table("affiliations", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_affiliations_library_id"), ["library_id"], unique=False)

    op.create_table(
        "devices",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("patron_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(length=60), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["patron_id"], ["patrons.id"], name=op.f("fk_devices_patron_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_devices")),
        sa.UniqueConstraint("patron_id", "token_hash", name=op.f("uq_devices_patron_id_token_hash")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "national_id_tokens",
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("patron_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["patron_id"], ["patrons.id"], name=op.f("fk_national_id_tokens_patron_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_national_id_tokens")),
    )
    with op.batch_alter_table("national_id_tokens", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_national_id_tokens_patron_id"), ["patron_id"], unique=False)

    op.create_table(
        "pin_verifiers",
        sa.Column("patron_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("verifier", sa.String(length=200), nullable=False),
        sa.Column("key_id", sa.Integer(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["patron_id"], ["patrons.id"], name=op.f("fk_pin_verifiers_patron_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("patron_id", name=op.f("pk_pin_verifiers")),
    )
    op.create_table(
        "credentials",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.String(length=12), nullable=False),
        sa.Column("patron_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("device_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("drift", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_credentials_device_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["patron_id"], ["patrons.id"], name=op.f("fk_credentials_patron_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credentials")),
        sa.UniqueConstraint("number", name=op.f("uq_credentials_number")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("credentials", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_credentials_device_id"), ["device_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_credentials_patron_id"), ["patron_id"], unique=False)

    op.create_table(
        "sessions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("patron_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("staff_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("device_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("idle_seconds", sa.Integer(), nullable=False),
        sa.Column("secret_entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(patron_id IS NULL) <> (staff_id IS NULL)", name=op.f("ck_sessions_one_person")),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name=op.f("fk_sessions_device_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["patron_id"], ["patrons.id"], name=op.f("fk_sessions_patron_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_sessions_staff_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sessions_token_hash")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sessions_device_id"), ["device_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_sessions_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_sessions_patron_id"), ["patron_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_sessions_staff_id"), ["staff_id"], unique=False)

    op.create_table(
        "presented_steps",
        sa.Column("credential_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("step", sa.BigInteger(), nullable=False),
        sa.Column("patron_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("library_id", sa.String(length=20), nullable=False),
        sa.Column("terminal", sa.String(length=80), nullable=False),
        sa.Column("session", sa.String(length=43), nullable=False),
        sa.Column("presented_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["credential_id"],
            ["credentials.id"],
            name=op.f("fk_presented_steps_credential_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("credential_id", "step", name=op.f("pk_presented_steps")),
        sa.UniqueConstraint("session", name=op.f("uq_presented_steps_session")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("presented_steps")
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sessions_staff_id"))
        batch_op.drop_index(batch_op.f("ix_sessions_patron_id"))
        batch_op.drop_index(batch_op.f("ix_sessions_expires_at"))
        batch_op.drop_index(batch_op.f("ix_sessions_device_id"))

    op.drop_table("sessions")
    with op.batch_alter_table("credentials", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_credentials_patron_id"))
        batch_op.drop_index(batch_op.f("ix_credentials_device_id"))

    op.drop_table("credentials")
    op.drop_table("pin_verifiers")
    with op.batch_alter_table("national_id_tokens", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_national_id_tokens_patron_id"))

    op.drop_table("national_id_tokens")
    op.drop_table("devices")
    with op.batch_alter_table("affiliations", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_affiliations_library_id"))

    op.drop_table("affiliations")
    with op.batch_alter_table("access_log", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_access_log_patron_id_at"))

    op.drop_table("access_log")
    op.drop_table("staff")
    op.drop_table("patrons")
    op.drop_table("machines")
    op.drop_table("libraries")
    with op.batch_alter_table("attempt_counts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_attempt_counts_since"))

    op.drop_table("attempt_counts")
