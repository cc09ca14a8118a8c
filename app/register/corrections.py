"""What a patron, or a library on the patron's behalf, may correct (GDPR art. 16). Name, birth date and gender are
changed by a library alone, against identification.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select

from app.register.changes import note_change
from app.register.one_time import forget_secrets
from app.register.outbox import CONTACT_CHANGED, EMAIL, SMS, ask_for_message
from app.register.patrons import lock_patron
from app.register.tables import Affiliation, Patron
from app.register.transaction import db
from app.rules.ages import day_in_norway
from app.rules.contact import LANGUAGES, Contact, check_contact
from app.rules.errors import RuleBroken
from app.rules.person import Person, check_person

_PERSON = ("name", "birth_date", "gender")
_WHERE_REACHED = {"email", "phone", "address", "postcode", "place"}
_ADDRESSES = {EMAIL: "email", SMS: "phone"}


class NotYourLibrary(RuleBroken):
    """The patron has not joined this library, so it cannot be the home library."""

    code = "not-your-library"


class LanguageNotKnown(RuleBroken):
    """Nobody is written to in that language."""

    code = "language-not-known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What is to be changed. None leaves it as it is; a contact replaces all the former one, empty fields too."""

    contact: Contact | None = None
    language: str | None = None
    home_library_id: str | None = None
    name: str | None = None
    birth_date: date | None = None
    gender: str | None = None


def correct_patron(*, patron_id: int, changes: Correction, now: datetime) -> None:
    """Correct a patron; what is given as it already stands changes nothing, and nobody is told of it.

    Of new contact data the patron is told the new way, and at an e-mail address or phone number that was replaced. A
    link or code that was sent to where they are not reached any more is worth nothing.
    Raises ContactNotValid, PersonNotValid, NotYourLibrary, LanguageNotKnown or NoSuchPatron; then nothing was changed.
    """
    patron = lock_patron(patron_id)
    values = _checked(patron, changes, now=now)
    changed = {name for name, value in values.items() if getattr(patron, name) != value}
    if not changed:
        return
    former = {channel: getattr(patron, column) for channel, column in _ADDRESSES.items() if column in changed}
    if any(getattr(patron, name) is not None for name in changed & _WHERE_REACHED):
        forget_secrets(patron_id=patron_id)
    for name in changed:
        setattr(patron, name, values[name])
    note_change(patron=patron, now=now)
    if changed & set(contact_columns(Contact())):
        ask_for_message(patron_id=patron_id, kind=CONTACT_CHANGED, now=now)
    for channel, address in former.items():
        if address is not None:
            ask_for_message(patron_id=patron_id, kind=CONTACT_CHANGED, channel=channel, to=address, now=now)


def _checked(patron: Patron, changes: Correction, *, now: datetime) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if changes.contact is not None:
        values |= contact_columns(check_contact(changes.contact))
    if changes.language is not None:
        if changes.language not in LANGUAGES:
            raise LanguageNotKnown
        values["language"] = changes.language
    if changes.home_library_id is not None:
        joined = select(Affiliation.library_id).where(
            Affiliation.patron_id == patron.id, Affiliation.library_id == changes.home_library_id
        )
        if db.session.scalar(joined) is None:
            raise NotYourLibrary
        values["home_library_id"] = changes.home_library_id
    return values | _checked_person(patron, changes, now=now)


def _checked_person(patron: Patron, changes: Correction, *, now: datetime) -> dict[str, Any]:
    given = {name: getattr(changes, name) for name in _PERSON if getattr(changes, name) is not None}
    if not given:
        return {}
    stands: dict[str, Any] = {name: getattr(patron, name) for name in _PERSON}
    person = check_person(Person(**(stands | given)), day=day_in_norway(now))
    return {name: getattr(person, name) for name in given}


def contact_columns(contact: Contact) -> dict[str, str | None]:
    """Return contact data by the column of `patrons` that holds it."""
    return {
        "email": contact.email,
        "phone": contact.phone,
        "address": contact.address,
        "postcode": contact.postcode,
        "place": contact.place,
        "preferred_contact": contact.preferred,
    }


def get_correctable(*, patron_id: int) -> dict[str, str | None]:
    """Return what a patron may correct as it stands, by the names of Contact and Correction."""
    patron = db.session.get_one(Patron, patron_id)
    return {
        "email": patron.email,
        "phone": patron.phone,
        "address": patron.address,
        "postcode": patron.postcode,
        "place": patron.place,
        "preferred": patron.preferred_contact,
        "language": patron.language,
        "home_library_id": patron.home_library_id,
    }
