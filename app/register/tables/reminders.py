"""Tables of what patrons want to be reminded of, of browsers that show it, and of the calendar's addresses.

None says whether anything is borrowed: that is the libraries' (docs/adr/0034).
"""

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.register.tables.columns import NEW_IDS, Base, BigId, Instant

_BY = " AND ".join(f"{kind}_by IN ('email', 'sms', 'push', 'none')" for kind in ("due", "ready", "overdue"))


class ReminderChoice(Base):
    """What a patron chose: the way of each kind of reminder, days before the due date, and quiet hours in Norway."""

    __tablename__ = "reminder_choices"
    __table_args__ = (CheckConstraint(f"{_BY} AND permission_by IN ('email', 'sms', 'push', 'none')", name="ways"),)

    patron_id: Mapped[int] = mapped_column(ForeignKey("patrons.id", ondelete="CASCADE"), primary_key=True)
    due_by: Mapped[str] = mapped_column(String(5))
    ready_by: Mapped[str] = mapped_column(String(5))
    overdue_by: Mapped[str] = mapped_column(String(5))
    permission_by: Mapped[str] = mapped_column(String(5))
    days_before: Mapped[int]
    quiet_from: Mapped[int | None]
    quiet_to: Mapped[int | None]
    chosen_at: Mapped[Instant]


class PushSubscription(Base):
    """A browser that shows a patron's notifications. `sealed_address` is its push service's address and its keys.

    It belongs to the browser: whoever switches notifications on there has it, and `address_hash` finds it.
    """

    __tablename__ = "push_subscriptions"
    __table_args__ = NEW_IDS

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    patron_id: Mapped[int] = mapped_column(ForeignKey("patrons.id", ondelete="CASCADE"), index=True)
    device_id: Mapped[int] = mapped_column(ForeignKey("devices.id", ondelete="CASCADE"), unique=True)
    address_hash: Mapped[str] = mapped_column(String(64), unique=True)
    sealed_address: Mapped[bytes]
    made_at: Mapped[Instant]


class PushMessage(Base):
    """A notification on its way, encrypted for one browser: nobody else can read it, the register neither.

    It is deleted when the push service has it.
    """

    __tablename__ = "push_messages"
    __table_args__ = NEW_IDS

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    subscription_id: Mapped[int] = mapped_column(ForeignKey("push_subscriptions.id", ondelete="CASCADE"), index=True)
    body: Mapped[bytes]
    asked_at: Mapped[Instant]
    due_at: Mapped[Instant] = mapped_column(index=True)
    attempts: Mapped[int] = mapped_column(default=0)


class CalendarAddress(Base):
    """The secret address of a patron's calendar, as a hash. One at a time."""

    __tablename__ = "calendar_addresses"

    patron_id: Mapped[int] = mapped_column(ForeignKey("patrons.id", ondelete="CASCADE"), primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    made_at: Mapped[Instant]
