"""Who has had access to a patron's data, as shown to that patron."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from app.register.store.transaction import db
from app.register.tables.library import Library
from app.register.tables.log import AccessLogEntry
from app.register.tables.patrons import FamilyPermission


@dataclass(frozen=True, slots=True)
class ShownAccess:
    """One access: when (UTC), at which library, in which role, for which purpose, to which fields.

    `guardian` is the card number to which the patron gave permission, while the permission stands.
    """

    at: datetime
    library: str | None
    role: str
    purpose: str
    fields: tuple[str, ...]
    guardian: str | None


def count_accesses(*, patron_id: int) -> int:
    """Return how many accesses to the patron's data are on record."""
    return db.session.scalar(select(func.count()).where(AccessLogEntry.patron_id == patron_id)) or 0


def list_accesses(*, patron_id: int, limit: int | None = None, offset: int = 0) -> Sequence[ShownAccess]:
    """Return the accesses to a patron's data, newest first."""
    entry = AccessLogEntry
    rows = db.session.execute(
        select(entry.at, Library.name, entry.role, entry.purpose, entry.fields, entry.actor)
        .join(Library, Library.id == entry.library_id, isouter=True)
        .where(entry.patron_id == patron_id)
        .order_by(entry.at.desc(), entry.id.desc())
        .limit(limit)
        .offset(offset)
    ).all()
    guardians = _guardians(patron_id)
    return [
        ShownAccess(
            at, library, role, purpose, tuple(fields.split(", ")), guardians.get(actor) if role == "guardian" else None
        )
        for at, library, role, purpose, fields, actor in rows
    ]


def _guardians(patron_id: int) -> dict[str, str]:
    given = select(FamilyPermission.guardian_id, FamilyPermission.guardian_card_number)
    rows = db.session.execute(given.where(FamilyPermission.patron_id == patron_id))
    return {str(guardian_id): number for guardian_id, number in rows}
