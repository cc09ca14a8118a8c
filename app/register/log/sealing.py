"""Sealing the access log: entries and removals get their link in the chain.

One process at a time does it, a few seconds after they were written, so that no request waits for the chain.
"""

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import Connection, Row, exists, func, insert, select, update

from app.register.log import proofs
from app.register.store.transaction import db, writing
from app.register.tables.log import AccessLogEntry, AccessLogHead, AccessLogLink, AccessLogRemoval

BATCH: Final = 1000
_LATE_COMERS: Final = 10_000
"""An id is drawn before the commit: how many ids before the newest are searched every time."""


def seal(*, batch: int = BATCH, everything: bool = False) -> int:
    """Seal up to `batch` entries and as many removals, commit, and return how many that were.

    0 where another process is sealing. `everything` also searches for entries that were committed very late.
    """
    with writing():
        connection = db.session.connection()
        head = connection.execute(
            select(AccessLogHead.__table__).where(AccessLogHead.id == 1).with_for_update(skip_locked=True)
        ).first()
        return _seal(connection, head, batch=batch, everything=everything) if head is not None else 0


def seal_all() -> None:
    """Seal all there is: the newest first, then those that were committed late."""
    while seal():
        pass
    while seal(everything=True):
        pass


def _seal(connection: Connection, head: Row[Any], *, batch: int, everything: bool) -> int:
    last = connection.execute(
        select(func.max(AccessLogLink.seq), func.max(AccessLogLink.entry_id), func.max(AccessLogLink.removal_id))
    ).one()
    # Links that somebody deleted stay a gap, and are found.
    seq, link = max(head.seq, last[0] or 0), head.link
    links = []
    for name, key, commitment in (
        *_entries(connection, head, after=_from(last[1], everything=everything), batch=batch),
        *_removals(connection, after=_from(last[2], everything=everything), batch=batch),
    ):
        seq += 1
        link = proofs.link_after(link, seq=seq, name=f"{name} {key}", commitment=commitment)
        ids = {"entry_id": None, "removal_id": None, f"{name}_id": key}
        links.append({"seq": seq, **ids, "commitment": commitment, "link": link})
    if links:
        connection.execute(insert(AccessLogLink), links)
        # A head that somebody changed gets no valid proof.
        body = proofs.head_body(seq=seq, link=link, unproved_to=head.unproved_to)
        proof = proofs.prove(body) if is_right(head) else b""
        connection.execute(update(AccessLogHead).values(seq=seq, link=link, proof=proof))
    return len(links)


def is_right(head: Row[Any]) -> bool:
    """Tell whether the register itself wrote the head of the chain."""
    if head.proof is None:
        return bool(head.seq == 0 and head.link == proofs.FIRST_LINK)
    return proofs.is_proved(proofs.head_body(seq=head.seq, link=head.link, unproved_to=head.unproved_to), head.proof)


def _from(last: int | None, *, everything: bool) -> int:
    return 0 if everything or last is None else last - _LATE_COMERS


def _entries(connection: Connection, head: Row[Any], *, after: int, batch: int) -> Iterator[tuple[str, int, bytes]]:
    table = AccessLogEntry.__table__
    unsealed = ~exists().where(AccessLogLink.entry_id == table.c.id)
    rows = connection.execute(select(table).where(table.c.id > after, unsealed).order_by(table.c.id).limit(batch)).all()
    for row in rows:
        body, proof = proofs.body_of(**row._asdict()), row.proof
        if proof is None and row.id <= head.unproved_to:
            proof = proofs.prove(body)
            connection.execute(update(AccessLogEntry).where(AccessLogEntry.id == row.id).values(proof=proof))
        yield "entry", row.id, proofs.commit_to(body, proof)


def _removals(connection: Connection, *, after: int, batch: int) -> Iterator[tuple[str, int, bytes]]:
    table = AccessLogRemoval.__table__
    unsealed = ~exists().where(AccessLogLink.removal_id == table.c.id)
    rows = connection.execute(select(table).where(table.c.id > after, unsealed).order_by(table.c.id).limit(batch)).all()
    for row in rows:
        body = proofs.removal_body(at=row.at, why=row.why, entries=row.entries)
        yield "removal", row.id, proofs.commit_to(body, row.proof)
