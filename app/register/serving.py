"""Serving at the desk: an accepted scan opens five minutes with one patron, at the terminal where it was scanned."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update

from app.register.access_log import write_down
from app.register.scans import Terminal
from app.register.tables import Patron, PresentedStep
from app.register.transaction import direct_connection
from app.rules.errors import RuleBroken
from app.rules.scan import SESSION_SECONDS

PURPOSE = "counter"
_LONGEST = timedelta(minutes=30)


class NobodyServed(RuleBroken):
    """The five minutes are over, or they are another terminal's."""

    code = "nobody-served"


@dataclass(frozen=True, slots=True)
class Served:
    """The patron before the desk."""

    patron_id: int
    name: str
    card_number: str


def serve(*, session: str, terminal: Terminal, fields: str, acting: bool, now: datetime) -> Served:
    """Return whom a scan's session names at this terminal, and write down the look before that.

    Each act gives five minutes more, up to half an hour after the scan; looking alone gives none. Raises NobodyServed.
    """
    step = PresentedStep
    with direct_connection() as connection:
        row = connection.execute(
            select(step.credential_id, step.step, step.presented_at, Patron.id, Patron.name, Patron.card_number)
            .join(Patron, Patron.id == step.patron_id)
            .where(step.session == session, step.terminal == terminal.scope, step.expires_at > now)
        ).first()
        if row is None:
            raise NobodyServed
        if acting:
            until = min(now + timedelta(seconds=SESSION_SECONDS), row.presented_at + _LONGEST)
            taken = (step.credential_id == row.credential_id) & (step.step == row.step)
            connection.execute(update(step).where(taken).values(expires_at=until))
    write_down(patron_id=row.id, looker=terminal.looker, purpose=PURPOSE, fields=fields, now=now)
    return Served(patron_id=row.id, name=row.name, card_number=row.card_number)
