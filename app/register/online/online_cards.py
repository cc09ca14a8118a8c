"""Cards that are made online, by somebody with a national sign-in: for themself, or for their child.

Such a card works in the register, and at no library before it is activated there. What a guardian or a patron typed
of who somebody is was seen by nobody: it is noted as stated until a desk has looked at papers, and gives way to whoever
proves with a sign-in of their own that the number is theirs.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import delete, select

from app.register.change.enrolment import (
    AlreadyRegistered,
    Enrolled,
    activate_here,
    already_registered,
    consent_is_needed,
)
from app.register.keys.vault import vault
from app.register.online.registrations import CHILD, Form, forget_form, lock_registration, open_form
from app.register.patron.card_status import status_of
from app.register.patron.patrons import find_by_national_id, lock_patron, register_patron
from app.register.sign_in.pins import set_pin
from app.register.store.transaction import db, savepoint
from app.register.tables.library import Library
from app.register.tables.patrons import NationalIdToken, Patron
from app.rules.card.status import CardRefused, CardStatus, State
from app.rules.errors import RuleBroken
from app.rules.people.ages import ADULT_FROM, age_on, day_in_norway
from app.rules.people.contact import check_contact
from app.rules.people.national_id import NationalId
from app.rules.people.person import Person, check_person

DONE_FOR: Final = timedelta(minutes=10)
"""How long a second click on the last button still leads in."""


class NotFinished(RuleBroken):
    """Something is missing before the card can be made."""


class NoChild(RuleBroken):
    """A guardian may get a card for a child under the library's age limit; whoever is older does it themself."""


class NotAnAdult(RuleBroken):
    """A guardian is of age."""


class NotActivatedOnline(RuleBroken):
    """The desk comes first: the library wants it so, papers are to be looked at, or a guardian is to consent."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody who has a card already."""

    patron_id: int
    status: CardStatus


def check_adult(*, birth_date: date | None, now: datetime) -> None:
    """Raise NotAnAdult where the sign-in service says that a guardian is a minor. It may not say."""
    if birth_date is not None and age_on(birth_date=birth_date, day=day_in_norway(now)) < ADULT_FROM:
        raise NotAnAdult


def find_holder(*, national_id: NationalId) -> Holder | None:
    """Return the patron who has just proved to have this number, if they have a card.

    A number that somebody else typed, and no desk has seen papers for, is taken off that card. Who made the card knows
    its PIN and reads its mail: it is nothing to hand over, also where it was made in good faith.
    """
    patron_id = find_by_national_id(national_id)
    if patron_id is None:
        return None
    patron = lock_patron(patron_id)
    stated = (NationalIdToken.patron_id == patron_id) & NationalIdToken.stated
    if db.session.scalar(delete(NationalIdToken).where(stated).returning(NationalIdToken.patron_id)) is not None:
        return None
    return Holder(patron_id, status_of(patron))


def make_card(*, handle: str, pin: str, now: datetime) -> Enrolled:
    """Finish a registration: the card is there, with its PIN. Doing it twice gives the same card.

    Raises RegistrationGone, NotFinished, NoChild, AlreadyRegistered, PersonNotValid, ContactNotValid or
    NumberWasIssued.
    """
    row = lock_registration(handle=handle, now=now)
    if row.patron_id is not None:
        return Enrolled(row.patron_id, db.session.get_one(Patron, row.patron_id).card_number)
    form = open_form(row.sealed_form)
    token = row.child_token if row.kind == CHILD else row.own_token
    if token is None or form.birth_date is None or not form.library_id or form.confirmed_email != form.email:
        raise NotFinished
    is_young = consent_is_needed(library_id=form.library_id, birth_date=form.birth_date, now=now)
    if row.kind == CHILD and not is_young:
        raise NoChild
    if is_young and row.kind != CHILD and row.guardian_token is None:
        raise NotFinished
    renewed = vault.renew_token(token, key_id=row.key_id)
    patron = _enrol(form, token=renewed, is_young=is_young, by_guardian=row.kind == CHILD, now=now)
    set_pin(patron_id=patron.id, pin=pin, now=now)
    row.patron_id, row.done_at = patron.id, now
    row.code_token = row.code_due_at = row.guardian_token = None
    forget_form(row)
    return Enrolled(patron.id, patron.card_number)


def _enrol(form: Form, *, token: str, is_young: bool, by_guardian: bool, now: datetime) -> Patron:
    assert form.birth_date is not None
    person = check_person(Person(form.name, form.birth_date, form.gender, form.language), day=day_in_norway(now))
    contact = check_contact(form.contact)
    if known := _known(token):
        raise known
    # A desk may enrol the same person at the same moment.
    with savepoint({"pk_national_id_tokens": lambda: _known(token)}):
        patron = register_patron(
            name=person.name,
            birth_date=person.birth_date,
            gender=person.gender,
            home_library_id=form.library_id,
            contact=contact,
            national_id=None,
            language=person.language,
            activated=False,
            # The address was proven by a code, and who typed the rest has identified themself.
            contact_is_proven=True,
            now=now,
        )
        patron.guardian_consent_at = now if is_young else None
        patron.stated_at = now if form.stated else None
        db.session.add(NationalIdToken(token=token, patron_id=patron.id, key_id=vault.key_id, stated=by_guardian))
    return patron


def _known(token: str) -> AlreadyRegistered | None:
    return already_registered(
        db.session.scalar(select(NationalIdToken.patron_id).where(NationalIdToken.token == token))
    )


def activate_online(*, patron_id: int, library_id: str, now: datetime) -> None:
    """Activate the card at a library that allows it, whose rules the patron has accepted.

    Raises NotActivatedOnline, and as at the desk CardRefused or ConsentMissing.
    """
    library = db.session.get(Library, library_id)
    patron = lock_patron(patron_id)
    if not status_of(patron).is_taken_at(library_id):
        raise CardRefused(State.LOCAL)
    if library is None or not library.online_activation or patron.stated_at is not None:
        raise NotActivatedOnline
    activate_here(patron_id=patron_id, library_id=library_id, guardian_consent=False, now=now)
