"""Tables of patrons' devices, of the credential on each, of passkeys, and of the codes that were accepted."""

from datetime import date

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, synonym

from app.register.tables.columns import NEW_IDS, Base, BigId, Instant


class Device(Base):
    """A phone or browser on which the patron has signed in."""

    __tablename__ = "devices"
    __table_args__ = (UniqueConstraint("patron_id", "token_hash"), NEW_IDS)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    patron_id: Mapped[int] = mapped_column(ForeignKey("patrons.id", ondelete="CASCADE"))
    token_hash: Mapped[str] = mapped_column(String(64))
    label: Mapped[str] = mapped_column(String(60))
    first_seen_at: Mapped[Instant]
    confirmed_at: Mapped[Instant | None]


class Credential(Base):
    """The right of one device to show the card: a random number and a sealed key. Revoked alone.

    With `key_on_phone` the device holds the key too and works the code out itself. A child's card that a guardian
    carries is on the guardian's device.
    """

    __tablename__ = "credentials"
    __table_args__ = (Index(None, "patron_id"), NEW_IDS)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    number: Mapped[str] = mapped_column(String(12), unique=True)
    patron_id: Mapped[int] = mapped_column(ForeignKey("patrons.id", ondelete="CASCADE"))
    device_id: Mapped[int | None] = mapped_column(ForeignKey("devices.id", ondelete="CASCADE"), index=True)
    kind: Mapped[int]
    sealed_key: Mapped[bytes]
    key_on_phone: Mapped[bool] = mapped_column(default=False)
    issued_at: Mapped[Instant]
    expires_at: Mapped[Instant]
    revoked_at: Mapped[Instant | None]
    last_step: Mapped[int] = mapped_column(BigInteger, default=0)
    drift: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0)


class OwnPasskey:
    """The public half of a key with which its owner signs in by face, fingerprint or screen lock (WebAuthn).

    `webauthn_id`, `public_key` and `user_handle`, a random word for its owner, are in base64url; `transports` are
    the ways by which a browser reaches it, with commas. `backed_up`: it is on other devices of its owner too.
    """

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_handle: Mapped[str] = mapped_column(String(86))
    webauthn_id: Mapped[str] = mapped_column(String(1364), unique=True)
    public_key: Mapped[str] = mapped_column(String(2000))
    sign_count: Mapped[int] = mapped_column(BigInteger)
    backed_up: Mapped[bool]
    transports: Mapped[str] = mapped_column(String(60))
    label: Mapped[str] = mapped_column(String(60))
    created_at: Mapped[Instant]
    last_used_on: Mapped[date | None]


class Passkey(OwnPasskey, Base):
    """A passkey of a patron."""

    __tablename__ = "passkeys"
    __table_args__ = NEW_IDS

    patron_id: Mapped[int] = mapped_column(ForeignKey("patrons.id", ondelete="CASCADE"), index=True)
    owner_id: Mapped[int] = synonym("patron_id")


class PresentedStep(Base):
    """A code that was accepted, by whom, and the short patron session it opened. Purged after 24 hours.

    Written for every scan, so it has one foreign key, by which it is deleted with its credential, and no index
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
