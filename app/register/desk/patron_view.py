"""What a desk shows of the patron at the desk: a minimum, and everything where the patron has joined the library."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import func, select

from app.register.patron.card_status import status_of
from app.register.patron.patrons import NoSuchPatron, count_numbers, find_local_library
from app.register.patron.proven import unproven_channels
from app.register.sign_in.devices import ShownDevice, list_devices
from app.register.store.transaction import db
from app.register.tables.library import Library
from app.register.tables.patrons import Affiliation, Patron
from app.rules.card.status import CardStatus
from app.rules.people.ages import AgeBand, age_band, age_on, day_in_norway
from app.rules.people.contact import Contact
from app.rules.people.fields import log_words

MINIMUM: Final = "name, age band, home library, card number, card state"
IN_FULL: Final = f"{log_words()}, card, devices"


@dataclass(frozen=True, slots=True)
class FullView:
    """What only a library that the patron has joined sees. Instants are UTC.

    `unproven` are the channels (email, sms, letter) to whose address no links and codes are sent. `awaits_acceptance`:
    a guardian's consent has ended, and the patron has not accepted the rules in its place.
    """

    birth_date: date
    gender: str
    contact: Contact
    address_hidden: bool
    unproven: Sequence[str]
    language: str
    registered_at: datetime
    guardian_consent_at: datetime | None
    rules_accepted_at: datetime | None
    awaits_acceptance: bool
    needs_consent: bool
    libraries: int
    national_numbers: int
    devices: Sequence[ShownDevice]


@dataclass(frozen=True, slots=True)
class PatronView:
    """The patron at the desk. `only_at` names the one library that takes the card; None: every library does.

    `is_home`: this is their home library. `erase_at` is when a patron whose death was reported is erased (UTC).
    `lacks_consent`: this library asks for a guardian's consent at this age, and none is noted. `is_stated`: who it is
    was typed online, and no desk has seen papers.
    """

    name: str
    card_number: str
    age_band: AgeBand
    home_library: str
    is_home: bool
    status: CardStatus
    only_at: str | None
    erase_at: datetime | None
    death_reported_here: bool
    lacks_consent: bool
    is_stated: bool
    in_full: FullView | None


def view_patron(*, patron_id: int, library_id: str, in_full: bool, now: datetime) -> PatronView:
    """Return what a desk at this library shows of a patron. Raises NoSuchPatron. `use_visit` has logged the access."""
    row = db.session.execute(
        select(Library.name, Patron).join(Library, Library.id == Patron.home_library_id).where(Patron.id == patron_id)
    ).first()
    if row is None:
        raise NoSuchPatron
    home, patron = row
    status = status_of(patron)
    day = day_in_norway(now)
    is_young = age_on(birth_date=patron.birth_date, day=day) < db.session.get_one(Library, library_id).consent_age
    return PatronView(
        name=patron.name,
        card_number=patron.card_number,
        age_band=age_band(birth_date=patron.birth_date, day=day),
        home_library=home,
        is_home=patron.home_library_id == library_id,
        status=status,
        only_at=find_local_library(patron_id=patron_id) if status.is_local else None,
        erase_at=patron.erase_at if status.dead else None,
        death_reported_here=patron.death_reported_by == library_id,
        lacks_consent=is_young and patron.guardian_consent_at is None,
        is_stated=patron.stated_at is not None,
        in_full=_view_in_full(patron, needs_consent=is_young, now=now) if in_full else None,
    )


def _view_in_full(patron: Patron, *, needs_consent: bool, now: datetime) -> FullView:
    joined = select(func.count()).select_from(Affiliation).where(Affiliation.patron_id == patron.id)
    return FullView(
        birth_date=patron.birth_date,
        gender=patron.gender,
        contact=Contact.of(patron),
        address_hidden=patron.address_hidden,
        unproven=unproven_channels(patron),
        language=patron.language,
        registered_at=patron.registered_at,
        guardian_consent_at=patron.guardian_consent_at,
        rules_accepted_at=patron.rules_accepted_at,
        awaits_acceptance=patron.guardian_consent_at is None and patron.consent_ends_on is not None,
        needs_consent=needs_consent,
        libraries=db.session.scalar(joined) or 0,
        national_numbers=count_numbers(patron_id=patron.id),
        devices=list_devices(patron_id=patron.id, now=now),
    )
