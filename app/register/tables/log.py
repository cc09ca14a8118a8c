"""Tables of the access log, its chain of hashes and its signed roots, of erasures, and of what was done last."""

from datetime import date

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.register.tables.columns import NEW_IDS, Base, BigId, Instant

_BY_GUARDIANS = text("role = 'guardian'")


class AccessLogEntry(Base):
    """Who had access to a patron's data, when, at which library, why, and to which fields. Written before the answer.

    `proof` is a salt and a MAC of the entry, which only the register can make.
    """

    __tablename__ = "access_log"
    __table_args__ = (
        Index(None, "patron_id", "at"),
        # A guardian who is erased is named in entries about other patrons.
        Index("ix_access_log_guardians", "actor", postgresql_where=_BY_GUARDIANS, sqlite_where=_BY_GUARDIANS),
        NEW_IDS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[Instant]
    patron_id: Mapped[int] = mapped_column(ForeignKey("patrons.id", ondelete="CASCADE"))
    # No foreign key: a library is never deleted, and the check would cost every scan one more query.
    library_id: Mapped[str | None] = mapped_column(String(20))
    role: Mapped[str] = mapped_column(String(10))
    actor: Mapped[str] = mapped_column(String(80))
    purpose: Mapped[str] = mapped_column(String(20))
    fields: Mapped[str] = mapped_column(String(200))
    proof: Mapped[bytes | None]


class AccessLogLink(Base):
    """The link of an entry or of a removal, in the order of the chain.

    `commitment` is a salted hash of it, which reveals nothing once entry and salt are deleted. `link` is the hash of
    the link before with this commitment.
    """

    __tablename__ = "access_log_chain"
    __table_args__ = (CheckConstraint("(entry_id IS NULL) <> (removal_id IS NULL)", name="one_thing"),)

    seq: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    entry_id: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    removal_id: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    commitment: Mapped[bytes]
    link: Mapped[bytes]


class AccessLogRemoval(Base):
    """Which entries were deleted from the access log, when and why; or from which a guardian's id was deleted."""

    __tablename__ = "access_log_removals"
    __table_args__ = (CheckConstraint("why IN ('erasure', 'retention', 'guardian')", name="why"), NEW_IDS)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[Instant]
    why: Mapped[str] = mapped_column(String(10))
    entries: Mapped[str] = mapped_column(Text)
    proof: Mapped[bytes]


class AccessLogHead(Base):
    """The end of the chain: one row, locked while links are added. `proof` is a MAC of it.

    Entries up to `unproved_to` are older than the chain, and get their proof with their link.
    """

    __tablename__ = "access_log_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger)
    link: Mapped[bytes]
    unproved_to: Mapped[int] = mapped_column(BigInteger)
    proof: Mapped[bytes | None]


class AccessLogRoot(Base):
    """The end of the chain after a day, signed. `text` is what is kept elsewhere, once `sent_at`."""

    __tablename__ = "access_log_roots"

    day: Mapped[date] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    sent_at: Mapped[Instant | None]


class Erasure(Base):
    """That somebody was erased, and when. Whose it was is kept nowhere; a receipt code leads here.

    `journal_entry` is not yet in the journal of erasures, where `entry_id` is its id; then it is null.
    """

    __tablename__ = "erasures"
    __table_args__ = NEW_IDS

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    receipt_hash: Mapped[str] = mapped_column(String(64), unique=True)
    reason: Mapped[str] = mapped_column(String(10))
    erased_at: Mapped[Instant]
    entry_id: Mapped[str | None] = mapped_column(String(32), unique=True)
    journal_entry: Mapped[str | None] = mapped_column(Text)


class JournalPlace(Base):
    """The position in the journal of erasures: one row, or none before the first erasure."""

    __tablename__ = "journal_place"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    journal: Mapped[str] = mapped_column(String(32))
    seq: Mapped[int] = mapped_column(BigInteger)


class LastRun(Base):
    """When work that a timer starts last came to its end, such as retention."""

    __tablename__ = "last_runs"

    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    ended_at: Mapped[Instant]


class KeyProof(Base):
    """By which each of the keys in VAULT_KEYS is recognised, without telling anything of it."""

    __tablename__ = "key_proofs"

    key_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    proof: Mapped[bytes]
