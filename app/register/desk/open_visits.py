"""Open visits: a scan or a look-up opens five minutes with one patron, at the terminal where it was made."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, select, update
from sqlalchemy.orm import InstrumentedAttribute, aliased

from app.register.log.access_log import Terminal, log_access
from app.register.patron.card_status import COLUMNS, status_of
from app.register.patron.patrons import NotJoined
from app.register.store.transaction import autonomous
from app.register.tables.devices import PresentedStep
from app.register.tables.patrons import Affiliation, DeskVisit, Patron
from app.rules.card.scan import SESSION_SECONDS
from app.rules.card.status import CardStatus
from app.rules.clocks import LEEWAY
from app.rules.errors import RuleBroken

PURPOSE = "counter"
_LONGEST = timedelta(minutes=30)


class NoOpenVisit(RuleBroken):
    """The five minutes are over, or they are another terminal's."""


@dataclass(frozen=True, slots=True)
class OpenVisit:
    """The patron before the desk. Who was `looked_up` showed no code: photo id or a plastic card says who it is.

    `in_full` tells whether the desk may see more than the minimum: of who joined the library, is
    not frozen, and not reported dead.
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
        """Raise NotJoined or CardRefused where the library may not even settle what the card owes it."""
        if not self.activated_here:
            raise NotJoined
        self.status.check_not_at_rest()


def use_visit(
    *, session: str, terminal: Terminal, fields: str, extend: bool, now: datetime, minimum: str | None = None
) -> OpenVisit:
    """Return the visit that a session names at this terminal; the access is logged.

    `fields` is what is shown of the patron, or `minimum`, where that is less, of one who may not be seen in full.
    Each act gives five minutes more, up to half an hour after the scan or look-up; looking alone gives none.
    Raises NoOpenVisit.
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
    connection: Connection,
    opened: type[PresentedStep] | type[DeskVisit],
    *,
    session: str,
    terminal: Terminal,
    now: datetime,
) -> Any:  # noqa: ANN401 - a row
    here = aliased(Affiliation)
    began_at: InstrumentedAttribute[datetime] = (
        DeskVisit.opened_at if opened is DeskVisit else PresentedStep.presented_at
    )
    open_here: ColumnElement[bool] = (opened.session == session) & (opened.terminal == terminal.scope)
    return connection.execute(
        select(
            Patron.id,
            Patron.name,
            Patron.card_number,
            *COLUMNS,
            began_at.label("began_at"),
            here.library_id.label("here"),
        )
        .select_from(opened)
        .join(Patron, Patron.id == opened.patron_id)
        .join(here, (here.patron_id == Patron.id) & (here.library_id == terminal.library_id), isouter=True)
        .where(open_here, opened.expires_at > now, began_at <= now + LEEWAY)
    ).first()
