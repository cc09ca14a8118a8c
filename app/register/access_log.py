"""Who looked at a patron. The line is on disk before the answer is served; without it there is no answer."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert

from app.register.tables import AccessLogEntry
from app.register.transaction import direct_connection


@dataclass(frozen=True, slots=True)
class Looker:
    """Who looks: `role` is staff, kiosk, system or guardian; `actor` tells the library which of them."""

    role: str
    actor: str
    library_id: str | None


def write_down(*, patron_id: int, looker: Looker, purpose: str, fields: str, now: datetime) -> None:
    """Write one line to the access log and commit it. `fields` names what was shown, never its values."""
    write_down_list(patron_ids=[patron_id], looker=looker, purpose=purpose, fields=fields, now=now)


def write_down_list(*, patron_ids: Iterable[int], looker: Looker, purpose: str, fields: str, now: datetime) -> None:
    """Write one line for each patron of a list that is to be shown, all or none, and commit them."""
    write_down_all(patrons=dict.fromkeys(sorted(set(patron_ids)), fields), looker=looker, purpose=purpose, now=now)


def write_down_all(*, patrons: Mapping[int, str], looker: Looker, purpose: str, now: datetime) -> None:
    """Write one line for each patron, all or none, and commit them. `patrons` gives the fields shown of each."""
    told = {"library_id": looker.library_id, "role": looker.role, "actor": looker.actor, "purpose": purpose, "at": now}
    lines = [told | {"patron_id": patron_id, "fields": fields} for patron_id, fields in patrons.items()]
    if lines:
        with direct_connection() as connection:
            connection.execute(insert(AccessLogEntry).values(lines))
