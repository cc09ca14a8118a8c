"""Cards that are made online with a national sign-in, for oneself or for one's child.

Such a card is activated at no library. A name, birth date or child's national number that was typed counts as stated
until a desk has seen papers; such a number is taken off the card when its owner signs in with it.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import delete, select

from app.register.change import enrolment
from app.register.keys.vault import vault
from app.register.moving.known import list_asking
from app.register.online.registrations import CHILD, Form, lock_registration, open_form, seal_form
from app.register.patron.card_status import status_of
from app.register.patron.patrons import find_by_national_id, lock_patron, register_patron
from app.register.sign_in.pins import set_pin
from app.register.store.transaction import db, savepoint
from app.register.tables.library import Library
from app.register.tables.patrons import NationalIdToken, Patron
from app.register.totals.counting import count
from app.rules.card.status import CardRefused, CardStatus, State
from app.rules.errors import RuleBroken
from app.rules.library.figures import MADE, Kind
from app.rules.people.ages import ADULT_FROM, age_on, day_in_norway
from app.rules.people.contact import check_contact
from app.rules.people.national_id import NationalId
from app.rules.people.person import Person, check_person

DONE_FOR: Final = timedelta(minutes=10)
"""How long after the card was made the last button still signs in."""


class NotFinished(RuleBroken):
    """Something is missing before the card can be made."""


class NoChild(RuleBroken):
    """The child has reached the library's age limit, and gets a card by themself."""


class NotAnAdult(RuleBroken):
    """The guardian is a minor."""


class NotActivatedOnline(RuleBroken):
    """The card is activated at the desk: the library wants it so, or papers are to be seen."""


@dataclass(frozen=True, slots=True)
class OwnCard:
    """The card of a patron who has signed in with the national sign-in."""

    patron_id: int
    status: CardStatus


def check_adult(*, birth_date: date | None, now: datetime) -> None:
    """Raise NotAnAdult where the birth date from the sign-in service, if any, is that of a minor."""
    if birth_date is not None and age_on(birth_date=birth_date, day=day_in_norway(now)) < ADULT_FROM:
        raise NotAnAdult


def find_own_card(*, national_id: NationalId) -> OwnCard | None:
    """Return the card of the person who has just proved to have this national number, if there is one.

    A number that is only stated is deleted from its card, which is not theirs: whoever made it knows its PIN.
    """
    patron_id = find_by_national_id(national_id)
    if patron_id is None:
        return None
    patron = lock_patron(patron_id)
    stated = (NationalIdToken.patron_id == patron_id) & NationalIdToken.stated
    if db.session.scalar(delete(NationalIdToken).where(stated).returning(NationalIdToken.patron_id)) is not None:
        return None
    return OwnCard(patron_id, status_of(patron))


def make_card(*, handle: str, pin: str, now: datetime) -> enrolment.Enrolled:
    """Make the card of a registration, with its PIN. Idempotent.

    Raises RegistrationGone, NotFinished, NoChild, AlreadyRegistered, PersonNotValid, ContactNotValid, NumberWasIssued.
    """
    row = lock_registration(handle=handle, now=now)
    if row.patron_id is not None:
        return enrolment.Enrolled(row.patron_id, db.session.get_one(Patron, row.patron_id).card_number)
    form = open_form(row.sealed_form)
    token = row.child_token if row.kind == CHILD else row.own_token
    if token is None or form.birth_date is None or not form.library_id or form.confirmed_email != form.email:
        raise NotFinished
    is_young = enrolment.consent_is_needed(library_id=form.library_id, birth_date=form.birth_date, now=now)
    if row.kind == CHILD and not is_young:
        raise NoChild
    if is_young and row.kind != CHILD and row.guardian_token is None:
        raise NotFinished
    renewed = vault.renew_token(token, key_id=row.key_id)
    patron = _enrol(form, token=renewed, is_young=is_young, by_guardian=row.kind == CHILD, now=now)
    set_pin(patron_id=patron.id, pin=pin, now=now)
    row.patron_id, row.done_at = patron.id, now
    row.code_token = row.code_due_at = row.guardian_token = None
    row.sealed_form = seal_form(Form())
    count(Kind.CARD, library_id=form.library_id, now=now)
    count(Kind.ONLINE, library_id=form.library_id, now=now, part=MADE)
    return enrolment.Enrolled(patron.id, patron.card_number)


def _enrol(form: Form, *, token: str, is_young: bool, by_guardian: bool, now: datetime) -> Patron:
    assert form.birth_date is not None
    person = check_person(Person(form.name, form.birth_date, form.gender, form.language), day=day_in_norway(now))
    contact = check_contact(form.contact)
    if known := _known(token):
        raise known
    # A desk may enrol the same person at the same time.
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
            # The address was proven by a code, and the rest was typed by an identified person.
            contact_is_proven=True,
            now=now,
        )
        patron.guardian_consent_at = now if is_young else None
        patron.stated_at = now if form.stated else None
        db.session.add(NationalIdToken(token=token, patron_id=patron.id, key_id=vault.key_id, stated=by_guardian))
    return patron


def _known(token: str) -> enrolment.AlreadyRegistered | None:
    found = select(NationalIdToken.patron_id).where(NationalIdToken.token == token)
    return enrolment.already_registered(db.session.scalar(found))


def activate_online(*, patron_id: int, library_id: str, now: datetime) -> None:
    """Activate the card where that is allowed online, or where the library has asked for it.

    Raises NotActivatedOnline, CardRefused or ConsentMissing.
    """
    library = db.session.get(Library, library_id)
    patron = lock_patron(patron_id)
    if not status_of(patron).is_taken_at(library_id):
        raise CardRefused(State.LOCAL)
    may = library is not None and (library.online_activation or library_id in list_asking(patron_id=patron_id))
    if not may or patron.stated_at is not None:
        raise NotActivatedOnline
    enrolment.activate_here(patron_id=patron_id, library_id=library_id, guardian_consent=False, now=now)
