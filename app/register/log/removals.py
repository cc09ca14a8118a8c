"""Taking lines out of the access log, with a record of it in the same transaction: what is missing is accounted for."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import delete, select, update

from app.register.log.proofs import body_of, commit_to, prove, removal_body, write_ranges
from app.register.store.transaction import db
from app.register.tables.log import AccessLogEntry, AccessLogRemoval

Why = Literal["erasure", "retention", "guardian"]
ERASURE: Final = "erasure"
RETENTION: Final = "retention"
GUARDIAN: Final = "guardian"


def note_removal(*, entry_ids: Collection[int], why: Why, now: datetime) -> None:
    """Note that lines went from the log in this transaction."""
    if entry_ids:
        _note(write_ranges(entry_ids), why=why, now=now)


def remove_accesses_to(*, patron_id: int, now: datetime) -> None:
    """Take out every line about a patron, to whom nobody adds any more."""
    gone = delete(AccessLogEntry).where(AccessLogEntry.patron_id == patron_id).returning(AccessLogEntry.id)
    ids = db.session.scalars(gone, execution_options={"synchronize_session": False}).all()
    note_removal(entry_ids=ids, why=ERASURE, now=now)


def forget_guardian(*, patron_id: int, now: datetime) -> None:
    """Take a guardian's id out of the entries of their accesses; those entries are of others, and stay."""
    looked = (AccessLogEntry.role == "guardian") & (AccessLogEntry.actor == str(patron_id))
    fresh: dict[int, bytes] = {}
    for entry in db.session.scalars(select(AccessLogEntry).where(looked).order_by(AccessLogEntry.id).with_for_update()):
        body = body_of(
            at=entry.at,
            patron_id=entry.patron_id,
            library_id=entry.library_id,
            role=entry.role,
            actor="",
            purpose=entry.purpose,
            fields=entry.fields,
        )
        proof = prove(body)
        db.session.execute(
            update(AccessLogEntry).where(AccessLogEntry.id == entry.id).values(actor="", proof=proof),
            execution_options={"synchronize_session": False},
        )
        fresh[entry.id] = commit_to(body, proof)
    if fresh:
        _note(write_commitments(fresh), why=GUARDIAN, now=now)


def write_commitments(commitments: Mapping[int, bytes]) -> str:
    """Return the commitments to lines that were changed, by number."""
    return ",".join(f"{entry_id}:{commitment.hex()}" for entry_id, commitment in sorted(commitments.items()))


def read_commitments(text: str) -> dict[int, bytes]:
    """Return what `write_commitments` wrote. Raises ValueError."""
    pairs = (part.partition(":") for part in text.split(","))
    return {int(entry_id): bytes.fromhex(commitment) for entry_id, _, commitment in pairs}


def _note(entries: str, *, why: Why, now: datetime) -> None:
    proof = prove(removal_body(at=now, why=why, entries=entries))
    db.session.add(AccessLogRemoval(at=now, why=why, entries=entries, proof=proof))
