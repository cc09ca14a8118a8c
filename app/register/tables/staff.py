"""Tables about those who work at a library: passkeys, links by which they set up their sign-in, and acts."""

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, synonym

from app.register.tables.columns import NEW_IDS, Base, BigId, Instant
from app.register.tables.devices import OwnPasskey
from app.rules.library.staff import LONGEST_SUBJECT


class StaffPasskey(OwnPasskey, Base):
    """A passkey of somebody who works at a library."""

    __tablename__ = "staff_passkeys"
    __table_args__ = NEW_IDS

    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"), index=True)
    owner_id: Mapped[int] = synonym("staff_id")


class StaffLink(Base):
    """The one link by which somebody sets up their sign-in: the first one, or anew.

    Its token is drawn when it is sent, and only a hash of it is kept. `sealed_totp_key` is the key of one-time codes
    that the page shows. It is due to be sent at `due_at`; None: it is sent.
    """

    __tablename__ = "staff_links"

    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"), primary_key=True)
    token_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    is_first: Mapped[bool]
    language: Mapped[str] = mapped_column(String(2))
    sealed_totp_key: Mapped[bytes]
    due_at: Mapped[Instant | None] = mapped_column(index=True)
    attempts: Mapped[int] = mapped_column(default=0)
    expires_at: Mapped[Instant] = mapped_column(index=True)


class LibraryAct(Base):
    """What an administrator of a library did, for all of its administrators to read.

    `username` is kept when its owner has left; None: the operator, by a command. `subject` is what it was done to,
    in words that name no patron.
    """

    __tablename__ = "library_acts"
    __table_args__ = (Index(None, "library_id", "id"), NEW_IDS)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[Instant] = mapped_column(index=True)
    library_id: Mapped[str] = mapped_column(ForeignKey("libraries.id"))
    username: Mapped[str | None] = mapped_column(String(60))
    kind: Mapped[str] = mapped_column(String(30))
    subject: Mapped[str] = mapped_column(String(LONGEST_SUBJECT))
