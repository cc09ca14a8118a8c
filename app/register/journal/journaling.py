"""How erasures come into the journal, and how a register finds out that it is older than its journal.

An erasure commits with its entry in its own row (a transactional outbox); right after the commit, and before anybody
is told, the entry is added to the journal and goes from the row. A process that dies in between leaves it to the
worker. So whatever stands in the journal was committed here first: a register that lacks an entry is an earlier copy.
"""

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Final
from weakref import WeakKeyDictionary

import structlog
from sqlalchemy import Connection, Engine, event, select, text, update
from sqlalchemy.orm import Session

from app.register.journal.journal import Entry, Journal, JournalDamaged, JournalUnreachable, Place, write_entry
from app.register.keys.vault import vault
from app.register.patron.numbers import CARD_NUMBER
from app.register.store.transaction import db
from app.register.tables.log import Erasure, JournalPlace
from app.register.tables.patrons import Patron

ERASED_PATRON: Final = "erased patron"
JOURNAL_ENTRIES: Final = timedelta(days=400)
"""For so long an entry stands in the journal; a backup that is older than that is not to be put back."""
_UNWRITTEN: Final = "erasures that stand in no journal yet"
_BATCH: Final = 500
_log = structlog.get_logger()


class RegisterIsBehind(Exception):
    """The register is older than its journal of erasures, or the journal is not the one that it knows.

    The text is a sentence for the operator.
    """


class NotInJournal(Exception):
    """Somebody is erased, and the journal could not be written yet. It will be; nothing may be acknowledged before."""


_journals: WeakKeyDictionary[Engine, Journal | None] = WeakKeyDictionary()


def use_journal(journal: Journal | None) -> None:
    """Write the current app's erasures to this journal from now on; None where there is to be none."""
    _journals[db.engine] = journal


def current_journal() -> Journal | None:
    """Return the app's journal; None where it is to have none."""
    return _journals[db.engine]


def patron_text(patron_id: int, registered_at: datetime) -> str:
    """Return what is tokenized to find a patron again: a number may be used anew in a restored register."""
    return f"{patron_id} {registered_at.isoformat()}"


def prepare(
    *, patron: Patron, numbers: Sequence[str], receipt: str, reason: str, now: datetime
) -> tuple[str, str | None]:
    """Return the id of an entry about somebody who is to be erased, and its text where there is a journal to tell.

    Raises RegisterIsBehind, JournalDamaged or JournalUnreachable: then nobody is erased.
    """
    journal = current_journal()
    if journal is not None:
        check_journal()
        journal.check_reached()
        db.session.info[_UNWRITTEN] = True
    entry = write_entry(
        patron=vault.token(purpose=ERASED_PATRON, text=patron_text(patron.id, patron.registered_at)),
        numbers=[vault.token(purpose=CARD_NUMBER, text=number) for number in numbers],
        receipt=receipt,
        reason=reason,
        at=now,
        key_id=vault.key_id,
    )
    return entry["id"], json.dumps(entry) if journal is not None else None


@event.listens_for(db.session, "after_commit")
def _after_commit(session: Session) -> None:
    if not session.in_nested_transaction() and session.info.get(_UNWRITTEN):
        # Not raised here: the work is committed. Whoever answers for it asks `check_written`.
        session.info[_UNWRITTEN] = not _try_to_write()


@event.listens_for(db.session, "after_rollback")
def _after_rollback(session: Session) -> None:
    if not session.in_nested_transaction():
        session.info.pop(_UNWRITTEN, None)


def check_written() -> None:
    """Raise NotInJournal where an erasure that this session has committed could not be written to the journal."""
    if db.session.registry.has() and db.session.info.get(_UNWRITTEN):
        raise NotInJournal


def _try_to_write() -> bool:
    try:
        write_waiting()
    except (JournalUnreachable, JournalDamaged) as error:
        _log.error("erasure journal not written", kind=type(error).__name__)
        return False
    return True


def write_waiting() -> int:
    """Add to the journal what was erased and is not in it yet, and return how much that was.

    Safe at any time, several at once: an entry that is added twice counts once. Raises JournalUnreachable or
    JournalDamaged.
    """
    journal = current_journal()
    if journal is None:
        return 0
    with _beside() as connection:
        waiting = select(Erasure.id, Erasure.journal_entry).where(Erasure.journal_entry.is_not(None))
        rows = connection.execute(waiting.order_by(Erasure.id).limit(_BATCH)).all()
        if rows:
            journal.append([json.loads(row.journal_entry) for row in rows if row.journal_entry is not None])
            written = update(Erasure).where(Erasure.id.in_([row.id for row in rows])).values(journal_entry=None)
            connection.execute(written)
            _move_on(connection, journal)
        return len(rows)


def forget_entries(*, now: datetime) -> int:
    """Take out of the journal what is past its time, and return how much that was. Raises as `check_journal`."""
    journal = current_journal()
    if journal is None or journal.tail() is None:
        return 0
    check_journal()
    return journal.forget(until=now - JOURNAL_ENTRIES)


def check_journal() -> None:
    """Compare register and journal.

    Raises RegisterIsBehind where they do not belong together or the register lacks an entry, JournalUnreachable or
    JournalDamaged where that cannot be told.
    """
    journal = current_journal()
    if journal is None:
        return
    with _beside() as connection:
        known, tail = compare_places(connection, journal)
        if tail is not None and (known is None or known.seq < tail.seq):
            missing = len(_missing(connection, journal.read(after=known.seq if known is not None else 0)))
            if missing:
                raise RegisterIsBehind(
                    f"The database is older than its journal of erasures: {missing} are missing. "
                    "Run `flask erasures replay`."
                )


def compare_places(connection: Connection, journal: Journal) -> tuple[Place | None, Place | None]:
    """Return how far the register knows itself to be in its journal, and how far that is; None where there is none.

    Raises RegisterIsBehind where the journal is not the register's, or less of it is there; and as `tail` does.
    """
    known = _read_place(connection)
    tail = journal.tail()
    if known is not None:
        if tail is None:
            raise RegisterIsBehind("The journal of erasures is missing: ERASURE_JOURNAL leads to none.")
        if known.journal != tail.journal:
            raise RegisterIsBehind("The journal of erasures is another than the one that this register has written.")
        if known.seq > tail.seq:
            raise RegisterIsBehind("The journal of erasures has lost its end.")
    return known, tail


def _beside() -> AbstractContextManager[Connection]:
    # Beside a transaction that may be open: on SQLite it only reads then.
    return db.engine.connect().execution_options(isolation_level="AUTOCOMMIT")


def _missing(connection: Connection, entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries that the register does not know of."""
    here: set[str] = set()
    for start in range(0, len(entries), 500):
        ids = [entry.id for entry in entries[start : start + 500]]
        here |= set(connection.scalars(select(Erasure.entry_id).where(Erasure.entry_id.in_(ids))))
    return [entry for entry in entries if entry.id not in here]


def _move_on(connection: Connection, journal: Journal) -> None:
    """Note how far the register has come in its journal: as far as it lacks nothing."""
    known = _read_place(connection)
    entries = journal.read(after=known.seq if known is not None else 0)
    tail = journal.tail()
    if tail is not None and not _missing(connection, entries):
        note_place(connection, Place(tail.journal, entries[-1].seq if entries else tail.seq))


_NOTE = text(
    """
    INSERT INTO journal_place (id, journal, seq) VALUES (1, :journal, :seq)
    ON CONFLICT (id) DO UPDATE SET seq = excluded.seq
    WHERE journal_place.journal = excluded.journal AND journal_place.seq < excluded.seq
    """
)


def note_place(connection: Connection, place: Place) -> None:
    """Note that the register has everything in the journal up to a place."""
    connection.execute(_NOTE, {"journal": place.journal, "seq": place.seq})


def _read_place(connection: Connection) -> Place | None:
    row = connection.execute(select(JournalPlace.journal, JournalPlace.seq)).first()
    return Place(row.journal, row.seq) if row is not None else None
