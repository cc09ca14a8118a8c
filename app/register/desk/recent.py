"""Whom a desk has just served: for ten minutes, so that a visit that was ended by mistake can be opened again.

Nothing is stored for it: the desk's own cookie has the random words of its last visits, and each visit is kept for a
day anyway.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select

from app.register.desk.visits import open_visit
from app.register.log.access_log import Terminal, log_access, log_list_access
from app.register.patron.card_status import COLUMNS, status_of
from app.register.store.transaction import autonomous, writing
from app.register.tables.devices import PresentedStep
from app.register.tables.patrons import DeskVisit, Patron
from app.rules.card.scan import SESSION_SECONDS
from app.rules.errors import RuleBroken

LISTED: Final = "recently served"
OPENED_AGAIN: Final = "served again"
RECENT_FOR: Final = timedelta(minutes=10)
MOST: Final = 5
# A visit expires five minutes after it was used.
_AFTER_EXPIRY: Final = RECENT_FOR - timedelta(seconds=SESSION_SECONDS)


class NotRecent(RuleBroken):
    """The visit was used more than ten minutes ago, or is another terminal's."""


@dataclass(frozen=True, slots=True)
class Recent:
    """A patron whom this desk has just served. The name is shown until then (UTC)."""

    session: str
    patron_id: int
    name: str
    until: datetime


def list_recent(
    *, sessions: Sequence[str], listed: Collection[str], open_session: str | None, terminal: Terminal, now: datetime
) -> list[Recent]:
    """Return the last five patrons of these visits, in the order given; not who is served now in `open_session`.

    That the name stands in the list is logged once for each visit: not again for those in `listed`.
    """
    rows = _find([*sessions, *filter(None, [open_session])], terminal=terminal, now=now)
    served = rows[open_session].id if open_session in rows else None
    found: dict[int, Recent] = {}
    for session in sessions:
        row = rows.get(session)
        if row is not None and row.id != served and row.id not in found:
            found[row.id] = Recent(session, row.id, row.name, row.expires_at + _AFTER_EXPIRY)
    recent = list(found.values())[:MOST]
    new = {each.patron_id for each in recent if each.session not in listed}
    shown = log_list_access(patron_ids=new, viewer=terminal.viewer, purpose=LISTED, fields="name", now=now)
    return [each for each in recent if each.patron_id in shown or each.session in listed]


def open_again(*, session: str, library_id: str, terminal: Terminal, now: datetime) -> str:
    """Open a visit with the patron of a recent one, and return its session. The access is logged.

    Raises NotRecent, and CardRefused where the card is not in use any more.
    """
    row = _find([session], terminal=terminal, now=now).get(session)
    if row is None:
        raise NotRecent
    status_of(row).check_in_use(library_id)
    log_access(patron_id=row.id, viewer=terminal.viewer, purpose=OPENED_AGAIN, fields="name", now=now)
    with writing():
        return open_visit(patron_id=row.id, terminal=terminal, now=now)


def _find(sessions: Sequence[str], *, terminal: Terminal, now: datetime) -> dict[str, Any]:
    """Return the patrons of those visits that this terminal used within the last ten minutes, by session."""
    found: dict[str, Any] = {}
    if not sessions:
        return found
    with autonomous() as connection:
        for visit in (PresentedStep, DeskVisit):
            rows = connection.execute(
                select(Patron.id, Patron.name, *COLUMNS, visit.session, visit.expires_at)
                .join(Patron, Patron.id == visit.patron_id)
                .where(visit.session.in_(sessions), visit.terminal == terminal.scope)
                .where(visit.expires_at > now - _AFTER_EXPIRY)
            )
            found |= {row.session: row for row in rows}
    return found
