"""What a patron, or a library on the patron's behalf, may correct (GDPR art. 16). Name, birth date and gender are
changed by a library alone, against identification.
"""

from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select

from app.register.messages.contact_changes import snapshot, store_change
from app.register.messages.outbox import ask_for_message
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
_CHECKED_HERE = ("language", "home_library_id")
_CALLED = {EMAIL: "email", SMS: "phone", LETTER: "address"}


class Proof(StrEnum):
    """What a correction proves: nothing, the addresses that it changes, or all that stand after it."""

    NOTHING = "nothing"
    CHANGED = "changed"
    EVERYTHING = "everything"


class NotYourLibrary(RuleBroken):
    """The patron has not joined this library, so it cannot be the home library."""


class LanguageNotKnown(RuleBroken):
    """Nobody is written to in that language."""


class Correction:
    """What is to be changed: a `contact` replaces all the former one, and `values` are other FIELDS by name.

    None leaves a field as it is; an empty text removes what is there.
    """

    def __init__(self, *, contact: Contact | None = None, **values: Any) -> None:  # noqa: ANN401
        assert values.keys() <= FIELD.keys() - {*CONTACT_FIELDS}
        self.contact = contact
        self.values = {name: value for name, value in values.items() if value is not None}


def correct_patron(
    *,
    patron_id: int,
    changes: Correction,
    now: datetime,
    proof: Proof = Proof.NOTHING,
    library_id: str | None = None,
) -> None:
    """Correct a patron; what is given as it already stands changes nothing, and nobody is told of it.

    `library_id` is who does it; None: the patron. Without `proof` links and codes go on to the addresses that were
    proven before. Proven addresses that are replaced, or where another is given beside them, are told of it with a
    link that undoes it for a fortnight. A link or code that was sent to where they do not go any more is worth nothing.
    Raises ContactNotValid, PersonNotValid, NotYourLibrary, LanguageNotKnown or NoSuchPatron; then nothing was changed.
    """
    patron = lock_patron(patron_id)
    values = _checked(patron, changes, now=now)
    former, former_proven, present = snapshot(patron), proven_addresses(patron), present_addresses(patron)
    changed = {name for name, value in values.items() if getattr(patron, name) != value}
    for name in changed:
        setattr(patron, name, values[name])
    given = [channel for channel, address in present_addresses(patron).items() if address != present[channel]]
    if LETTER in given and present_addresses(patron)[LETTER] is None:
        # It may be hidden from now on, and a hidden one is kept nowhere here.
        patron.proven_address = None
    if proof is not Proof.NOTHING:
        prove(patron, channels=PROVEN_COLUMNS if proof is Proof.EVERYTHING else given)
    elif given:
        patron.awaits_first_link = False
    if snapshot(patron) == former and not changed:
        return
    moved = [channel for channel, address in proven_addresses(patron).items() if address != former_proven[channel]]
    if any(former_proven[channel] for channel in moved) or former["awaits_first_link"] != patron.awaits_first_link:
        forget_secrets(patron_id=patron_id)
    note_change(patron=patron, now=now)
    fields = [_CALLED[channel] for channel in PROVEN_COLUMNS if channel in {*given, *moved}]
    if "preferred_contact" in changed:
        fields.append("preferred_contact")
    if fields:
        change_id = store_change(patron_id=patron_id, former=former, fields=fields, library_id=library_id, now=now)
        _tell(patron, former_proven, given=given, moved=moved, change_id=change_id, now=now)


def confirm_contact(*, patron_id: int, shown: Contact, now: datetime) -> bool:
    """Prove the addresses as they stand, if they are as they were `shown` to the patron who says that they are theirs.

    Returns whether they were. Addresses that were proven before are told of it. Raises NoSuchPatron.
    """
    patron = lock_patron(patron_id)
    if Contact.of(patron) != shown:
        return False
    correct_patron(patron_id=patron_id, changes=Correction(), proof=Proof.EVERYTHING, now=now)
    return True


def _tell(
    patron: Patron,
    former_proven: dict[str, str | None],
    *,
    given: list[str],
    moved: list[str],
    change_id: int,
    now: datetime,
) -> None:
    """Tell of a change where the patron was known to be reached before it, and where they are to be reached now."""
    told: list[str] = [channel for channel in (EMAIL, SMS) if channel in {*given, *moved} and former_proven[channel]]
    if not told:
        # Another way to say no; a letter where there is no quicker one.
        at_once = sorted((EMAIL, SMS), key=lambda channel: channel != patron.preferred_contact)
        told = [channel for channel in (*at_once, LETTER) if former_proven[channel]][:1]
    for channel in told:
        ask_for_message(
            patron_id=patron.id,
            kind=CONTACT_CHANGED,
            channel=channel,
            to=former_proven[channel],
            contact_change_id=change_id,
            now=now,
        )
    present, unproven = present_addresses(patron), unproven_channels(patron)
    to_confirm = [channel for channel in (EMAIL, SMS) if channel in given and channel in unproven and present[channel]]
    for channel in to_confirm:
        ask_for_message(patron_id=patron.id, kind=CONTACT_UNPROVEN, channel=channel, to=present[channel], now=now)
    if moved or not (told or to_confirm):
        ask_for_message(patron_id=patron.id, kind=CONTACT_CHANGED, contact_change_id=change_id, now=now)


def _checked(patron: Patron, changes: Correction, *, now: datetime) -> dict[str, Any]:
    given = changes.values
    values: dict[str, Any] = asdict(check_contact(changes.contact)) if changes.contact is not None else {}
    if given.get("language", patron.language) not in LANGUAGES:
        raise LanguageNotKnown
    if "home_library_id" in given:
        joined = select(Affiliation.library_id).where(
            Affiliation.patron_id == patron.id, Affiliation.library_id == given["home_library_id"]
        )
        if db.session.scalar(joined) is None:
            raise NotYourLibrary
    simple = {name: check_field(FIELD[name], given[name]) for name in given.keys() - {*_PERSON, *_CHECKED_HERE}}
    stands: dict[str, Any] = {name: getattr(patron, name) for name in _PERSON}
    return values | given | simple | _checked_person(stands, given, now=now)


def _checked_person(stands: dict[str, Any], given: dict[str, Any], *, now: datetime) -> dict[str, Any]:
    typed = [name for name in _PERSON if name in given]
    if not typed:
        return {}
    person = check_person(Person(**(stands | {name: given[name] for name in typed})), day=day_in_norway(now))
    return {name: getattr(person, name) for name in typed}


def get_correctable(*, patron_id: int, editor: Editor) -> dict[str, Any]:
    """Return the fields that somebody may correct, as they stand."""
    patron = db.session.get_one(Patron, patron_id)
    return {field.name: getattr(patron, field.name) for field in FIELDS if editor in field.editors}
