"""Visits: five minutes with one patron at one terminal, opened there by a scan, or without a code after a look-up."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, select, update
from sqlalchemy.orm import InstrumentedAttribute, aliased

from app.register.desk.lookup import PURPOSE as LOOK_UP
from app.register.desk.showings import count_looked_up
from app.register.log.access_log import Terminal, Viewer, log_access
from app.register.patron.card_status import COLUMNS, status_of
from app.register.patron.patrons import NotJoined
from app.register.store.transaction import autonomous, db, savepoint, writing
from app.register.tables.devices import PresentedStep
from app.register.tables.log import AccessLogEntry
from app.register.tables.patrons import Affiliation, DeskVisit, Patron
from app.rules.card.scan import SESSION_SECONDS
from app.rules.card.status import CardStatus
from app.rules.clocks import LEEWAY
from app.rules.errors import RuleBroken

PURPOSE = "counter"
_LONGEST = timedelta(minutes=30)
_FOUND_FOR = timedelta(minutes=10)


class NoOpenVisit(RuleBroken):
    """The visit has expired, or is another terminal's."""


class NotLookedUp(RuleBroken):
    """This staff member has not looked the patron up within the last ten minutes."""


class WasOpened(RuleBroken):
    """A visit with this session was opened before."""


@dataclass(frozen=True, slots=True)
class OpenVisit:
    """The patron at the desk. A patron who was `looked_up` showed no code, but photo id or a plastic card.

    `in_full`: the desk may see more than the minimum, of a patron who joined the library, is not frozen, and not
    reported dead.
    """

    patron_id: int
    name: str
    card_number: str
    activated_here: bool
    in_full: bool
    looked_up: bool
    status: CardStatus

    def check_in_use(self, library_id: str) -> None:
        """Raise NotJoined or CardRefused where nothing may be lent on the card at this library."""
        if not self.activated_here:
            raise NotJoined
        self.status.check_in_use(library_id)

    def check_not_at_rest(self) -> None:
        """Raise NotJoined or CardRefused where the library may not even settle the card's fees."""
        if not self.activated_here:
            raise NotJoined
        self.status.check_not_at_rest()


def draw_session() -> str:
    """Return a random session for a visit that is to be opened."""
    return secrets.token_urlsafe(24)


def open_visit(*, patron_id: int, terminal: Terminal, now: datetime, session: str | None = None) -> str:
    """Open five minutes with a patron at this terminal, as a scan does, and return the session.

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
    """Open a visit with a patron whom this staff member has looked up. Raises NotLookedUp for anybody else."""
    if not _was_looked_up(patron_id=patron_id, viewer=terminal.viewer, now=now):
        raise NotLookedUp
    with writing():
        count_looked_up(library_id=terminal.library_id, now=now)
        return open_visit(patron_id=patron_id, terminal=terminal, now=now)


def was_opened(*, session: str, terminal: Terminal) -> bool:
    """Return whether a visit with this session was opened at this terminal."""
    visit = select(DeskVisit.session).where(DeskVisit.session == session, DeskVisit.terminal == terminal.scope)
    with autonomous() as connection:
        return connection.execute(visit).first() is not None


def find_card_number(*, session: str, terminal: Terminal, now: datetime) -> str | None:
    """Return the card number of an open visit, to be compared and not shown: it is no access that is logged."""
    with autonomous() as connection:
        for opened in (PresentedStep, DeskVisit):
            if row := _find(connection, opened, session=session, terminal=terminal, now=now):
                return str(row.card_number)
    return None


def _was_looked_up(*, patron_id: int, viewer: Viewer, now: datetime) -> bool:
    seen = AccessLogEntry
    found = select(seen.id).where(
        seen.patron_id == patron_id,
        seen.at > now - _FOUND_FOR,
        seen.purpose == LOOK_UP,
        seen.role == viewer.role,
        seen.actor == viewer.actor,
        seen.library_id == viewer.library_id,
    )
    with autonomous() as connection:
        return connection.execute(found.limit(1)).first() is not None


def use_visit(
    *, session: str, terminal: Terminal, fields: str, extend: bool, now: datetime, minimum: str | None = None
) -> OpenVisit:
    """Return the visit that a session names at this terminal; the access is logged.

    `fields` is what is shown of the patron, or `minimum`, where that is less, of one who may not be seen in full.
    With `extend`, as for each act, the visit lasts five minutes more, half an hour in all at most. Raises NoOpenVisit.
    """
    with autonomous() as connection:
        row, looked_up = _find(connection, PresentedStep, session=session, terminal=terminal, now=now), False
        if row is None:
            row, looked_up = _find(connection, DeskVisit, session=session, terminal=terminal, now=now), True
        if row is None:
            raise NoOpenVisit
        if extend:
            until = min(now + timedelta(seconds=SESSION_SECONDS), row.began_at + _LONGEST)
            opened = DeskVisit if looked_up else PresentedStep
            connection.execute(update(opened).where(opened.session == session).values(expires_at=until))
    status = status_of(row)
    in_full = bool(row.here) and not status.at_rest
    shown = fields if in_full or minimum is None else minimum
    log_access(patron_id=row.id, viewer=terminal.viewer, purpose=PURPOSE, fields=shown, now=now)
    return OpenVisit(row.id, row.name, row.card_number, bool(row.here), in_full, looked_up, status)


def _find(
    connection: Connection, opened: type[PresentedStep | DeskVisit], *, session: str, terminal: Terminal, now: datetime
) -> Any:  # noqa: ANN401 - a row
    here = aliased(Affiliation)
    began_at: InstrumentedAttribute[datetime] = (
        DeskVisit.opened_at if opened is DeskVisit else PresentedStep.presented_at
    )
    open_here: ColumnElement[bool] = (opened.session == session) & (opened.terminal == terminal.scope)
    patron = (Patron.id, Patron.name, Patron.card_number, *COLUMNS)
    return connection.execute(
        select(*patron, began_at.label("began_at"), here.library_id.label("here"))
        .select_from(opened)
        .join(Patron, Patron.id == opened.patron_id)
        .join(here, (here.patron_id == Patron.id) & (here.library_id == terminal.library_id), isouter=True)
        .where(open_here, opened.expires_at > now, began_at <= now + LEEWAY)
    ).first()
