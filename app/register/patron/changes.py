"""Changes of a patron: the version grows, and each library's system gets a notice."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, select, text

from app.register.keys.vault import vault
from app.register.store.transaction import db
from app.register.tables.columns import UtcInstant
from app.register.tables.library import LibraryNotice
from app.register.tables.patrons import Affiliation, Patron

JOINED, CHANGED, RENUMBERED, LEFT, ERASED = "joined", "changed", "renumbered", "left", "erased"
GONE = (LEFT, ERASED)
NUMBER_COLUMN = "library_notices.sealed_number"

# The row stays locked until the commit, so that notices become visible in their order. An idle queue is due from now
# on; one that is paused or leased keeps its time.
_TAKE_NUMBER = text("""
    INSERT INTO library_queues (library_id, last_seq, purged_seq, attempts, due_at)
    VALUES (:library_id, 1, 0, 0, :now)
    ON CONFLICT (library_id) DO UPDATE
    SET last_seq = library_queues.last_seq + 1, due_at = COALESCE(library_queues.due_at, excluded.due_at)
    RETURNING last_seq
""").bindparams(bindparam("now", type_=UtcInstant))

_HOLD = text("""
    INSERT INTO library_queues (library_id, last_seq, purged_seq, attempts) VALUES (:library_id, 0, 0, 0)
    ON CONFLICT (library_id) DO UPDATE SET last_seq = library_queues.last_seq
""")


@dataclass(frozen=True, slots=True)
class Charge:
    """A library charges for a card that it replaced. `staff` is the user name of who handed it out."""

    library_id: str
    staff: str


def hold_queue(*, library_id: str) -> None:
    """Lock a library's queue until this transaction ends: before its first patron, where it makes several."""
    db.session.execute(_HOLD, {"library_id": library_id})


def lock_queues(*, patron_id: int, library_ids: Iterable[str] = ()) -> None:
    """Lock the queues of a patron's libraries, and of `library_ids`, until this transaction ends.

    Call it before several changes of a patron in one transaction: `note_change` locks in one order within one change
    alone, so that two such transactions could deadlock.
    """
    joined = db.session.scalars(select(Affiliation.library_id).where(Affiliation.patron_id == patron_id))
    for library_id in sorted({*joined, *library_ids}):
        hold_queue(library_id=library_id)


def note_change(
    *,
    patron: Patron,
    now: datetime,
    kind: str = CHANGED,
    library_ids: Iterable[str] | None = None,
    former_number: str | None = None,
    erasure_id: int | None = None,
    charge: Charge | None = None,
) -> None:
    """Increment a patron's version and queue a notice to each library of theirs, or to `library_ids` alone.

    Call it in the transaction of the change. `former_number` is the card number by which the libraries know the patron
    until they have read the notice (RENUMBERED, LEFT, ERASED). `charge` is for the library that replaced the card.
    """
    patron.version += 1
    if library_ids is None:
        library_ids = db.session.scalars(select(Affiliation.library_id).where(Affiliation.patron_id == patron.id))
    # In one order, so that two changes never deadlock.
    for library_id in sorted(library_ids):
        db.session.add(
            LibraryNotice(
                library_id=library_id,
                seq=db.session.execute(_TAKE_NUMBER, {"library_id": library_id, "now": now}).scalar_one(),
                patron_id=patron.id,
                patron_version=patron.version,
                kind=kind,
                sealed_number=vault.seal(former_number.encode(), column=NUMBER_COLUMN) if former_number else None,
                asked_at=now,
                due_at=now,
                attempts=0,
                erasure_id=erasure_id,
                charged_by=charge.staff if charge and charge.library_id == library_id else None,
            )
        )
