"""Repeating the erasures in the journal on a database that was restored from a backup."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import delete, func, select, update

from app.register.journal import journaling
from app.register.journal.journal import Entry, Place
from app.register.keys.vault import vault
from app.register.leaving.erasure import Reason, erase_patron, repeated
from app.register.library.feed import end_cursors
from app.register.patron.patrons import NoSuchPatron
from app.register.store.transaction import autonomous, db, reading, writing
from app.register.tables.log import Erasure, JournalPlace
from app.register.tables.patrons import IssuedNumber, Patron

BATCH = 1000
_NOTED = 500


@dataclass(frozen=True, slots=True)
class Replayed:
    """The progress of a replay: patrons read, and how many of them were erased again."""

    looked_at: int
    erased: int


@reading()
def count_patrons() -> int:
    """Return how many patrons a replay reads."""
    return db.session.scalar(select(func.count()).select_from(Patron)) or 0


def replay(*, now: datetime, batch: int = BATCH) -> Iterator[Replayed]:
    """Erase again each patron of the register who is in the journal, each in a transaction of its own.

    Yields after each batch of patrons. It may be stopped at any point and run again; the portal serves nobody before it
    is done. Afterwards libraries' cursors are passed, so that they fetch their patrons anew. Raises RegisterIsBehind
    where there is no journal or another one, JournalDamaged or JournalUnreachable.
    """
    entries, tail = _open()
    end_cursors()
    wanted: dict[str, Entry] = {entry.patron: entry for entry in entries}
    key_ids = {entry.key_id for entry in entries}
    last, looked_at, erased = 0, 0, 0
    while wanted:
        people = select(Patron.id, Patron.registered_at).where(Patron.id > last).order_by(Patron.id).limit(batch)
        with reading():
            rows = db.session.execute(people).all()
        for patron_id, registered_at in rows:
            text = journaling.patron_text(patron_id, registered_at)
            tokens = vault.tokens(purpose=journaling.ERASED_PATRON, text=text)
            found = next((wanted[tokens[key]] for key in key_ids if tokens.get(key) in wanted), None)
            erased += found is not None and _erase(patron_id, found, now=now)
        looked_at += len(rows)
        yield Replayed(looked_at, erased)
        if len(rows) < batch:
            break
        last = rows[-1].id
    for start in range(0, len(entries), _NOTED):
        _note_erasures(entries[start : start + _NOTED], now=now)
    with autonomous() as connection:
        journaling.note_place(connection, tail)


@writing()
def forget_journal() -> None:
    """Delete the register's place in a journal that is lost, and commit: a new journal begins."""
    db.session.execute(delete(JournalPlace))


def _open() -> tuple[Sequence[Entry], Place]:
    journal = journaling.current_journal()
    with autonomous() as connection:
        tail = journaling.compare_places(connection, journal)[1] if journal is not None else None
    if journal is None or tail is None:
        raise journaling.RegisterIsBehind("There is no journal of erasures where ERASURE_JOURNAL leads.")
    entries = journal.read()
    return entries, Place(tail.journal, entries[-1].seq if entries else tail.seq)


def _erase(patron_id: int, entry: Entry, *, now: datetime) -> bool:
    try:
        with writing():
            erase_patron(patron_id=patron_id, reason=cast(Reason, entry.reason), now=now, again=entry)
    except NoSuchPatron:
        return False
    return True


@writing()
def _note_erasures(entries: Sequence[Entry], *, now: datetime) -> None:
    """Note the erasure of patrons who are not in the backup: for the receipts, and against issuing a number again."""
    ids = [entry.id for entry in entries]
    known = set(db.session.scalars(select(Erasure.entry_id).where(Erasure.entry_id.in_(ids))))
    db.session.bulk_save_objects([repeated(entry) for entry in entries if entry.id not in known])
    numbers = [
        (vault.later_tokens(number, key_id=entry.key_id), entry.erased_at)
        for entry in entries
        for number in entry.numbers
    ]
    tokens = [token for later, _ in numbers for token in later]
    issued = update(IssuedNumber).where(IssuedNumber.token.in_(tokens))
    issued = issued.values(gone_at=func.coalesce(IssuedNumber.gone_at, now)).returning(IssuedNumber.token)
    here = set(db.session.scalars(issued, execution_options={"synchronize_session": False}))
    lacking = {later[-1]: erased_at for later, erased_at in numbers if here.isdisjoint(later)}
    db.session.bulk_save_objects(
        [IssuedNumber(token=token, key_id=vault.key_id, gone_at=erased_at) for token, erased_at in lacking.items()]
    )
