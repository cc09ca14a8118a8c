"""What a library's system may know of a patron: everything where the patron has joined the library.

Of somebody who is there now, and of one who joined but froze the card or is reported dead, a minimum; of a stranger no
more than that the number is somebody's; of a card that only another library takes, nothing.
"""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Connection, Row, select

from app.register.keys.vault import vault
from app.register.library.strangers import count_stranger
from app.register.limits.budgets import take_tries
from app.register.log.access_log import Viewer, log_access, log_access_in_transaction
from app.register.patron.card_status import is_taken_at, status_of
from app.register.patron.numbers import PatronGone, is_gone
from app.register.patron.patrons import NATIONAL_ID, NoSuchPatron
from app.register.patron.presence import has_joined, is_present, was_notified
from app.register.patron.proven import EMAIL, LETTER, SMS, unproven_channels
from app.register.store.transaction import autonomous, db
from app.register.tables.library import Library
from app.register.tables.patrons import NationalIdToken, Patron
from app.rules.card.status import CardRefused, State
from app.rules.people.ages import AgeBand, age_band, day_in_norway
from app.rules.people.national_id import NationalId
from app.rules.pins.pin import Budget

PURPOSE = "fetch"
FINDS = Budget("national id finds", limit=600, seconds=3600)
"""Whoever asks by national id learns who has a card, so a library asks some hundred times an hour, and no more."""
_FETCHES = Budget("patron fetches", limit=5000, seconds=3600)
_NUMBER = "card number"
_MINIMUM = "name, age band, home library"
_EVERYTHING = "name, birth date, gender, address, phone, e-mail, preferred contact, language, home library"


@dataclass(frozen=True, slots=True)
class Details:
    """What only a library that the patron has joined is told. A hidden address is nowhere in the register.

    An address is `proven` where the patron, or papers, have shown that it is theirs.
    """

    birth_date: date
    gender: str
    address: str | None
    postcode: str | None
    place: str | None
    phone: str | None
    email: str | None
    preferred_contact: str
    language: str
    email_proven: bool
    phone_proven: bool
    address_proven: bool


@dataclass(frozen=True, slots=True)
class Minimum:
    """What a library is told of who stands there. `card_state` is active, lost, frozen or deceased.

    `version` grows with each change.
    """

    name: str
    age_band: AgeBand
    home_library_id: str
    home_library: str
    card_state: str
    version: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """A patron as a library's system gets it. `minimum` is None of a stranger.

    `details` is None where the patron has not joined that library, and for a card that is frozen or whose holder is
    reported dead.
    """

    card_number: str
    activated_here: bool
    minimum: Minimum | None
    details: Details | None


def fetch_patron(*, card_number: str, viewer: Viewer, library_id: str, now: datetime) -> Fetched:
    """Return a patron to a library's system, after the look is written down.

    A stolen login is slowed to five thousand an hour, and to few numbers that are no patron's of the library. Raises
    NoSuchPatron, PatronGone, TooManyAttempts or AccessNotLogged.
    """
    take_tries(tries=[(_FETCHES, viewer.actor)], now=now)
    with autonomous() as connection:
        row = _read(connection, Patron.card_number == card_number, library_id=library_id, now=now)
    _count_if_stranger(row, library_id=library_id, now=now)
    if row is None:
        raise PatronGone if is_gone(card_number) else NoSuchPatron
    return _tell(row, viewer=viewer, now=now)


def find_patron(*, national_id: NationalId, viewer: Viewer, library_id: str, now: datetime) -> Fetched:
    """Return the patron who has this national number as `fetch_patron` does, within the library's FINDS.

    Raises NoSuchPatron, TooManyAttempts or AccessNotLogged.
    """
    take_tries(tries=[(FINDS, library_id)], now=now)
    tokens = vault.tokens(purpose=NATIONAL_ID, text=national_id.canonical).values()
    holder = select(NationalIdToken.patron_id).where(NationalIdToken.token.in_(tokens))
    with autonomous() as connection:
        row = _read(connection, Patron.id.in_(holder), library_id=library_id, now=now)
    _count_if_stranger(row, library_id=library_id, now=now)
    if row is None:
        raise NoSuchPatron
    return _tell(row, viewer=viewer, now=now)


def show_patron(
    *, patron_id: int, viewer: Viewer, library_id: str, purpose: str, now: datetime, papers: str = ""
) -> Fetched:
    """Return a patron as the request's own transaction has them, for the answer to an act; it writes the look too.

    `papers` are those by which the act was done, a word of the log. Raises NoSuchPatron or AccessNotLogged.
    """
    db.session.flush()
    row = _read(db.session.connection(), Patron.id == patron_id, library_id=library_id, now=now)
    if row is None:
        raise NoSuchPatron
    fields = f"{papers}, {_fields(row)}" if papers else _fields(row)
    log_access_in_transaction(patron_id=row.id, viewer=viewer, purpose=purpose, fields=fields, now=now)
    return _as_fetched(row, now=now)


def read_patron(*, patron_id: int, library_id: str, now: datetime) -> Fetched:
    """Return a patron as the request's own transaction has them, to compare with what a library was told before.

    It is told to nobody, so no look is written. Raises NoSuchPatron.
    """
    db.session.flush()
    row = _read(db.session.connection(), Patron.id == patron_id, library_id=library_id, now=now)
    if row is None:
        raise NoSuchPatron
    return _as_fetched(row, now=now)


def fetch_by_id(*, patron_id: int, viewer: Viewer, library_id: str, purpose: str, now: datetime) -> Fetched | None:
    """Return a patron after the look is written down; None where only another library takes the card.

    Raises TooManyAttempts or AccessNotLogged.
    """
    with autonomous() as connection:
        row = _read(connection, Patron.id == patron_id, library_id=library_id, now=now)
    _count_if_stranger(row, library_id=library_id, now=now)
    if row is None:
        return None
    return _tell(row, viewer=viewer, purpose=purpose, now=now)


def fetch_again(*, patron_id: int, viewer: Viewer, library_id: str, now: datetime) -> Fetched:
    """Return a patron of whom a library was told before, after the new look is written down with the request's work.

    Raises PatronGone, CardRefused, of a card that only another library takes by now, or AccessNotLogged.
    """
    row = _read(db.session.connection(), Patron.id == patron_id, library_id=library_id, now=now)
    if row is None:
        is_present = db.session.scalar(select(Patron.id).where(Patron.id == patron_id)) is not None
        raise CardRefused(State.LOCAL) if is_present else PatronGone
    log_access_in_transaction(patron_id=row.id, viewer=viewer, purpose=PURPOSE, fields=_fields(row), now=now)
    return _as_fetched(row, now=now)


def _read(
    connection: Connection, condition: ColumnElement[bool], *, library_id: str, now: datetime
) -> Row[tuple[object]] | None:
    joined = has_joined(library_id)
    return connection.execute(
        select(
            Patron.__table__,
            Library.name.label("home_library"),
            joined.label("joined"),
            (joined | is_present(library_id, now=now)).label("known"),
            was_notified(library_id).label("told"),
        )
        .join(Library, Library.id == Patron.home_library_id)
        .where(condition, is_taken_at(library_id))
    ).first()


def _count_if_stranger(row: Row[tuple[object]] | None, *, library_id: str, now: datetime) -> None:
    """Count who is, and was, none of the library's patrons, before anything is told. Raises TooManyAttempts."""
    if row is None or not (row.known or row.told):
        count_stranger(library_id=library_id, now=now)


def _tell(row: Row[tuple[object]], *, viewer: Viewer, now: datetime, purpose: str = PURPOSE) -> Fetched:
    log_access(patron_id=row.id, viewer=viewer, purpose=purpose, fields=_fields(row), now=now)
    return _as_fetched(row, now=now)


def _is_described(row: Row[tuple[object]]) -> bool:
    return bool(row.joined) and not status_of(row).at_rest


def _fields(row: Row[tuple[object]]) -> str:
    if _is_described(row):
        return _EVERYTHING
    return _MINIMUM if row.known else _NUMBER


def _as_fetched(row: Row[tuple[object]], *, now: datetime) -> Fetched:
    minimum = Minimum(
        name=row.name,
        age_band=age_band(birth_date=row.birth_date, day=day_in_norway(now)),
        home_library_id=row.home_library_id,
        home_library=row.home_library,
        card_state=status_of(row).state,
        version=row.version,
    )
    unproven = unproven_channels(row)
    details = Details(
        birth_date=row.birth_date,
        gender=row.gender,
        address=row.address,
        postcode=row.postcode,
        place=row.place,
        phone=row.phone,
        email=row.email,
        preferred_contact=row.preferred_contact,
        language=row.language,
        email_proven=row.email is not None and EMAIL not in unproven,
        phone_proven=row.phone is not None and SMS not in unproven,
        address_proven=row.address is not None and LETTER not in unproven,
    )
    return Fetched(
        card_number=row.card_number,
        activated_here=bool(row.joined),
        minimum=minimum if row.known else None,
        details=details if _is_described(row) else None,
    )
