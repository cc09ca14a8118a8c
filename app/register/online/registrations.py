"""Registrations that somebody with a national sign-in is in the middle of. What is not finished is gone within a day.

Whoever identifies themself has one registration of a kind, on whichever device: to identify oneself again leads back
to it, and takes it away from the browser that had it before. The national number is made into its keyed token in the
request that brings it; nothing else of it is kept.
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
from app.rules.errors import RuleBroken
from app.rules.people.contact import Contact
from app.rules.people.national_id import NationalId

OWN: Final = "own"
CHILD: Final = "child"
FORM_COLUMN: Final = "registrations.sealed_form"

REGISTRATIONS: Final = timedelta(hours=24)
"""After the last time that its owner identified themself: `registrations.expires_at` is that instant."""


class RegistrationGone(RuleBroken):
    """This browser has no registration under way (any more): it is too old, was given up, or went on elsewhere."""


class _Begun(Exception):
    """The person has a registration of this kind."""


class SamePerson(RuleBroken):
    """A guardian is somebody else than the one who gets the card."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Form:
    """What is known so far. `name_verified`, `birth_date_verified`: the sign-in service told it, so nobody types it.

    `stated`: name or birth date was typed.
    `confirmed_email` is the address to which a code was sent that came back.
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

    def with_contact(self, contact: Contact) -> "Form":
        """Return the same with other contact data."""
        return replace(self, **asdict(contact))


@dataclass(frozen=True, slots=True, repr=False)
class Draft:
    """A registration as its owner's browser sees it. `patron_id` is the card that it led to.

    `owner` is the keyed token of who identified themself, the same in each registration of theirs.
    `awaits_code`: a code was asked for to the e-mail address, and still counts. `code_failed`: it could not be sent.
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
    """Begin a registration, or go on with the one that the person has. Returns the handle by which a browser does.

    `form` holds what the sign-in service told; what the person filled in earlier stays. The number is not kept.
    """
    handle = secrets.token_urlsafe(32)
    row = _find_of(national_id, kind=kind)
    if row is None:
        row = Registration(
            kind=kind,
            own_token=vault.token(purpose=NATIONAL_ID, text=national_id.canonical),
            key_id=vault.key_id,
            handle_hash=hash_of_random_token(handle),
            sealed_form=_seal(form),
            expires_at=now + REGISTRATIONS,
        )
        try:
            with savepoint({"uq_registrations_own_token_kind": _Begun}):
                db.session.add(row)
        except _Begun:
            # The same person identified themself twice at once.
            row = _find_of(national_id, kind=kind)
            if row is None:
                raise
    if row.patron_id is not None or row.expires_at <= now:
        row.child_token = row.patron_id = row.done_at = None
        row.code_token = row.code_until = row.code_due_at = None
        row.sealed_form = _seal(form)
    else:
        row.sealed_form = _seal(_with_verified(open_form(row.sealed_form), by=form))
    # Whoever goes on has their guardian beside them no more.
    row.guardian_token = None
    row.handle_hash, row.expires_at = hash_of_random_token(handle), now + REGISTRATIONS
    db.session.flush()
    return handle


def find_registration(*, handle: str, now: datetime) -> Draft | None:
    """Return the registration that this browser goes on with, if there is one."""
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
    """Tell whether the code that was asked for last has not left within twenty seconds."""
    if row.code_due_at is None or row.code_until is None:
        return False
    return row.code_until - CODE_LASTS + CODE_IS_SLOW <= now


def lock_registration(*, handle: str, now: datetime) -> Registration:
    """Return the row of a registration, which nobody else changes now. Raises RegistrationGone."""
    locked = _by_handle(handle, now=now).with_for_update()
    row = db.session.scalars(locked.execution_options(populate_existing=True)).first()
    if row is None:
        raise RegistrationGone
    return row


def write_form(row: Registration, form: Form) -> None:
    """Keep what was filled in."""
    row.sealed_form = _seal(form)


def forget_form(row: Registration) -> None:
    """Keep nothing of what was filled in."""
    row.sealed_form = vault.seal(b"", column=FORM_COLUMN)


def fill_in(*, handle: str, now: datetime, **values: object) -> None:
    """Keep what the person filled in, by the names of Form's fields. Raises RegistrationGone."""
    row = lock_registration(handle=handle, now=now)
    if row.patron_id is None:
        former = open_form(row.sealed_form)
        form = replace(former, **values)  # type: ignore[arg-type]
        if form.email != former.email:
            row.code_token = row.code_until = row.code_due_at = None
        write_form(row, form)


def fill_in_contact(*, handle: str, contact: Contact, now: datetime) -> None:
    """Keep the contact data, which `check_contact` has approved. Raises RegistrationGone."""
    fill_in(handle=handle, now=now, **asdict(contact))


def name_child(*, handle: str, national_id: NationalId, name: str, birth_date: date, now: datetime) -> None:
    """Keep who the child is, as the guardian says. The number is not kept. Raises RegistrationGone or SamePerson."""
    row = lock_registration(handle=handle, now=now)
    if row.own_token in _tokens(national_id):
        raise SamePerson
    if row.patron_id is None:
        row.child_token = _token_beside(row, national_id)
        write_form(row, replace(open_form(row.sealed_form), name=name, birth_date=birth_date, stated=True))


def note_guardian(*, handle: str, national_id: NationalId, now: datetime) -> None:
    """Note that a guardian has identified themself and goes on for the young person who began.

    The number is not kept. Raises RegistrationGone or SamePerson.
    """
    row = lock_registration(handle=handle, now=now)
    if row.own_token in _tokens(national_id):
        raise SamePerson
    row.guardian_token = _token_beside(row, national_id)


def give_up(*, handle: str) -> None:
    """Delete the registration with all that was filled in."""
    db.session.execute(delete(Registration).where(Registration.handle_hash == hash_of_random_token(handle)))


def _with_verified(kept: Form, *, by: Form) -> Form:
    """Return what was filled in, with what the sign-in service tells now in its place."""
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
    """Return the token of the row's own generation: one column tells the key of all of them."""
    return vault.tokens(purpose=NATIONAL_ID, text=national_id.canonical)[row.key_id]


def _seal(form: Form) -> bytes:
    values = asdict(form) | {"birth_date": form.birth_date.isoformat() if form.birth_date else None}
    return vault.seal(json.dumps(values).encode(), column=FORM_COLUMN)


def open_form(sealed: bytes) -> Form:
    """Return what was filled in. Raises SecretNotOpened."""
    text = vault.open(sealed, column=FORM_COLUMN)
    if not text:
        return Form()
    values = json.loads(text)
    birth_date = values.pop("birth_date")
    return Form(**values, birth_date=date.fromisoformat(birth_date) if birth_date else None)
