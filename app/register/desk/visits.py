"""Opening a visit without a code: the patron was looked up, and photo id or a plastic card showed who it is."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import select

from app.register.desk.lookup import PURPOSE
from app.register.log.access_log import Terminal, Viewer
from app.register.store.transaction import autonomous, db, savepoint, writing
from app.register.tables.log import AccessLogEntry
from app.register.tables.patrons import DeskVisit
from app.rules.card.scan import SESSION_SECONDS
from app.rules.errors import RuleBroken

FOUND_FOR = timedelta(minutes=10)


class NotLookedUp(RuleBroken):
    """This staff member has not looked the patron up within the last ten minutes."""


class WasOpened(RuleBroken):
    """A visit by this name was opened before."""


def draw_session() -> str:
    """Return a word by which a visit can be named before it is opened."""
    return secrets.token_urlsafe(24)


def open_visit(*, patron_id: int, terminal: Terminal, now: datetime, session: str | None = None) -> str:
    """Open five minutes with a patron at this terminal, as a scan does. Returns the session that names them.

    A `session` that was drawn before is opened once. Raises WasOpened the second time.
    """
    name = session or draw_session()
    with savepoint({"pk_desk_visits": WasOpened}):
        db.session.add(
            DeskVisit(
                session=name,
                patron_id=patron_id,
                library_id=terminal.library_id,
                terminal=terminal.scope,
                opened_at=now,
                expires_at=now + timedelta(seconds=SESSION_SECONDS),
            )
        )
    return name


def open_visit_of_hit(*, patron_id: int, terminal: Terminal, now: datetime) -> str:
    """Open a visit of somebody whom this staff member has found. Raises NotLookedUp for anybody else."""
    if not _was_looked_up(patron_id=patron_id, viewer=terminal.viewer, now=now):
        raise NotLookedUp
    with writing():
        return open_visit(patron_id=patron_id, terminal=terminal, now=now)


def was_opened(*, session: str, terminal: Terminal) -> bool:
    """Tell whether a visit by this name was opened at this terminal."""
    visit = select(DeskVisit.session).where(DeskVisit.session == session, DeskVisit.terminal == terminal.scope)
    with autonomous() as connection:
        return connection.execute(visit).first() is not None


def _was_looked_up(*, patron_id: int, viewer: Viewer, now: datetime) -> bool:
    seen = AccessLogEntry
    found = select(seen.id).where(
        seen.patron_id == patron_id,
        seen.at > now - FOUND_FOR,
        seen.purpose == PURPOSE,
        seen.role == viewer.role,
        seen.actor == viewer.actor,
        seen.library_id == viewer.library_id,
    )
    with autonomous() as connection:
        return connection.execute(found.limit(1)).first() is not None
