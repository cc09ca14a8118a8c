"""Tables of moving in: a library's file of patrons, sealed while it is worked on, what became of each row, and who came
from it."""

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.register.tables.columns import NEW_IDS, Base, BigId, Instant


class PatronImport(Base):
    """A library's file of patrons, from the upload to the report. `done` rows of `rows` are through the current state.

    `sealed_columns` has the headings, and which field each is. `file_hash` is a keyed hash of the file, by which it is
    known again. `by_day` is how many messages to new patrons are sent a day, `welcomed` how many there were until now.
    """

    __tablename__ = "patron_imports"
    __table_args__ = (
        CheckConstraint("state IN ('read', 'checking', 'checked', 'taking', 'stopped', 'done', 'over')", name="state"),
        NEW_IDS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    library_id: Mapped[str] = mapped_column(ForeignKey("libraries.id"), index=True)
    state: Mapped[str] = mapped_column(String(10))
    begun_by: Mapped[str] = mapped_column(String(64))
    begun_at: Mapped[Instant] = mapped_column(index=True)
    ended_at: Mapped[Instant | None]
    file_hash: Mapped[str] = mapped_column(String(64))
    sealed_columns: Mapped[bytes | None]
    language: Mapped[str] = mapped_column(String(2))
    consent: Mapped[bool]
    by_day: Mapped[int]
    rows: Mapped[int]
    done: Mapped[int] = mapped_column(default=0)
    welcomed: Mapped[int] = mapped_column(default=0)


class PatronImportBatch(Base):
    """Some rows of the file, sealed. They are deleted in the transaction in which their patrons are taken in."""

    __tablename__ = "patron_import_batches"
    __table_args__ = NEW_IDS

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    import_id: Mapped[int] = mapped_column(ForeignKey("patron_imports.id", ondelete="CASCADE"), index=True)
    is_checked: Mapped[bool] = mapped_column(default=False)
    sealed_rows: Mapped[bytes]


class PatronImportLine(Base):
    """What became of a row, by its line in the file. No value of the row is in here, unless a person is to decide.

    The hashes tell rows of one file that say the same card or national number, and new ones of the same name and birth
    date; they are deleted with the file.
    """

    __tablename__ = "patron_import_lines"
    __table_args__ = (
        Index(None, "import_id", "key_hash"),
        Index(None, "import_id", "id_hash"),
        Index(None, "import_id", "name_hash"),
        CheckConstraint("outcome IN ('new', 'here', 'person', 'refused')", name="outcome"),
    )

    import_id: Mapped[int] = mapped_column(ForeignKey("patron_imports.id", ondelete="CASCADE"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    outcome: Mapped[str] = mapped_column(String(10))
    why: Mapped[str] = mapped_column(String(300))
    key_hash: Mapped[str | None] = mapped_column(String(64))
    id_hash: Mapped[str | None] = mapped_column(String(64))
    name_hash: Mapped[str | None] = mapped_column(String(64))
    sealed_row: Mapped[bytes | None]


class ImportedPatron(Base):
    """Who came from a row of a library's file, or was asked to join that library because of it.

    `token` is of the library and the row, so that the same file adds nobody twice. `sealed_number` is the card number
    until then. Of somebody who was erased since, the token is left alone, so that the file does not bring them back.
    """

    __tablename__ = "imported_patrons"

    token: Mapped[str] = mapped_column(String(64), primary_key=True)
    key_id: Mapped[int]
    library_id: Mapped[str] = mapped_column(ForeignKey("libraries.id"), index=True)
    patron_id: Mapped[int | None] = mapped_column(ForeignKey("patrons.id", ondelete="SET NULL"), index=True)
    sealed_number: Mapped[bytes | None]
    imported_at: Mapped[Instant] = mapped_column(index=True)
