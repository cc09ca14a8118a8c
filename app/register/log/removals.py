"""Deleting entries of the access log, with a record of it in the same transaction, so that no gap is unexplained."""

from collections.abc import Collection
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import delete, select, update

from app.register.log.proofs import body_of, commit_to, prove, removal_body, write_ranges
from app.register.store.transaction import db
from app.register.tables.log import AccessLogEntry, AccessLogRemoval

Why = Literal["erasure", "retention", "guardian"]
RETENTION: Final = "retention"
GUARDIAN: Final = "guardian"


def note_removal(*, entry_ids: Collection[int], why: Why, now: datetime) -> None:
    """Record that entries are deleted from the log in this transaction."""
    if entry_ids:
        _note(write_ranges(entry_ids), why=why, now=now)


def remove_accesses_to(*, patron_id: int, now: datetime) -> None:
    """Delete every entry about a patron, for whom none is written any more."""
    gone = delete(AccessLogEntry).where(AccessLogEntry.patron_id == patron_id).returning(AccessLogEntry.id)
    ids = db.session.scalars(gone, execution_options={"synchronize_session": False}).all()
    note_removal(entry_ids=ids, why="erasure", now=now)


def forget_guardian(*, patron_id: int, now: datetime) -> None:
    """Delete a guardian's id from the entries of their accesses, which are about other patrons and stay."""
    table = AccessLogEntry.__table__
    theirs = select(table).where(table.c.role == "guardian", table.c.actor == str(patron_id)).order_by(table.c.id)
    changed: list[str] = []
    for row in db.session.execute(theirs.with_for_update()):
        body = body_of(**row._asdict() | {"actor": ""})
        proof = prove(body)
        db.session.execute(
            update(AccessLogEntry).where(AccessLogEntry.id == row.id).values(actor="", proof=proof),
            execution_options={"synchronize_session": False},
        )
        changed.append(f"{row.id}:{commit_to(body, proof).hex()}")
    if changed:
        _note(",".join(changed), why=GUARDIAN, now=now)


def read_commitments(text: str) -> dict[int, bytes]:
    """Return the commitments to the entries that `forget_guardian` changed, by id. Raises ValueError."""
    pairs = (part.partition(":") for part in text.split(","))
    return {int(entry_id): bytes.fromhex(commitment) for entry_id, _, commitment in pairs}


def _note(entries: str, *, why: Why, now: datetime) -> None:
    proof = prove(removal_body(at=now, why=why, entries=entries))
    db.session.add(AccessLogRemoval(at=now, why=why, entries=entries, proof=proof))
