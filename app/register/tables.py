"""Every table of the national register. A citizen can read here what is stored; there is nothing else.

The purpose, legal ground and retention of each column stand in docs/register-inventory.md, and a test holds the two
equal. There is no loan, hold, fee or block in here: a library keeps those, in a building of its own.
"""

from datetime import UTC, date, datetime
from typing import Annotated

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator


class UtcInstant(TypeDecorator[datetime]):
    """An aware UTC instant, on engines that keep a time zone and on those that do not."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse an instant without a time zone."""
        if value is not None and value.tzinfo is None:
            raise ValueError("an instant without a time zone")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the instant as aware UTC."""
        return None if value is None else value.replace(tzinfo=UTC) if value.tzinfo is None else value


Instant = Annotated[datetime, mapped_column(UtcInstant())]
BigId = BigInteger().with_variant(Integer(), "sqlite")


class Base(DeclarativeBase):
    """Names every constraint, so that a violated one can become the right error."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Library(Base):
    """A public library. `id` is its biblioteknummer (Norway) or sigel (Sweden), and is opaque."""

    __tablename__ = "libraries"

    id: Mapped[str] = mapped_column(String(20), primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(20))
    address: Mapped[str | None] = mapped_column(String(200))
    postcode: Mapped[str | None] = mapped_column(String(12))
    place: Mapped[str | None] = mapped_column(String(80))
    municipality: Mapped[str | None] = mapped_column(String(8))
    static_codes: Mapped[bool] = mapped_column(default=False)
    desks_share_scans: Mapped[bool] = mapped_column(default=False)


class Patron(Base):
    """A person with a card, and all that the register keeps of them. Hidden addresses are not stored."""

    __tablename__ = "patrons"
    __table_args__ = (
        CheckConstraint("card_state IN ('active', 'lost')", name="card_state"),
        CheckConstraint("gender IN ('female', 'male', 'unknown')", name="gender"),
        CheckConstraint("preferred_contact IN ('email', 'sms', 'letter')", name="preferred_contact"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    card_number: Mapped[str] = mapped_column(String(10), unique=True)
    card_state: Mapped[str] = mapped_column(String(10), default="active")
    name: Mapped[str] = mapped_column(String(120))
    birth_date: Mapped[date]
    gender: Mapped[str] = mapped_column(String(10), default="unknown")
    address: Mapped[str | None] = mapped_column(String(200))
    postcode: Mapped[str | None] = mapped_column(String(12))
    place: Mapped[str | None] = mapped_column(String(80))
    phone: Mapped[str | None] = mapped_column(String(20))
    email: Mapped[str | None] = mapped_column(String(254))
    preferred_contact: Mapped[str] = mapped_column(String(10), default="email")
    home_library_id: Mapped[str] = mapped_column(ForeignKey("libraries.id"))
    registered_at: Mapped[Instant]


class NationalIdToken(Base):
    """A keyed token of a national id. The number cannot be had from it; a person may have had several numbers."""

    __tablename__ = "national_id_tokens"

    token: Mapped[str] = mapped_column(String(64), primary_key=True)
    patron_id: Mapped[int] = mapped_column(ForeignKey("patrons.id", ondelete="CASCADE"), index=True)
    key_id: Mapped[int]


class PinVerifier(Base):
    """What a PIN is checked against: Argon2id over a keyed hash."""

    __tablename__ = "pin_verifiers"

    patron_id: Mapped[int] = mapped_column(ForeignKey("patrons.id", ondelete="CASCADE"), primary_key=True)
    verifier: Mapped[str] = mapped_column(String(200))
    key_id: Mapped[int]
    set_at: Mapped[Instant]


class Affiliation(Base):
    """A library where the patron has activated the card and accepted its rules."""

    __tablename__ = "affiliations"

    patron_id: Mapped[int] = mapped_column(ForeignKey("patrons.id", ondelete="CASCADE"), primary_key=True)
    library_id: Mapped[str] = mapped_column(ForeignKey("libraries.id"), primary_key=True, index=True)
    activated_at: Mapped[Instant]


class Device(Base):
    """A phone or browser on which the patron has signed in."""

    __tablename__ = "devices"
    __table_args__ = (UniqueConstraint("patron_id", "token_hash"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    patron_id: Mapped[int] = mapped_column(ForeignKey("patrons.id", ondelete="CASCADE"))
    token_hash: Mapped[str] = mapped_column(String(64))
    label: Mapped[str] = mapped_column(String(60))
    first_seen_at: Mapped[Instant]
    confirmed_at: Mapped[Instant | None]


class Credential(Base):
    """The right of one device to show the card: a random number and a sealed key. Revoked alone."""

    __tablename__ = "credentials"
    __table_args__ = (Index(None, "patron_id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    number: Mapped[str] = mapped_column(String(12), unique=True)
    patron_id: Mapped[int] = mapped_column(ForeignKey("patrons.id", ondelete="CASCADE"))
    device_id: Mapped[int | None] = mapped_column(ForeignKey("devices.id", ondelete="CASCADE"), index=True)
    kind: Mapped[int]
    sealed_key: Mapped[bytes]
    issued_at: Mapped[Instant]
    expires_at: Mapped[Instant]
    revoked_at: Mapped[Instant | None]
    last_step: Mapped[int] = mapped_column(BigInteger, default=0)
    drift: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0)


class PresentedStep(Base):
    """A code that was accepted, by whom, and the short patron session it opened. Purged after 24 hours.

    Written for every scan, so it has one foreign key, by which it goes with its patron's credential, and no index
    that only the daily purge would use.
    """

    __tablename__ = "presented_steps"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012

    credential_id: Mapped[int] = mapped_column(ForeignKey("credentials.id", ondelete="CASCADE"), primary_key=True)
    step: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    patron_id: Mapped[int] = mapped_column(BigId)
    library_id: Mapped[str] = mapped_column(String(20))
    terminal: Mapped[str] = mapped_column(String(80))
    session: Mapped[str] = mapped_column(String(43), unique=True)
    presented_at: Mapped[Instant]
    expires_at: Mapped[Instant]


class Staff(Base):
    """Somebody who works at a library's desk."""

    __tablename__ = "staff"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    library_id: Mapped[str] = mapped_column(ForeignKey("libraries.id"))
    username: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    password_verifier: Mapped[str] = mapped_column(String(200))
    sealed_totp_key: Mapped[bytes]
    last_totp_step: Mapped[int] = mapped_column(BigInteger, default=0)


class Machine(Base):
    """A library's system, or one of its kiosks: a user name and password over HTTPS."""

    __tablename__ = "machines"
    __table_args__ = (CheckConstraint("kind IN ('system', 'kiosk')", name="kind"),)

    username: Mapped[str] = mapped_column(String(60), primary_key=True)
    library_id: Mapped[str] = mapped_column(ForeignKey("libraries.id"))
    kind: Mapped[str] = mapped_column(String(10))
    password_token: Mapped[str] = mapped_column(String(64))


class Session(Base):
    """A sign-in that the server can end: a patron's on a device, or a staff member's at a desk."""

    __tablename__ = "sessions"
    __table_args__ = (
        CheckConstraint("(patron_id IS NULL) <> (staff_id IS NULL)", name="one_person"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    patron_id: Mapped[int | None] = mapped_column(ForeignKey("patrons.id", ondelete="CASCADE"), index=True)
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"), index=True)
    device_id: Mapped[int | None] = mapped_column(ForeignKey("devices.id", ondelete="CASCADE"), index=True)
    started_at: Mapped[Instant]
    expires_at: Mapped[Instant] = mapped_column(index=True)
    idle_seconds: Mapped[int]
    secret_entered_at: Mapped[Instant]


class IssuedNumber(Base):
    """A card number that was issued once, so that it is never issued again. Whose it was is not kept here."""

    __tablename__ = "issued_numbers"

    card_number: Mapped[str] = mapped_column(String(10), primary_key=True)


class LibraryNotice(Base):
    """What a library's system is still to be told: a patron's card got a new number."""

    __tablename__ = "library_notices"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    library_id: Mapped[str] = mapped_column(ForeignKey("libraries.id"), index=True)
    patron_id: Mapped[int] = mapped_column(ForeignKey("patrons.id", ondelete="CASCADE"), index=True)
    old_card_number: Mapped[str] = mapped_column(String(10))
    new_card_number: Mapped[str] = mapped_column(String(10))
    asked_at: Mapped[Instant]
    due_at: Mapped[Instant] = mapped_column(index=True)
    attempts: Mapped[int] = mapped_column(default=0)


class FamilyPermission(Base):
    """A patron lets the holder of a card see their loans; it counts while that guardian has switched it on."""

    __tablename__ = "family_permissions"
    __table_args__ = (UniqueConstraint("patron_id", "guardian_card_number"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    patron_id: Mapped[int] = mapped_column(ForeignKey("patrons.id", ondelete="CASCADE"))
    guardian_card_number: Mapped[str] = mapped_column(String(10))
    guardian_id: Mapped[int | None] = mapped_column(ForeignKey("patrons.id", ondelete="CASCADE"), index=True)
    given_at: Mapped[Instant]
    switched_on_at: Mapped[Instant | None]
    advised_at: Mapped[Instant | None]


class Message(Base):
    """A message about the card that is to be sent to a patron. Its words are made when it is sent; none are kept."""

    __tablename__ = "messages"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    patron_id: Mapped[int] = mapped_column(ForeignKey("patrons.id", ondelete="CASCADE"), index=True)
    about_patron_id: Mapped[int | None] = mapped_column(ForeignKey("patrons.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(30))
    asked_at: Mapped[Instant]
    due_at: Mapped[Instant | None] = mapped_column(index=True)
    attempts: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[Instant | None]


class AttemptCount(Base):
    """How many tries a budget has left. `subject` is a keyed hash: no card number and no address is in here."""

    __tablename__ = "attempt_counts"

    purpose: Mapped[str] = mapped_column(String(40), primary_key=True)
    subject: Mapped[str] = mapped_column(String(64), primary_key=True)
    since: Mapped[Instant] = mapped_column(index=True)
    taken: Mapped[int]


class AccessLogEntry(Base):
    """Who looked at a patron, when, at which library, why, and at which fields. Written before the answer."""

    __tablename__ = "access_log"
    __table_args__ = (Index(None, "patron_id", "at"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[Instant]
    patron_id: Mapped[int] = mapped_column(ForeignKey("patrons.id", ondelete="CASCADE"))
    # No foreign key: a library is never deleted, and to check it would be one more look-up for every scan.
    library_id: Mapped[str | None] = mapped_column(String(20))
    role: Mapped[str] = mapped_column(String(10))
    actor: Mapped[str] = mapped_column(String(80))
    purpose: Mapped[str] = mapped_column(String(20))
    fields: Mapped[str] = mapped_column(String(200))
