"""Correcting a patron's data, by the patron or a library (GDPR art. 16); `rules.people.fields` says who may do what."""

from dataclasses import asdict, replace
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any

from sqlalchemy import select

from app.register.change.coming_of_age import forget_days_of_age
from app.register.messages.contact_changes import forget_former_addresses, snapshot, store_change, without_address
from app.register.messages.outbox import ask_for_message
from app.register.messages.push import speak_to_browsers
from app.register.patron.changes import note_change
from app.register.patron.patrons import lock_patron
from app.register.patron.proven import (
    EMAIL,
    LETTER,
    PROVEN_COLUMNS,
    SMS,
    present_addresses,
    prove,
    proven_addresses,
    reached_by,
    unproven_channels,
)
from app.register.sign_in.one_time import forget_secrets
from app.register.store.transaction import db
from app.register.tables.patrons import Affiliation, Patron
from app.rules.errors import RuleBroken
from app.rules.messages import CONTACT_CHANGED, CONTACT_UNPROVEN
from app.rules.people.ages import day_in_norway
from app.rules.people.contact import CONTACT_FIELDS, LANGUAGES, Contact, check_contact
from app.rules.people.fields import FIELD, FIELDS, Editor
from app.rules.people.person import Person, check_field, check_person

_PERSON = ("name", "birth_date", "gender")
_CHECKED_HERE = ("language", "home_library_id", "address_hidden")
FIELD_OF = {EMAIL: "email", SMS: "phone", LETTER: "address"}


class Proof(StrEnum):
    """Which addresses a correction proves: none, those that it changes, or all."""

    NOTHING = "nothing"
    CHANGED = "changed"
    EVERYTHING = "everything"


class NotYourLibrary(RuleBroken):
    """The patron has not joined this library, so it cannot be their home library."""


class LanguageNotKnown(RuleBroken):
    """There are no messages in that language."""


class Correction:
    """What is to be changed: a `contact` replaces all the former one, and `values` are other FIELDS by name.

    None leaves a field as it is, and so does False for a mark; an empty text removes what is there.
    """

    def __init__(self, *, contact: Contact | None = None, **values: Any) -> None:  # noqa: ANN401
        assert values.keys() <= FIELD.keys() - {*CONTACT_FIELDS}
        self.contact = contact
        self.values = {name: value for name, value in values.items() if value is not None and value is not False}


def correct_patron(
    *, patron_id: int, changes: Correction, now: datetime, proof: Proof = Proof.NOTHING, library_id: str | None = None
) -> set[str]:
    """Correct a patron's data, and return which fields have changed. Nothing happens where all values are as before.

    `library_id` is who does it; None: the patron. Without `proof` links and codes still go to the addresses that were
    proven before. Proven addresses that are replaced, or get another beside them, get a message with a link that undoes
    the change for a fortnight. Links and codes that were sent to a former address become invalid. Raises
    ContactNotValid, PersonNotValid, NotYourLibrary, LanguageNotKnown or NoSuchPatron; then nothing is changed.
    """
    patron = lock_patron(patron_id)
    values = _checked(patron, changes, now=now)
    former, former_proven, present = snapshot(patron), proven_addresses(patron), present_addresses(patron)
    changed = {name for name, value in values.items() if getattr(patron, name) != value}
    for name in changed:
        setattr(patron, name, values[name])
    given = [channel for channel, address in present_addresses(patron).items() if address != present[channel]]
    if "address_hidden" in changed:
        patron.proven_address = None
        forget_former_addresses(patron_id=patron_id)
        former, former_proven = without_address(former), former_proven | {LETTER: None}
    if LETTER in given and present_addresses(patron)[LETTER] is None:
        # The address may be confidential from now on, and such an address is not stored.
        patron.proven_address = None
    if proof is not Proof.NOTHING:
        prove(patron, channels=PROVEN_COLUMNS if proof is Proof.EVERYTHING else given)
    elif given:
        patron.awaits_first_link = False
    if snapshot(patron) == former and not changed:
        return changed
    moved = [channel for channel, address in proven_addresses(patron).items() if address != former_proven[channel]]
    if any(former_proven[channel] for channel in moved) or former["awaits_first_link"] != patron.awaits_first_link:
        forget_secrets(patron_id=patron_id)
    note_change(patron=patron, now=now)
    if "birth_date" in changed:
        forget_days_of_age(patron)
    if "language" in changed:
        speak_to_browsers(patron_id=patron_id, language=patron.language)
    fields = [FIELD_OF[channel] for channel in PROVEN_COLUMNS if channel in {*given, *moved}]
    if "preferred_contact" in changed:
        fields.append("preferred_contact")
    if fields:
        change_id = store_change(patron_id=patron_id, former=former, fields=fields, library_id=library_id, now=now)
        _notify(patron, former_proven, given=given, moved=moved, change_id=change_id, now=now)
    return changed


def confirm_contact(*, patron_id: int, shown: Contact, now: datetime) -> bool:
    """Prove the patron's addresses, if they are still those `shown` to the patron who confirms them; return whether.

    Addresses that were proven before get a message. Raises NoSuchPatron.
    """
    patron = lock_patron(patron_id)
    if Contact.of(patron) != shown:
        return False
    correct_patron(patron_id=patron_id, changes=Correction(), proof=Proof.EVERYTHING, now=now)
    return True


def note_address_is_not_hidden(*, patron_id: int, now: datetime) -> None:
    """Take the mark of a hidden address away: from then on an address is accepted. Raises NoSuchPatron."""
    patron = lock_patron(patron_id)
    if patron.address_hidden:
        patron.address_hidden = False
        note_change(patron=patron, now=now)


def _notify(
    patron: Patron, former: dict[str, str | None], *, given: list[str], moved: list[str], change_id: int, now: datetime
) -> None:
    """Send messages of a change to the addresses that were proven before it, and to the new ones."""
    former, present = reached_by(former), reached_by(present_addresses(patron))
    notified: list[str] = [channel for channel in (EMAIL, SMS) if channel in {*given, *moved} and former[channel]]
    if not notified:
        # Another channel to the patron; a letter only where there is no faster one.
        fast = sorted((EMAIL, SMS), key=lambda channel: channel != patron.preferred_contact)
        notified = [channel for channel in (*fast, LETTER) if former[channel]][:1]
    ask = partial(ask_for_message, patron_id=patron.id, now=now)
    for channel in notified:
        ask(kind=CONTACT_CHANGED, channel=channel, to=former[channel], contact_change_id=change_id)
    unproven = unproven_channels(patron)
    to_confirm = [channel for channel in (EMAIL, SMS) if channel in given and channel in unproven and present[channel]]
    for channel in to_confirm:
        ask(kind=CONTACT_UNPROVEN, channel=channel, to=present[channel])
    if moved or not (notified or to_confirm):
        ask(kind=CONTACT_CHANGED, contact_change_id=change_id)


def _checked(patron: Patron, changes: Correction, *, now: datetime) -> dict[str, Any]:
    given = changes.values
    hidden, contact = patron.address_hidden or "address_hidden" in given, changes.contact
    if hidden and contact is None:
        contact = replace(Contact.of(patron), address=None, postcode=None, place=None)
    values: dict[str, Any] = asdict(check_contact(contact, address_hidden=hidden)) if contact is not None else {}
    if given.get("language", patron.language) not in LANGUAGES:
        raise LanguageNotKnown
    if "home_library_id" in given:
        joined = select(Affiliation.library_id).where(
            Affiliation.patron_id == patron.id, Affiliation.library_id == given["home_library_id"]
        )
        if db.session.scalar(joined) is None:
            raise NotYourLibrary
    simple = {name: check_field(FIELD[name], given[name]) for name in given.keys() - {*_PERSON, *_CHECKED_HERE}}
    return values | given | simple | _checked_person(patron, given, now=now)


def _checked_person(patron: Patron, given: dict[str, Any], *, now: datetime) -> dict[str, Any]:
    typed = given.keys() & {*_PERSON}
    if not typed:
        return {}
    person = check_person(
        Person(**{name: given.get(name, getattr(patron, name)) for name in _PERSON}), day=day_in_norway(now)
    )
    return {name: getattr(person, name) for name in typed}


def get_correctable(*, patron_id: int, editor: Editor) -> dict[str, Any]:
    """Return the values of the fields that this editor may correct."""
    patron = db.session.get_one(Patron, patron_id)
    return {field.name: getattr(patron, field.name) for field in FIELDS if editor in field.editors}
