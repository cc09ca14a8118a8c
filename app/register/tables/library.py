"""Tables about libraries, when they are open, their staff and machines, and the notices that their systems get."""

from datetime import date

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from app.register.tables.columns import NEW_IDS, Base, BigId, Instant
from app.rules.library.settings import LIBRARY_SETTINGS
from app.rules.library.staff import StaffRole

_WAITING = text("due_at IS NOT NULL")


class Library(Base):
    """A public library. `id` is its biblioteknummer (Norway) or sigel (Sweden), and is opaque.

    `hours_version` grows with every change of its opening hours; `hours_told` is the version that its loans system has.
    """

    __tablename__ = "libraries"

    id: Mapped[str] = mapped_column(String(20), primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(20))
    address: Mapped[str | None] = mapped_column(String(200))
    postcode: Mapped[str | None] = mapped_column(String(12))
    place: Mapped[str | None] = mapped_column(String(80))
    municipality: Mapped[str | None] = mapped_column(String(8))
    phone: Mapped[str | None] = mapped_column(String(40))
    email: Mapped[str | None] = mapped_column(String(254))
    website: Mapped[str | None] = mapped_column(String(200))
    time_zone: Mapped[str] = mapped_column(String(40), default="Europe/Oslo", server_default="Europe/Oslo")
    hours_version: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    hours_told: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    hours_told_at: Mapped[Instant | None]
    static_codes: Mapped[bool] = mapped_column(default=LIBRARY_SETTINGS["static_codes"].default)
    desks_share_scans: Mapped[bool] = mapped_column(default=LIBRARY_SETTINGS["desks_share_scans"].default)
    names_on_slips: Mapped[bool] = mapped_column(
        default=LIBRARY_SETTINGS["names_on_slips"].default, server_default=false()
    )
    consent_age: Mapped[int] = mapped_column(default=LIBRARY_SETTINGS["consent_age"].default)
    online_activation: Mapped[bool] = mapped_column(default=LIBRARY_SETTINGS["online_activation"].default)


class Staff(Base):
    """Somebody who works at a library. Nobody signs in while they are suspended, or before they have chosen a password
    by the link that they were sent (`awaits_setup`). `signed_in_on` is the day, in Norway, of their last sign-in.
    """

    __tablename__ = "staff"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    library_id: Mapped[str] = mapped_column(ForeignKey("libraries.id"))
    username: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    password_verifier: Mapped[str] = mapped_column(String(200))
    sealed_totp_key: Mapped[bytes]
    last_totp_step: Mapped[int] = mapped_column(BigInteger, default=0)
    role: Mapped[str] = mapped_column(String(15), default=StaffRole.DESK, server_default=StaffRole.DESK)
    sealed_email: Mapped[bytes | None]
    awaits_setup: Mapped[bool] = mapped_column(default=False, server_default=false())
    suspended_at: Mapped[Instant | None]
    signed_in_on: Mapped[date | None]


class Machine(Base):
    """A library's system, or one of its kiosks: a user name and password over HTTPS.

    After a change of password the former one works for a while, so that kiosks go on working.
    """

    __tablename__ = "machines"
    __table_args__ = (CheckConstraint("kind IN ('system', 'kiosk', 'supplier')", name="kind"),)

    username: Mapped[str] = mapped_column(String(60), primary_key=True)
    library_id: Mapped[str] = mapped_column(ForeignKey("libraries.id"))
    kind: Mapped[str] = mapped_column(String(10))
    password_token: Mapped[str] = mapped_column(String(64))
    former_token: Mapped[str | None] = mapped_column(String(64))
    former_until: Mapped[Instant | None]
    key_id: Mapped[int]
    last_seen_at: Mapped[Instant | None]


class MachineRefusal(Base):
    """How often a machine was refused for a reason within an hour: what a library's administrators look into."""

    __tablename__ = "machine_refusals"

    username: Mapped[str] = mapped_column(
        String(60), ForeignKey("machines.username", ondelete="CASCADE"), primary_key=True
    )
    reason: Mapped[str] = mapped_column(String(20), primary_key=True)
    hour: Mapped[Instant] = mapped_column(primary_key=True)
    taken: Mapped[int]


class NumberSeries(Base):
    """A row of card numbers that a library reserved, to issue by itself. No two overlap."""

    __tablename__ = "number_series"
    __table_args__ = NEW_IDS

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    library_id: Mapped[str] = mapped_column(ForeignKey("libraries.id"))
    first: Mapped[int] = mapped_column(BigInteger, unique=True)
    last: Mapped[int] = mapped_column(BigInteger, unique=True)
    reserved_at: Mapped[Instant]


class LibraryQueue(Base):
    """A library's queue of notices: its last number, the webhook of the library's system, and the result of deliveries.

    A notice gets its number under this row's lock, so that numbers become visible in their order. The address of a
    webhook that `webhook_is_public` was set by the library, and may lead to public addresses alone.
    """

    __tablename__ = "library_queues"

    library_id: Mapped[str] = mapped_column(ForeignKey("libraries.id"), primary_key=True)
    last_seq: Mapped[int] = mapped_column(BigInteger, default=0)
    purged_seq: Mapped[int] = mapped_column(BigInteger, default=0)
    webhook_url: Mapped[str | None] = mapped_column(String(500))
    webhook_is_public: Mapped[bool] = mapped_column(default=False, server_default=false())
    sealed_webhook_key: Mapped[bytes | None]
    due_at: Mapped[Instant | None] = mapped_column(index=True)
    attempts: Mapped[int] = mapped_column(default=0)
    last_fault: Mapped[str | None] = mapped_column(String(40))
    last_delivered_at: Mapped[Instant | None]


class LibraryNotice(Base):
    """A notice to a library's system about a patron, in the order of `seq`.

    It has no data of the patron, which the system fetches. `patron_id` has no foreign key, since the notice of an
    erasure outlives the patron. A former card number, by which the library knew the patron, is sealed here as long as
    the notice is kept: a library that restores last week's backup reads it again. `charged_by` is the user name of the
    staff member who replaced the card at the library's own desk, which then charges for it.
    """

    __tablename__ = "library_notices"
    __table_args__ = (
        UniqueConstraint("library_id", "seq"),
        Index(None, "patron_id", "library_id"),
        # What waits is little beside what is kept.
        Index("ix_library_notices_waiting", "library_id", "seq", postgresql_where=_WAITING, sqlite_where=_WAITING),
        CheckConstraint("kind IN ('joined', 'changed', 'renumbered', 'left', 'erased')", name="kind"),
        NEW_IDS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    library_id: Mapped[str] = mapped_column(ForeignKey("libraries.id"))
    seq: Mapped[int] = mapped_column(BigInteger)
    patron_id: Mapped[int] = mapped_column(BigId)
    patron_version: Mapped[int]
    kind: Mapped[str] = mapped_column(String(12))
    sealed_number: Mapped[bytes | None]
    charged_by: Mapped[str | None] = mapped_column(String(64))
    asked_at: Mapped[Instant]
    due_at: Mapped[Instant | None]
    attempts: Mapped[int] = mapped_column(default=0)
    last_fault: Mapped[str | None] = mapped_column(String(40))
    confirmed_at: Mapped[Instant | None]
    kept: Mapped[str | None] = mapped_column(String(200))
    erasure_id: Mapped[int | None] = mapped_column(ForeignKey("erasures.id", ondelete="CASCADE"), index=True)


class MachineAnswer(Base):
    """What a library's system was answered to a request with an idempotency key, sealed, so that it may ask again.

    `patron_id` is the patron in it, without a foreign key, since the key stays used when they are erased.
    """

    __tablename__ = "machine_answers"

    username: Mapped[str] = mapped_column(String(60), primary_key=True)
    key_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    request_hash: Mapped[str] = mapped_column(String(64))
    sealed_answer: Mapped[bytes | None]
    patron_id: Mapped[int | None] = mapped_column(BigId, index=True)
    answered_at: Mapped[Instant] = mapped_column(index=True)


class ActCount(Base):
    """How many acts of a kind a library did in an hour. `logged_at`: they were unusually many, and the log says so."""

    __tablename__ = "act_counts"

    library_id: Mapped[str] = mapped_column(String(20), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    hour: Mapped[Instant] = mapped_column(primary_key=True)
    taken: Mapped[int]
    logged_at: Mapped[Instant | None]


class LibraryTotal(Base):
    """How many acts of a kind there were at a library on a day (in Norway), and of no person: nothing leads to one.

    The hour of the day stands in `part` of the kind `hour` alone.
    """

    __tablename__ = "library_totals"

    library_id: Mapped[str] = mapped_column(String(20), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    part: Mapped[str] = mapped_column(String(20), primary_key=True)
    total: Mapped[int]


class OpeningWeek(Base):
    """A library's week, valid from a day until that of its next one. `days` as `write_week` makes it."""

    __tablename__ = "opening_weeks"

    library_id: Mapped[str] = mapped_column(ForeignKey("libraries.id"), primary_key=True)
    valid_from: Mapped[date] = mapped_column(primary_key=True)
    days: Mapped[str] = mapped_column(String(2000))


class OpeningException(Base):
    """Days on which a library has other hours than its week's; `spans` as `write_day` makes them, empty when closed."""

    __tablename__ = "opening_exceptions"
    __table_args__ = (CheckConstraint("last_day >= first_day", name="days"), NEW_IDS)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    library_id: Mapped[str] = mapped_column(ForeignKey("libraries.id"), index=True)
    first_day: Mapped[date]
    last_day: Mapped[date]
    yearly: Mapped[bool]
    spans: Mapped[str] = mapped_column(String(300))
    note: Mapped[str] = mapped_column(String(80))


class Branch(Base):
    """Another place of a library, such as a branch or the stop of a mobile library. `hours` is what its weeks do not
    say, in the library's words.
    """

    __tablename__ = "library_branches"
    __table_args__ = NEW_IDS

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    library_id: Mapped[str] = mapped_column(ForeignKey("libraries.id"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    address: Mapped[str] = mapped_column(String(200))
    postcode: Mapped[str] = mapped_column(String(12))
    place: Mapped[str] = mapped_column(String(80))
    phone: Mapped[str] = mapped_column(String(40))
    hours: Mapped[str] = mapped_column(String(300))


class BranchWeek(Base):
    """A branch's week, as OpeningWeek is the library's own."""

    __tablename__ = "branch_weeks"

    library_id: Mapped[str] = mapped_column(ForeignKey("libraries.id"), index=True)
    branch_id: Mapped[int] = mapped_column(ForeignKey("library_branches.id", ondelete="CASCADE"), primary_key=True)
    valid_from: Mapped[date] = mapped_column(primary_key=True)
    days: Mapped[str] = mapped_column(String(2000))


class BranchException(Base):
    """Days on which a branch has other hours, as OpeningException is the library's own."""

    __tablename__ = "branch_exceptions"
    __table_args__ = (CheckConstraint("last_day >= first_day", name="days"), NEW_IDS)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    library_id: Mapped[str] = mapped_column(ForeignKey("libraries.id"), index=True)
    branch_id: Mapped[int] = mapped_column(ForeignKey("library_branches.id", ondelete="CASCADE"), index=True)
    first_day: Mapped[date]
    last_day: Mapped[date]
    yearly: Mapped[bool]
    spans: Mapped[str] = mapped_column(String(300))
    note: Mapped[str] = mapped_column(String(80))
