"""What a library's system may fetch of a patron: everything where the patron has joined the library, else a minimum."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import aliased

from app.register.access_log import Looker, write_down
from app.register.budgets import take_tries
from app.register.tables import Affiliation, Library, Patron
from app.register.transaction import direct_connection
from app.rules.ages import AgeBand, age_band, day_in_norway
from app.rules.errors import RuleBroken
from app.rules.pin import Budget

PURPOSE = "fetch"
_FETCHES = Budget("patron fetches", limit=5000, seconds=3600)
_MINIMUM = "name, age band, home library"
_EVERYTHING = "name, birth date, gender, address, phone, e-mail, preferred contact, home library"


class NoSuchPatron(RuleBroken):
    """No patron has this card number."""

    code = "no-such-patron"


@dataclass(frozen=True, slots=True)
class Details:
    """What only a library that the patron has joined is told. A hidden address is nowhere in the register."""

    birth_date: date
    gender: str
    address: str | None
    postcode: str | None
    place: str | None
    phone: str | None
    email: str | None
    preferred_contact: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """A patron as a library's system gets it; `details` is None where it is told the minimum only."""

    card_number: str
    name: str
    age_band: AgeBand
    home_library_id: str
    home_library: str
    card_state: str
    details: Details | None


def fetch_patron(*, card_number: str, looker: Looker, library_id: str, now: datetime) -> Fetched:
    """Return a patron to a library's system, after the look is written down.

    Of a patron who froze the card every library gets the minimum (GDPR art. 18). A stolen login is slowed to five
    thousand an hour. Raises NoSuchPatron or TooManyAttempts.
    """
    take_tries(tries=[(_FETCHES, looker.actor)], now=now)
    here = aliased(Affiliation)
    joined = (here.patron_id == Patron.id) & (here.library_id == library_id) & Patron.frozen_at.is_(None)
    with direct_connection() as connection:
        row = connection.execute(
            select(Patron.__table__, Library.name.label("home_library"), here.library_id.label("joined"))
            .join(Library, Library.id == Patron.home_library_id)
            .join(here, joined, isouter=True)
            .where(Patron.card_number == card_number)
        ).first()
    if row is None:
        raise NoSuchPatron
    write_down(
        patron_id=row.id,
        looker=looker,
        purpose=PURPOSE,
        fields=_EVERYTHING if row.joined else _MINIMUM,
        now=now,
    )
    details = Details(
        birth_date=row.birth_date,
        gender=row.gender,
        address=row.address,
        postcode=row.postcode,
        place=row.place,
        phone=row.phone,
        email=row.email,
        preferred_contact=row.preferred_contact,
    )
    return Fetched(
        card_number=row.card_number,
        name=row.name,
        age_band=age_band(birth_date=row.birth_date, day=day_in_norway(now)),
        home_library_id=row.home_library_id,
        home_library=row.home_library,
        card_state=row.card_state,
        details=details if row.joined else None,
    )
