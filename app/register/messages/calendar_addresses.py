"""Secret addresses from which patrons' calendars fetch their due dates. The register has a hash of each and no date."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import delete, select

from app.register.keys.vault import hash_of_random_token, vault
from app.register.limits.budgets import from_source, take_tries
from app.register.patron.card_status import is_in_use
from app.register.patron.patrons import lock_patron
from app.register.store.transaction import autonomous, db, execute_bulk
from app.register.tables.patrons import Patron
from app.register.tables.reminders import CalendarAddress
from app.rules.errors import RuleBroken
from app.rules.pins.pin import Budget

SECRET_BYTES: Final = 32
FETCHES: Final = Budget("calendar fetches", limit=30, seconds=3600)
WRONG: Final = Budget("calendar wrong source", limit=60, seconds=15 * 60)
_EVENT: Final = "calendar event"


class NoSuchCalendar(RuleBroken):
    """There is no such address: there never was, it was ended, or the card is blocked or frozen."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose calendar it is, and in which language they read."""

    patron_id: int
    language: str


def make_address(*, patron_id: int, now: datetime) -> str:
    """Return the secret of a new address; a former one ends. It is kept nowhere. Raises NoSuchPatron."""
    lock_patron(patron_id)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    end_address(patron_id=patron_id)
    address = CalendarAddress(patron_id=patron_id, token_hash=hash_of_random_token(secret), made_at=now)
    db.session.add(address)
    db.session.flush()
    return secret


def end_address(*, patron_id: int) -> None:
    """End a patron's address, if there is one."""
    execute_bulk(delete(CalendarAddress).where(CalendarAddress.patron_id == patron_id))


def made_at(*, patron_id: int) -> datetime | None:
    """Return when a patron made their address (UTC); None where they have none."""
    return db.session.scalar(select(CalendarAddress.made_at).where(CalendarAddress.patron_id == patron_id))


def find_owner(*, secret: str, address: str, now: datetime) -> Owner:
    """Return whose calendar has this secret. `address` is the network address that asks.

    Raises NoSuchCalendar, or TooManyAttempts after 30 fetches in an hour, or too many wrong secrets from one source.
    """
    is_this = CalendarAddress.token_hash == hash_of_random_token(secret)
    owner = select(Patron.id, Patron.language).join(CalendarAddress, CalendarAddress.patron_id == Patron.id)
    with autonomous() as connection:
        row = connection.execute(owner.where(is_this, is_in_use())).first()
    if row is None:
        take_tries(tries=from_source(WRONG, address), now=now)
        raise NoSuchCalendar
    take_tries(tries=[(FETCHES, str(row.id))], now=now)
    return Owner(row.id, row.language)


def event_id(*, library_id: str, loan_id: str) -> str:
    """Return what a loan's event is called in calendars: always the same, and nobody reads the loan's id out of it."""
    return vault.token(purpose=_EVENT, text=f"{library_id}:{loan_id}")[:32]
