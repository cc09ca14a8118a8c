"""Writing erasures to the journal, and noticing that the register is older than its journal.

An erasure commits with its entry in its own row (a transactional outbox). Right after the commit, and before the
erasure is confirmed to anybody, the entry is added to the journal and removed from the row; if the process dies in
between, the worker does it. So every entry in the journal was committed here first: a register that lacks one was
restored from an earlier backup.
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

from app.register.journal.journal import Entry, Journal, JournalDamaged, Place, write_entry
from app.register.journal.stores import JournalUnreachable
from app.register.keys.vault import vault
from app.register.patron.numbers import CARD_NUMBER
from app.register.store.transaction import db
from app.register.tables.log import Erasure, JournalPlace
from app.register.tables.patrons import Patron

ERASED_PATRON: Final = "erased patron"
JOURNAL_ENTRIES: Final = timedelta(days=400)
"""How long the journal keeps an entry; a backup that is older than that must not be restored."""
_UNWRITTEN: Final = "erasures not in the journal yet"
_BATCH: Final = 500
_log = structlog.get_logger()


class RegisterIsBehind(Exception):
    """The register is older than its journal of erasures, or the journal is another one. The text is for operators."""


class NotInJournal(Exception):
    """A patron is erased, but the journal could not be written yet: the erasure must not be confirmed before it is."""


_journals: WeakKeyDictionary[Engine, Journal | None] = WeakKeyDictionary()


def use_journal(journal: Journal | None) -> None:
    """Write the current app's erasures to this journal from now on; None: to no journal."""
    _journals[db.engine] = journal


def current_journal() -> Journal | None:
    """Return the app's journal; None if it has none."""
    return _journals[db.engine]


def patron_text(patron_id: int, registered_at: datetime) -> str:
    """Return the text of which a patron's token is made: a restored register may give the id to somebody else."""
    return f"{patron_id} {registered_at.isoformat()}"


def prepare(
    *, patron: Patron, numbers: Sequence[str], receipt: str, reason: str, now: datetime
) -> tuple[str, str | None]:
    """Return the id of an entry about a patron who is to be erased, and its text; None where there is no journal.

    Raises RegisterIsBehind, JournalDamaged or JournalUnreachable; nobody may be erased then.
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
        # No error is raised here, since the work is committed: the response depends on `check_written`.
        session.info[_UNWRITTEN] = not _try_to_write()


@event.listens_for(db.session, "after_rollback")
def _after_rollback(session: Session) -> None:
    if not session.in_nested_transaction():
        session.info.pop(_UNWRITTEN, None)


def check_written() -> None:
    """Raise NotInJournal if an erasure that this session committed could not be written to the journal."""
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
    """Add what is not in the journal yet, and return how many. Raises JournalUnreachable or JournalDamaged.

    Safe at any time, and by several processes: an entry that is added twice counts once.
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
    """Remove entries that are past JOURNAL_ENTRIES, and return how many. Raises as `check_journal`."""
    journal = current_journal()
    if journal is None or journal.tail() is None:
        return 0
    check_journal()
    return journal.forget(until=now - JOURNAL_ENTRIES)


def check_journal() -> None:
    """Compare register and journal. Raises JournalUnreachable or JournalDamaged where that is not possible.

    Raises RegisterIsBehind where they do not belong together, or the register lacks an entry.
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
    """Return the end of the journal as the register has noted it, and as it is; None where there is none.

    Raises RegisterIsBehind where the journal is not the register's, or has lost its end; and as `tail` does.
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
    # Another connection than the session's, whose transaction may be open.
    return db.engine.connect().execution_options(isolation_level="AUTOCOMMIT")


def _missing(connection: Connection, entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries that the register does not know of."""
    here: set[str | None] = set()
    for start in range(0, len(entries), _BATCH):
        ids = [entry.id for entry in entries[start : start + _BATCH]]
        here.update(connection.scalars(select(Erasure.entry_id).where(Erasure.entry_id.in_(ids))))
    return [entry for entry in entries if entry.id not in here]


def _move_on(connection: Connection, journal: Journal) -> None:
    """Note the end of the journal, if the register lacks no entry."""
    known = _read_place(connection)
    entries = journal.read(after=known.seq if known is not None else 0)
    tail = journal.tail()
    if tail is not None and not _missing(connection, entries):
        note_place(connection, Place(tail.journal, entries[-1].seq if entries else tail.seq))


_NOTE = text("""
    INSERT INTO journal_place (id, journal, seq) VALUES (1, :journal, :seq)
    ON CONFLICT (id) DO UPDATE SET seq = excluded.seq
    WHERE journal_place.journal = excluded.journal AND journal_place.seq < excluded.seq
""")


def note_place(connection: Connection, place: Place) -> None:
    """Note that the register has every entry up to a place."""
    connection.execute(_NOTE, {"journal": place.journal, "seq": place.seq})


def _read_place(connection: Connection) -> Place | None:
    row = connection.execute(select(JournalPlace.journal, JournalPlace.seq)).first()
    return Place(row.journal, row.seq) if row is not None else None
