"""Everything that this building stores. One database belongs to one library.

A patron is a card number and nothing more: no name, no address, no table of patrons. What is on loan is tied to
its borrower by one row of `loans`; claims and notices hang on that row and go with it. Days are days of the
library; only the door's book keeps the time of day. Amounts are integers of the smallest unit.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Final
from uuid import uuid4

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, String, TypeDecorator, false
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.schema import CheckConstraint, ForeignKey, Index, MetaData, UniqueConstraint

CARD: Final = String(20)
ID: Final = String(32)


class UtcInstant(TypeDecorator[datetime]):
    """An aware instant, kept in UTC on every engine (SQLite keeps no time zone)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Refuse an instant that knows no time zone."""
        if value is not None and value.tzinfo is None:
            raise ValueError("an instant must be aware of its time zone")
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Give the instant back as UTC."""
        return value and (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)


def new_id() -> str:
    """32 random hex digits: neither order nor number can be read from them."""
    return uuid4().hex


class Base(DeclarativeBase):
    """Names every constraint, so that an error and a migration can name it."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
    )


class Library(Base):
    """One row: whose database this is, so that no other library's policy is ever applied to it."""

    __tablename__ = "library"
    id: Mapped[str] = mapped_column(String(40), primary_key=True)


class Item(Base):
    """One copy. Copies of one edition share `edition`; `match_key` finds a title that the library owns.

    `lender` names the library that an interlibrary copy goes back to, if staff wrote it down.
    """

    __tablename__ = "items"
    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    barcode: Mapped[str] = mapped_column(String(40), unique=True)
    edition: Mapped[str] = mapped_column(String(40), index=True)
    title: Mapped[str] = mapped_column(String(300))
    author: Mapped[str] = mapped_column(String(300))
    category: Mapped[str] = mapped_column(String(32))
    shelf_code: Mapped[str] = mapped_column(String(40))
    publication_year: Mapped[int]
    price: Mapped[int | None]
    state: Mapped[str] = mapped_column(String(10), default="stock")
    interlibrary: Mapped[bool] = mapped_column(default=False)
    lender: Mapped[str | None] = mapped_column(String(300))
    match_key: Mapped[str] = mapped_column(String(300), index=True)
    __table_args__ = (
        CheckConstraint("state IN ('stock', 'lost', 'destroyed')", name="state"),
        CheckConstraint("price IS NULL OR price >= 0", name="price"),
    )


class Loan(Base):
    """The only tie between a card and a copy. It exists while the copy is out and not a moment longer."""

    __tablename__ = "loans"
    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    item_id: Mapped[str] = mapped_column(ForeignKey("items.id", ondelete="RESTRICT"), unique=True)
    card_number: Mapped[str] = mapped_column(CARD, index=True)
    lent_on: Mapped[date]
    due_on: Mapped[date] = mapped_column(index=True)
    renewals: Mapped[int] = mapped_column(default=0)
    __table_args__ = (
        CheckConstraint("due_on >= lent_on", name="days"),
        CheckConstraint("renewals >= 0", name="renewals"),
    )


class Claim(Base):
    """A claim that was made for a loan; `claimed_on` follows from the due date."""

    __tablename__ = "claims"
    loan_id: Mapped[str] = mapped_column(ForeignKey("loans.id", ondelete="CASCADE"), primary_key=True)
    level: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    claimed_on: Mapped[date]


class StoppedClaim(Base):
    """That staff stopped the claims for a loan, while it is due on `due_on`."""

    __tablename__ = "stopped_claims"
    loan_id: Mapped[str] = mapped_column(ForeignKey("loans.id", ondelete="CASCADE"), primary_key=True)
    due_on: Mapped[date]
    reason: Mapped[str] = mapped_column(String(20))
    stopped_by: Mapped[str] = mapped_column(String(64))
    stopped_on: Mapped[date]


class Hold(Base):
    """A place in the queue for an edition; with `item_id` the copy that is set aside: on the hold shelf once `picked`.

    From `paused_from` to `paused_until`, both days included, the place is kept and no copy is set aside for it.
    """

    __tablename__ = "holds"
    number: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(ID, unique=True, default=new_id)
    edition: Mapped[str] = mapped_column(String(40), index=True)
    card_number: Mapped[str] = mapped_column(CARD)
    asked_on: Mapped[date]
    item_id: Mapped[str | None] = mapped_column(ForeignKey("items.id", ondelete="SET NULL"), unique=True)
    fetch_before: Mapped[date | None]
    picked: Mapped[bool] = mapped_column(default=False, server_default=false())
    paused_from: Mapped[date | None]
    paused_until: Mapped[date | None]
    __table_args__ = (UniqueConstraint("card_number", "edition"),)


class Debt(Base):
    """An amount, what kind it is and since when: never what was borrowed.

    `loan_id` stands only on an invoiced replacement charge, and only while that loan is open. A settled debt
    loses its card number after the policy's retention.
    """

    __tablename__ = "debts"
    number: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(ID, unique=True, default=new_id)
    card_number: Mapped[str | None] = mapped_column(CARD)
    kind: Mapped[str] = mapped_column(String(20))
    amount: Mapped[int]
    paid: Mapped[int] = mapped_column(default=0)
    waived: Mapped[int] = mapped_column(default=0)
    currency: Mapped[str] = mapped_column(String(3))
    incurred_on: Mapped[date]
    settled_on: Mapped[date | None]
    invoice: Mapped[bool] = mapped_column(default=False)
    loan_id: Mapped[str | None] = mapped_column(ForeignKey("loans.id", ondelete="SET NULL"))
    claim_level: Mapped[int | None]
    claimed_on: Mapped[date | None]
    waive_reason: Mapped[str | None] = mapped_column(String(20))
    waived_by: Mapped[str | None] = mapped_column(String(64))
    idempotency_key: Mapped[str | None] = mapped_column(String(64), unique=True)
    __table_args__ = (
        UniqueConstraint("card_number", "claim_level", "claimed_on"),
        UniqueConstraint("loan_id"),
        CheckConstraint(
            "kind IN ('overdue', 'claim_fee', 'replacement_charge', 'replacement_card', 'interlibrary')", name="kind"
        ),
        CheckConstraint("amount > 0 AND paid >= 0 AND waived >= 0 AND paid + waived <= amount", name="amount"),
        CheckConstraint("(settled_on IS NULL) = (paid + waived < amount)", name="settled"),
        CheckConstraint("card_number IS NOT NULL OR settled_on IS NOT NULL", name="card_number"),
        Index("ix_debts_card_number", "card_number"),
    )

    @property
    def outstanding(self) -> int:
        """What is still to be paid."""
        return self.amount - self.paid - self.waived


class Payment(Base):
    """Money that was received; the key makes a repeated request one payment."""

    __tablename__ = "payments"
    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    card_number: Mapped[str | None] = mapped_column(CARD, index=True)
    amount: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    paid_on: Mapped[date]
    received_by: Mapped[str] = mapped_column(String(64))
    idempotency_key: Mapped[str] = mapped_column(String(64), unique=True)
    __table_args__ = (CheckConstraint("amount > 0", name="amount"),)


class DoneAct(Base):
    """That an act of the desk was done: its key, which the desk drew at random, and the day. Neither what nor whose."""

    __tablename__ = "done_acts"
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    done_on: Mapped[date] = mapped_column(index=True)


class InterlibraryRequest(Base):
    """What a patron asked to have borrowed from another library; gone when it arrives, is refused or withdrawn."""

    __tablename__ = "interlibrary_requests"
    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    card_number: Mapped[str] = mapped_column(CARD, index=True)
    title: Mapped[str] = mapped_column(String(300))
    author: Mapped[str] = mapped_column(String(300))
    publication_year: Mapped[int]
    category: Mapped[str] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(10), default="asked")
    asked_on: Mapped[date]
    idempotency_key: Mapped[str] = mapped_column(String(64), unique=True)
    __table_args__ = (CheckConstraint("state IN ('asked', 'ordered')", name="state"),)


class Notice(Base):
    """The library's own outbox: messages to a card's holder, without titles.

    `about_day` and `step` identify it (due date and days before it; day and level of a claim; fetch-before
    date), so that none is made twice. The row goes with the loan or hold that it is about.
    """

    __tablename__ = "notices"
    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    card_number: Mapped[str] = mapped_column(CARD, index=True)
    kind: Mapped[str] = mapped_column(String(24))
    loan_id: Mapped[str | None] = mapped_column(ForeignKey("loans.id", ondelete="CASCADE"))
    hold_id: Mapped[str | None] = mapped_column(ForeignKey("holds.id", ondelete="CASCADE"))
    about_day: Mapped[date]
    step: Mapped[int] = mapped_column(default=0)
    created_on: Mapped[date]
    sent_on: Mapped[date | None]
    __table_args__ = (
        UniqueConstraint("loan_id", "kind", "about_day", "step"),
        UniqueConstraint("hold_id", "kind", "about_day"),
        CheckConstraint("kind IN ('reminder', 'claim', 'hold_ready', 'interlibrary_refused')", name="kind"),
    )


class ReminderChoice(Base):
    """What the holder of a card wants to be reminded of, by which way (email, sms, push, none), as the register told.

    Quiet are the hours from `quiet_from` until `quiet_to`; the same hour twice is none. A card without a row is
    reminded as the policy says.
    """

    __tablename__ = "reminder_choices"
    card_number: Mapped[str] = mapped_column(CARD, primary_key=True)
    due: Mapped[str] = mapped_column(String(5))
    ready: Mapped[str] = mapped_column(String(5))
    overdue: Mapped[str] = mapped_column(String(5))
    days_before: Mapped[int]
    quiet_from: Mapped[int]
    quiet_to: Mapped[int]


class Agreement(Base):
    """What a patron agreed to at the desk: to come in unstaffed hours, to borrow tablets, or e-books."""

    __tablename__ = "agreements"
    card_number: Mapped[str] = mapped_column(CARD, primary_key=True)
    kind: Mapped[str] = mapped_column(String(10), primary_key=True)
    agreed_on: Mapped[date]
    withdrawn_on: Mapped[date | None]
    __table_args__ = (CheckConstraint("kind IN ('door', 'tablet', 'ebook')", name="kind"),)


class DoorEntry(Base):
    """Who came to a door in unstaffed hours, and whether it opened. Forgotten after the policy's days."""

    __tablename__ = "door_entries"
    number: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcInstant, index=True)
    door: Mapped[str] = mapped_column(String(60))
    card_number: Mapped[str | None] = mapped_column(CARD, index=True)
    outcome: Mapped[str] = mapped_column(String(20))
    __table_args__ = ({"sqlite_autoincrement": True},)


class DailyTotal(Base):
    """How many acts of a kind there were on a day, by part, such as a category: of no card and no copy."""

    __tablename__ = "daily_totals"
    day: Mapped[date] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    part: Mapped[str] = mapped_column(String(32), primary_key=True)
    total: Mapped[int]
