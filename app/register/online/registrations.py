"""Unfinished registrations of people who used the national sign-in. They are deleted after a day.

A person has one registration of each kind. Who signs in again in another browser goes on with it there, and no longer
in the first one. Of the national number only a keyed token is stored.
"""

import json
import secrets
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import Select, delete, select

from app.register.keys.vault import hash_of_random_token, vault
from app.register.messages.message_queue import CODE_IS_SLOW
from app.register.patron.patrons import NATIONAL_ID
from app.register.sign_in.one_time import CODE_LASTS
from app.register.store.transaction import db, savepoint
from app.register.tables.patrons import Registration
from app.register.totals.counting import count
from app.rules.errors import RuleBroken
from app.rules.library.figures import CHOSEN, Kind
from app.rules.people.contact import Contact
from app.rules.people.national_id import NationalId

OWN: Final = "own"
CHILD: Final = "child"
FORM_COLUMN: Final = "registrations.sealed_form"

REGISTRATIONS: Final = timedelta(hours=24)
"""From the last national sign-in to `registrations.expires_at`."""


class RegistrationGone(RuleBroken):
    """This browser has no registration (any more): it is expired, given up, or continued in another browser."""


class _Begun(Exception):
    pass


class SamePerson(RuleBroken):
    """The guardian is the person who gets the card."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Form:
    """What is filled in. `name_verified`, `birth_date_verified`: it is from the sign-in service, and not editable.

    `stated`: name or birth date was typed. `confirmed_email` is the address that was confirmed by a code.
    """

    name: str = ""
    birth_date: date | None = None
    gender: str = "unknown"
    stated: bool = False
    name_verified: bool = False
    birth_date_verified: bool = False
    email: str | None = None
    phone: str | None = None
    address: str | None = None
    postcode: str | None = None
    place: str | None = None
    preferred_contact: str = "email"
    library_id: str = ""
    language: str = "nb"
    confirmed_email: str | None = None

    @property
    def contact(self) -> Contact:
        """How to reach the person."""
        return Contact.of(self)


@dataclass(frozen=True, slots=True, repr=False)
class Draft:
    """A registration for its browser. `patron_id` is that of the card that was made.

    `owner` is the keyed token of the person who signed in. `awaits_code`: a code was queued and is not expired.
    `code_failed`: it could not be sent.
    """

    id: int
    owner: str
    kind: str
    form: Form
    knows_child: bool
    guardian_agrees: bool
    awaits_code: bool
    code_failed: bool
    patron_id: int | None
    done_at: datetime | None


def begin_registration(*, national_id: NationalId, kind: str, form: Form, now: datetime) -> str:
    """Begin a registration, or continue the person's own. Returns the handle for the browser.

    `form` holds what the sign-in service knows; what the person filled in earlier stays.
    """
    handle = secrets.token_urlsafe(32)
    row = _find_of(national_id, kind=kind)
    if row is None:
        row = Registration(
            kind=kind,
            own_token=vault.token(purpose=NATIONAL_ID, text=national_id.canonical),
            key_id=vault.key_id,
            handle_hash=hash_of_random_token(handle),
            sealed_form=seal_form(form),
            expires_at=now + REGISTRATIONS,
        )
        try:
            with savepoint({"uq_registrations_own_token_kind": _Begun}):
                db.session.add(row)
        except _Begun:
            # The same person signed in twice at the same time.
            row = _find_of(national_id, kind=kind)
            if row is None:
                raise
    if row.patron_id is not None or row.expires_at <= now:
        row.child_token = row.patron_id = row.done_at = None
        row.code_token = row.code_until = row.code_due_at = None
        row.sealed_form = seal_form(form)
    else:
        row.sealed_form = seal_form(_with_verified(open_form(row.sealed_form), by=form))
    # A guardian who agreed before is not beside the young person now.
    row.guardian_token = None
    row.handle_hash, row.expires_at = hash_of_random_token(handle), now + REGISTRATIONS
    db.session.flush()
    return handle


def find_registration(*, handle: str, now: datetime) -> Draft | None:
    """Return the registration of this browser, if there is one."""
    row = db.session.scalar(_by_handle(handle, now=now))
    if row is None:
        return None
    return Draft(
        id=row.id,
        owner=row.own_token,
        kind=row.kind,
        form=open_form(row.sealed_form),
        knows_child=row.child_token is not None,
        guardian_agrees=row.guardian_token is not None,
        awaits_code=row.code_until is not None and row.code_until > now,
        code_failed=_code_failed(row, now=now),
        patron_id=row.patron_id,
        done_at=row.done_at,
    )


def _code_failed(row: Registration, *, now: datetime) -> bool:
    # Queued and not sent for twenty seconds.
    if row.code_due_at is None or row.code_until is None:
        return False
    return row.code_until - CODE_LASTS + CODE_IS_SLOW <= now


def lock_registration(*, handle: str, now: datetime) -> Registration:
    """Return the row of a registration, and lock it. Raises RegistrationGone."""
    locked = _by_handle(handle, now=now).with_for_update()
    row = db.session.scalars(locked.execution_options(populate_existing=True)).first()
    if row is None:
        raise RegistrationGone
    return row


def fill_in(*, handle: str, now: datetime, **values: object) -> None:
    """Store what the person filled in, by the names of Form's fields. Raises RegistrationGone."""
    row = lock_registration(handle=handle, now=now)
    if row.patron_id is None:
        former = open_form(row.sealed_form)
        form = replace(former, **values)  # type: ignore[arg-type]
        if form.email != former.email:
            row.code_token = row.code_until = row.code_due_at = None
        row.sealed_form = seal_form(form)
        if form.library_id and not former.library_id:
            count(Kind.ONLINE, library_id=form.library_id, now=now, part=CHOSEN)


def name_child(*, handle: str, national_id: NationalId, name: str, birth_date: date, now: datetime) -> None:
    """Store who the child is, of the number only its token. Raises RegistrationGone or SamePerson."""
    row = lock_registration(handle=handle, now=now)
    if row.own_token in _tokens(national_id):
        raise SamePerson
    if row.patron_id is None:
        row.child_token = _token_beside(row, national_id)
        form = replace(open_form(row.sealed_form), name=name, birth_date=birth_date, stated=True)
        row.sealed_form = seal_form(form)


def note_guardian(*, handle: str, national_id: NationalId, now: datetime) -> None:
    """Record, by a token alone, that a guardian has signed in and agrees. Raises RegistrationGone or SamePerson."""
    row = lock_registration(handle=handle, now=now)
    if row.own_token in _tokens(national_id):
        raise SamePerson
    row.guardian_token = _token_beside(row, national_id)


def give_up(*, handle: str) -> None:
    """Delete the registration."""
    db.session.execute(delete(Registration).where(Registration.handle_hash == hash_of_random_token(handle)))


def _with_verified(kept: Form, *, by: Form) -> Form:
    if by.name_verified:
        kept = replace(kept, name=by.name, name_verified=True)
    if by.birth_date_verified:
        kept = replace(kept, birth_date=by.birth_date, birth_date_verified=True)
    if by.gender != "unknown":
        kept = replace(kept, gender=by.gender)
    return replace(kept, stated=kept.stated and not (kept.name_verified and kept.birth_date_verified))


def _by_handle(handle: str, *, now: datetime) -> Select[Registration]:
    return select(Registration).where(
        Registration.handle_hash == hash_of_random_token(handle), Registration.expires_at > now
    )


def _find_of(national_id: NationalId, *, kind: str) -> Registration | None:
    found = select(Registration).where(Registration.own_token.in_(_tokens(national_id)), Registration.kind == kind)
    return db.session.scalars(found.with_for_update().execution_options(populate_existing=True)).first()


def _tokens(national_id: NationalId) -> list[str]:
    return list(vault.tokens(purpose=NATIONAL_ID, text=national_id.canonical).values())


def _token_beside(row: Registration, national_id: NationalId) -> str:
    # With the row's own key: one column names the key of all its tokens.
    return vault.tokens(purpose=NATIONAL_ID, text=national_id.canonical)[row.key_id]


def seal_form(form: Form) -> bytes:
    """Return a form sealed, as `open_form` reads it."""
    values = asdict(form) | {"birth_date": form.birth_date.isoformat() if form.birth_date else None}
    return vault.seal(json.dumps(values).encode(), column=FORM_COLUMN)


def open_form(sealed: bytes) -> Form:
    """Return what was filled in. Raises SecretNotOpened."""
    values = json.loads(vault.open(sealed, column=FORM_COLUMN))
    birth_date = values.pop("birth_date")
    return Form(**values, birth_date=date.fromisoformat(birth_date) if birth_date else None)
