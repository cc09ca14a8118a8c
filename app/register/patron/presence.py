"""Whether a patron is at a library now, or was a few minutes ago: what a library's machines may do depends on it."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, exists

from app.register.tables.devices import Credential, PresentedStep
from app.register.tables.library import LibraryNotice
from app.register.tables.log import AccessLogEntry
from app.register.tables.patrons import Affiliation, DeskVisit, Patron
from app.rules.card.scan import SESSION_SECONDS

PIN_CHECK: Final = "pin-check"
PIN_COUNTS: Final = timedelta(seconds=SESSION_SECONDS)
LONGEST_SESSION: Final = timedelta(minutes=30)
"""How long a scan or visit serves a patron at the most. A session that ends later is of a clock that was wrong."""


def has_joined(library_id: str) -> ColumnElement[bool]:
    """Return the condition that the patron of a statement has activated the card at this library."""
    return exists().where(Affiliation.patron_id == Patron.id, Affiliation.library_id == library_id)


def was_notified(library_id: str) -> ColumnElement[bool]:
    """Return the condition that this library was told of the patron of a statement, and that is still kept.

    Whoever left a moment ago is asked for by a system that follows its notices.
    """
    return exists().where(LibraryNotice.library_id == library_id, LibraryNotice.patron_id == Patron.id)


def is_present(library_id: str, *, now: datetime) -> ColumnElement[bool]:
    """Return the condition that the patron of a statement is served at this library now.

    Their code was scanned there, or a desk opened a visit, and that session has not expired.
    """
    until = now + LONGEST_SESSION
    scanned = exists().where(
        # By way of the credentials, whose index there is; a scan writes none for this.
        Credential.patron_id == Patron.id,
        PresentedStep.credential_id == Credential.id,
        PresentedStep.library_id == library_id,
        PresentedStep.expires_at > now,
        PresentedStep.expires_at <= until,
    )
    visits = exists().where(
        DeskVisit.patron_id == Patron.id,
        DeskVisit.library_id == library_id,
        DeskVisit.expires_at > now,
        DeskVisit.expires_at <= until,
    )
    return scanned | visits


def was_present(library_id: str, *, now: datetime) -> ColumnElement[bool]:
    """Return the condition of `is_present`, or that the patron's right PIN was entered there in the last minutes."""
    entered = exists().where(
        AccessLogEntry.patron_id == Patron.id,
        AccessLogEntry.at > now - PIN_COUNTS,
        AccessLogEntry.at <= now,
        AccessLogEntry.library_id == library_id,
        AccessLogEntry.purpose == PIN_CHECK,
    )
    return is_present(library_id, now=now) | entered
