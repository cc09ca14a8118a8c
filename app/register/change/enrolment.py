"""Enrolling somebody who has no card, and activating a card at one more library."""

from dataclasses import dataclass
from datetime import date, datetime

from app.register.messages.outbox import ask_for_message
from app.register.patron.card_status import status_of
from app.register.patron.changes import lock_queues, note_change
from app.register.patron.numbers import check_reserved
from app.register.patron.patrons import activate_card, find_by_national_id, lock_patron, register_patron
from app.register.store.transaction import db, savepoint
from app.register.tables.library import Library
from app.register.totals.counting import count
from app.rules.errors import RuleBroken
from app.rules.library.figures import Kind
from app.rules.messages import WELCOME
from app.rules.people.ages import age_on, day_in_norway
from app.rules.people.contact import Contact, check_contact
from app.rules.people.national_id import NationalId
from app.rules.people.person import Person, check_person


class AlreadyRegistered(RuleBroken):
    """A patron has this national id already: that card is to be activated."""

    def __init__(self, patron_id: int) -> None:
        super().__init__()
        self.patron_id = patron_id


def already_registered(patron_id: int | None) -> AlreadyRegistered | None:
    """Return the error for a national id that this patron has; None where nobody has it."""
    return AlreadyRegistered(patron_id) if patron_id is not None else None


class ConsentMissing(RuleBroken):
    """Somebody of this age needs a guardian's consent at this library."""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A new patron."""

    patron_id: int
    card_number: str


def consent_is_needed(*, library_id: str, birth_date: date, now: datetime) -> bool:
    """Return whether somebody born on `birth_date` needs a guardian's consent to get a card at this library."""
    limit = db.session.get_one(Library, library_id).consent_age
    return age_on(birth_date=birth_date, day=day_in_norway(now)) < limit


def enrol_patron(
    *,
    library_id: str,
    name: str,
    birth_date: date,
    gender: str,
    contact: Contact,
    address_hidden: bool = False,
    language: str,
    national_id: NationalId | None,
    guardian_consent: bool,
    card_number: str | None,
    now: datetime,
    papers_seen: bool = False,
    welcome: str = WELCOME,
    welcome_at: datetime | None = None,
) -> Enrolled:
    """Give somebody a card at a library, which becomes their home library.

    `card_number` is one that the library reserved; without it a number is drawn. A welcome message, of the kind
    `welcome`, has a link to choose the PIN and is sent at once, or from `welcome_at` on; unless a desk has seen papers,
    using the link proves the address. Raises PersonNotValid, ContactNotValid, AlreadyRegistered, ConsentMissing,
    NotACardNumber, NumberNotReserved or NumberWasIssued.
    """
    person = check_person(Person(name, birth_date, gender, language), day=day_in_norway(now))
    contact = check_contact(contact, address_hidden=address_hidden)
    if known := _known(national_id):
        raise known
    is_young = consent_is_needed(library_id=library_id, birth_date=birth_date, now=now)
    if is_young and not guardian_consent:
        raise ConsentMissing
    if card_number is not None:
        card_number = check_reserved(library_id=library_id, card_number=card_number)
    # Another desk may be enrolling the same person.
    with savepoint({"pk_national_id_tokens": lambda: _known(national_id)}):
        patron = register_patron(
            card_number=card_number,
            name=person.name,
            birth_date=person.birth_date,
            gender=person.gender,
            home_library_id=library_id,
            contact=contact,
            address_hidden=address_hidden,
            national_id=national_id,
            language=person.language,
            contact_is_proven=papers_seen,
            now=now,
        )
        patron.guardian_consent_at = now if is_young else None
    if contact.email or contact.phone or contact.address:
        ask_for_message(patron_id=patron.id, kind=welcome, due_at=welcome_at, now=now)
    count(Kind.CARD, library_id=library_id, now=now)
    return Enrolled(patron_id=patron.id, card_number=patron.card_number)


def _known(national_id: NationalId | None) -> AlreadyRegistered | None:
    return already_registered(find_by_national_id(national_id) if national_id is not None else None)


def activate_here(*, patron_id: int, library_id: str, guardian_consent: bool, now: datetime) -> None:
    """Let a patron who has accepted a library's rules use the card there; note a guardian's consent that it needs.

    Repeating it changes nothing. Raises CardRefused or ConsentMissing.
    """
    patron = lock_patron(patron_id)
    status_of(patron).check_in_use()
    is_young = consent_is_needed(library_id=library_id, birth_date=patron.birth_date, now=now)
    if is_young and patron.guardian_consent_at is None:
        if not guardian_consent:
            raise ConsentMissing
        note_guardian_consent(patron_id=patron_id, joining=library_id, now=now)
    activate_card(patron_id=patron_id, library_id=library_id, now=now)


def note_guardian_consent(*, patron_id: int, now: datetime, joining: str | None = None) -> None:
    """Note that a guardian has consented to the card; a consent that was noted before stays as it is.

    `joining` is the library that the patron joins next, in the same transaction.
    """
    patron = lock_patron(patron_id)
    if patron.guardian_consent_at is None:
        patron.guardian_consent_at, patron.consent_ends_on = now, None
        if joining is not None:
            lock_queues(patron_id=patron_id, library_ids=[joining])
        note_change(patron=patron, now=now)
