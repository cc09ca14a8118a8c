"""Whose name stands on the slip in a copy on the hold shelf, where everybody can read it."""

from datetime import datetime

from sqlalchemy import select

from app.register.log.access_log import Viewer, log_access
from app.register.store.transaction import db, reading
from app.register.tables.library import Library
from app.register.tables.patrons import Affiliation, Patron
from app.rules.people.names import initials

PURPOSE = "hold slip"


def name_on_slip(*, card_number: str, library_id: str, viewer: Viewer, now: datetime) -> str:
    """Return initials and the card number's last four digits, or the name where the library chose that.

    The access is logged. Of a patron whom the library does not know (any more), the digits alone.
    """
    digits = card_number[-4:]
    with reading():
        row = db.session.execute(
            select(Patron.id, Patron.name, Library.names_on_slips)
            .join(Affiliation, Affiliation.patron_id == Patron.id)
            .join(Library, Library.id == Affiliation.library_id)
            .where(Patron.card_number == card_number, Affiliation.library_id == library_id)
        ).first()
    if row is None:
        return digits
    log_access(patron_id=row.id, viewer=viewer, purpose=PURPOSE, fields="name", now=now)
    return str(row.name) if row.names_on_slips else f"{initials(row.name)} {digits}"
