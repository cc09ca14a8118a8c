"""Tables of messages to patrons, the links and codes in them, and the changes of contact data that they report."""

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.register.tables.columns import NEW_IDS, Base, BigId, Instant

_IS_DUE = text("due_at IS NOT NULL")


class Message(Base):
    """A message about the card that is to be sent to a patron. Its words are made when it is sent; none are kept.

    `sealed_to` is an address that the patron had until the change that the message reports, `contact_change_id`.
    `queue` is the channel by which it goes, or most likely will; `urgency` its place among those. A worker sends it
    until `leased_until`.
    """

    __tablename__ = "messages"
    __table_args__ = (
        # What waits is little beside what is kept.
        Index(
            "ix_messages_waiting", "queue", "urgency", "due_at", "id", postgresql_where=_IS_DUE, sqlite_where=_IS_DUE
        ),
        NEW_IDS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    patron_id: Mapped[int] = mapped_column(ForeignKey("patrons.id", ondelete="CASCADE"), index=True)
    about_patron_id: Mapped[int | None] = mapped_column(ForeignKey("patrons.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(30))
    urgency: Mapped[int] = mapped_column(SmallInteger, default=3)
    queue: Mapped[str] = mapped_column(String(10), default="letter")
    contact_change_id: Mapped[int | None] = mapped_column(BigInteger)
    channel: Mapped[str | None] = mapped_column(String(10))
    sealed_to: Mapped[bytes | None]
    asked_at: Mapped[Instant]
    due_at: Mapped[Instant | None]
    leased_until: Mapped[Instant | None]
    attempts: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[Instant | None] = mapped_column(index=True)


class PinOrder(Base):
    """That somebody ordered a new PIN for a card number, or a code, whether there is such a card or not.

    The worker finds out. `purpose` is that of the link or code: new-pin or new-device.
    """

    __tablename__ = "pin_orders"
    __table_args__ = NEW_IDS

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    purpose: Mapped[str] = mapped_column(String(10), default="new-pin", server_default="new-pin")
    sealed_number: Mapped[bytes]
    asked_at: Mapped[Instant]


class OneTimeSecret(Base):
    """A link or code that was sent to a patron and proves once that it arrived. Only a keyed token of it is kept."""

    __tablename__ = "one_time_secrets"
    __table_args__ = (CheckConstraint("purpose IN ('new-pin', 'new-device', 'step-up')", name="purpose"), NEW_IDS)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    token: Mapped[str] = mapped_column(String(64), unique=True)
    patron_id: Mapped[int] = mapped_column(ForeignKey("patrons.id", ondelete="CASCADE"), index=True)
    purpose: Mapped[str] = mapped_column(String(10))
    channel: Mapped[str | None] = mapped_column(String(10))
    expires_at: Mapped[Instant]


class ContactChange(Base):
    """A change of how a patron is reached. `library_id` made it; none: the patron did. `fields` names what changed.

    `sealed_former` is the contact data of before, as JSON.
    """

    __tablename__ = "contact_changes"
    __table_args__ = NEW_IDS

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    patron_id: Mapped[int] = mapped_column(ForeignKey("patrons.id", ondelete="CASCADE"), index=True)
    # No foreign key: a library is never deleted.
    library_id: Mapped[str | None] = mapped_column(String(20))
    fields: Mapped[str] = mapped_column(String(60))
    sealed_former: Mapped[bytes]
    changed_at: Mapped[Instant] = mapped_column(index=True)
