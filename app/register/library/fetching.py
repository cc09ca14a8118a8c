"""What a library's system gets of a patron: everything where the patron has joined the library.

A minimum of a patron who is there now, or who joined but froze the card or is reported dead; of a stranger, that the
number exists; of a card that only another library takes, nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Row, select

from app.register.library.strangers import count_stranger
from app.register.limits.budgets import take_tries
from app.register.log.access_log import Viewer, log_access, log_access_in_transaction
from app.register.messages.reminders import COLUMNS as CHOICES
from app.register.messages.reminders import choices_in, for_libraries
from app.register.patron.card_status import is_taken_at, status_of
from app.register.patron.numbers import PatronGone, is_gone
from app.register.patron.patrons import NoSuchPatron, has_national_id
from app.register.patron.presence import has_joined, is_present, was_notified
from app.register.patron.proven import EMAIL, LETTER, SMS, unproven_channels
from app.register.store.transaction import autonomous, db
from app.register.tables.library import Library
from app.register.tables.patrons import Affiliation, Patron
from app.register.tables.reminders import ReminderChoice
from app.rules.card.status import CardRefused, State
from app.rules.people.ages import AgeBand, age_band, day_in_norway
from app.rules.people.fields import FIELDS, Editor, log_words
from app.rules.people.national_id import NationalId
from app.rules.pins.pin import Budget

PURPOSE = "fetch"
FINDS = Budget("national id finds", limit=600, seconds=3600)
"""An answer shows who has a card, so a library may only ask some hundred times an hour."""
FETCHES = Budget("patron fetches", limit=5000, seconds=3600)
_NUMBER = "card number"
_MINIMUM = "name, age band, home library"
_Row = Row[tuple[object]]
_DETAILS = [field.name for field in FIELDS if Editor.SYSTEM in field.editors and field.name != "name"]


@dataclass(frozen=True, slots=True)
class Minimum:
    """A patron who is there, for a library. `card_state`: active, lost, frozen, deceased. Changes raise `version`."""

    name: str
    age_band: AgeBand
    home_library_id: str
    home_library: str
    card_state: str
    version: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """A patron as a library's system gets it. `minimum` is None for a stranger.

    `details` is what only a library that the patron has joined gets: the declared fields by name, for an address
    whether it is proven, when the card was last used there, and what the patron wants to be reminded of. None where the
    patron has not joined that library, froze the card, or is reported dead.
    A hidden address is nowhere in the register.
    """

    card_number: str
    activated_here: bool
    minimum: Minimum | None
    details: Mapping[str, object] | None


def fetch_patron(*, card_number: str, viewer: Viewer, library_id: str, now: datetime) -> Fetched:
    """Return a patron to a library's system, after the access is logged.

    A login may ask 5,000 times an hour, and about few strangers. Raises NoSuchPatron, PatronGone, TooManyAttempts or
    AccessNotLogged.
    """
    take_tries(tries=[(FETCHES, viewer.actor)], now=now)
    fetched = _fetch(Patron.card_number == card_number, viewer=viewer, library_id=library_id, now=now)
    if fetched is None:
        raise PatronGone if is_gone(card_number) else NoSuchPatron
    return fetched


def find_patron(*, national_id: NationalId, viewer: Viewer, library_id: str, now: datetime) -> Fetched:
    """Return a patron as `fetch_patron`, within the FINDS. Raises NoSuchPatron, TooManyAttempts or AccessNotLogged."""
    take_tries(tries=[(FINDS, library_id)], now=now)
    fetched = _fetch(has_national_id(national_id), viewer=viewer, library_id=library_id, now=now)
    if fetched is None:
        raise NoSuchPatron
    return fetched


def fetch_by_id(*, patron_id: int, viewer: Viewer, library_id: str, purpose: str, now: datetime) -> Fetched | None:
    """Return a patron after the access is logged; None where only another library takes the card.

    Raises TooManyAttempts or AccessNotLogged.
    """
    return _fetch(Patron.id == patron_id, viewer=viewer, library_id=library_id, purpose=purpose, now=now)


def show_patron(
    *, patron_id: int, viewer: Viewer, library_id: str, purpose: str, now: datetime, papers: str = ""
) -> Fetched:
    """Return a patron for the response to an act, as the request's transaction has them, which logs the access too.

    `papers` are those by which the act was done, a word of the log. Raises NoSuchPatron or AccessNotLogged.
    """
    row = _read_in_transaction(patron_id, library_id=library_id, now=now)
    fields = f"{papers}, {_fields(row)}" if papers else _fields(row)
    log_access_in_transaction(patron_id=patron_id, viewer=viewer, purpose=purpose, fields=fields, now=now)
    return _as_fetched(row, now=now)


def read_patron(*, patron_id: int, library_id: str, now: datetime) -> Fetched:
    """Return a patron as the request's transaction has them, without logging, for a comparison. Raises NoSuchPatron."""
    return _as_fetched(_read_in_transaction(patron_id, library_id=library_id, now=now), now=now)


def fetch_again(*, patron_id: int, viewer: Viewer, library_id: str, now: datetime) -> Fetched:
    """Return a patron for a repeated request; the transaction logs the access.

    Raises PatronGone, CardRefused where only another library takes the card by now, or AccessNotLogged.
    """
    row = _read(db.session.connection(), Patron.id == patron_id, library_id=library_id, now=now)
    if row is None:
        is_there = db.session.scalar(select(Patron.id).where(Patron.id == patron_id)) is not None
        raise CardRefused(State.LOCAL) if is_there else PatronGone
    log_access_in_transaction(patron_id=patron_id, viewer=viewer, purpose=PURPOSE, fields=_fields(row), now=now)
    return _as_fetched(row, now=now)


def _fetch(
    condition: ColumnElement[bool], *, viewer: Viewer, library_id: str, now: datetime, purpose: str = PURPOSE
) -> Fetched | None:
    with autonomous() as connection:
        row = _read(connection, condition, library_id=library_id, now=now)
    if row is None or not (row.known or row.was_notified):
        count_stranger(library_id=library_id, now=now)
    if row is None:
        return None
    log_access(patron_id=row.id, viewer=viewer, purpose=purpose, fields=_fields(row), now=now)
    return _as_fetched(row, now=now)


def _read_in_transaction(patron_id: int, *, library_id: str, now: datetime) -> _Row:
    db.session.flush()
    row = _read(db.session.connection(), Patron.id == patron_id, library_id=library_id, now=now)
    if row is None:
        raise NoSuchPatron
    return row


def _read(connection: Connection, condition: ColumnElement[bool], *, library_id: str, now: datetime) -> _Row | None:
    joined = has_joined(library_id)
    here = (Affiliation.patron_id == Patron.id) & (Affiliation.library_id == library_id)
    last_used = select(Affiliation.last_used_month).where(here).correlate(Patron).scalar_subquery()
    return connection.execute(
        select(
            Patron.__table__,
            Library.name.label("home_library"),
            joined.label("joined"),
            (joined | is_present(library_id, now=now)).label("known"),
            was_notified(library_id).label("was_notified"),
            last_used.label("last_used_month"),
            *CHOICES,
        )
        .join(Library, Library.id == Patron.home_library_id)
        .join(ReminderChoice, ReminderChoice.patron_id == Patron.id, isouter=True)
        .where(condition, is_taken_at(library_id))
    ).first()


def _is_in_full(row: _Row) -> bool:
    return bool(row.joined) and not status_of(row).at_rest


def _fields(row: _Row) -> str:
    if _is_in_full(row):
        return log_words()
    return _MINIMUM if row.known else _NUMBER


def _as_fetched(row: _Row, *, now: datetime) -> Fetched:
    minimum = Minimum(
        name=row.name,
        age_band=age_band(birth_date=row.birth_date, day=day_in_norway(now)),
        home_library_id=row.home_library_id,
        home_library=row.home_library,
        card_state=status_of(row).state,
        version=row.version,
    )
    unproven = unproven_channels(row)
    details = {name: getattr(row, name) for name in _DETAILS} | {
        "email_proven": row.email is not None and EMAIL not in unproven,
        "phone_proven": row.phone is not None and SMS not in unproven,
        "address_proven": row.address is not None and LETTER not in unproven,
        "last_used_month": row.last_used_month,
        "reminders": for_libraries(choices_in(row._mapping)),
    }
    return Fetched(
        card_number=row.card_number,
        activated_here=bool(row.joined),
        minimum=minimum if row.known else None,
        details=details if _is_in_full(row) else None,
    )
