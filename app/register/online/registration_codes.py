"""The code that confirms a registration's e-mail address. It has a queue of its own, since there is no patron yet."""

import hmac
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, exists, select, update

from app.register.keys.vault import hash_of_random_token, vault
from app.register.limits.budgets import from_source, give_back_tries, take_tries
from app.register.online.registrations import RegistrationGone, lock_registration, open_form, seal_form
from app.register.sign_in.one_time import CODE_LASTS, CodeNotValid
from app.register.store.transaction import autonomous, db, writing
from app.register.tables.patrons import Registration
from app.register.totals.counting import count
from app.rules.library.figures import CONFIRMED, Kind
from app.rules.pins.pin import CODE_DAY, CODE_SENT, CODE_SOON, CODE_SOURCE
from app.rules.typed import clean_identifier

_LEASE = timedelta(seconds=30)
_PAUSE = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, repr=False)
class DueCode:
    """A code to be sent now."""

    registration_id: int
    to: str
    name: str
    language: str
    code: str


def ask_for_email_code(*, handle: str, now: datetime) -> None:
    """Queue a code to the e-mail address of the form.

    A try is taken from the registration and from the address, so that nobody's mailbox is flooded. Raises
    RegistrationGone or TooManyAttempts.
    """
    registration_id, email = _peek(handle, now=now)
    take_tries(tries=[(CODE_SENT, f"registration {registration_id}"), (CODE_SENT, f"e-mail {email}")], now=now)
    with writing():
        row = lock_registration(handle=handle, now=now)
        row.code_token = None
        row.code_until = now + CODE_LASTS
        row.code_due_at = now


def confirm_email(*, handle: str, code: str, address: str, now: datetime) -> None:
    """Take tries, and check the code that was sent. Raises RegistrationGone, CodeNotValid or TooManyAttempts."""
    registration_id, _email = _peek(handle, now=now)
    whose = f"registration {registration_id}"
    tries = [*from_source(CODE_SOURCE, address), (CODE_SOON, whose), (CODE_DAY, whose)]
    take_tries(tries=tries, now=now)
    with writing():
        row = lock_registration(handle=handle, now=now)
        form = open_form(row.sealed_form)
        entered = vault.tokens(purpose="registration code", text=_text(row.id, form.email, clean_identifier(code)[:40]))
        right = [proof for proof in entered.values() if hmac.compare_digest(proof, row.code_token or "")]
        if not right or row.code_until is None or row.code_until <= now:
            raise CodeNotValid
        row.code_token = row.code_until = row.code_due_at = None
        row.sealed_form = seal_form(replace(form, confirmed_email=form.email))
        if form.confirmed_email is None:
            count(Kind.ONLINE, library_id=form.library_id, now=now, part=CONFIRMED)
    give_back_tries(tries=tries)


def is_code_due(*, now: datetime) -> bool:
    """Tell whether a code is due."""
    with autonomous() as connection:
        return bool(connection.execute(select(exists().where(*_is_due(now)))).scalar())


def _is_due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    # An expired code is not sent; the page says so.
    return Registration.code_due_at <= now, Registration.code_until > now, Registration.expires_at > now


@writing()
def take_due_code(*, now: datetime) -> DueCode | None:
    """Draw a due code (at each try another one), lease it, and commit before it is sent. None where none is due."""
    due = (
        select(Registration)
        .where(*_is_due(now))
        .order_by(Registration.code_due_at, Registration.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = db.session.scalars(due.execution_options(populate_existing=True)).first()
    if row is None:
        return None
    form = open_form(row.sealed_form)
    if not form.email:
        row.code_due_at = None
        return take_due_code(now=now)
    code = f"{secrets.randbelow(10**6):06d}"
    # With the row's own key: one column names the key of all its tokens.
    row.code_token = vault.tokens(purpose="registration code", text=_text(row.id, form.email, code))[row.key_id]
    row.code_due_at = now + _LEASE
    return DueCode(row.id, form.email, form.name, form.language, code)


@writing()
def note_code_sent(*, registration_id: int) -> None:
    """Record that the code is sent, unless another one was queued meanwhile."""
    drawn = (Registration.id == registration_id) & Registration.code_token.is_not(None)
    sent = update(Registration).where(drawn).values(code_due_at=None)
    db.session.execute(sent, execution_options={"synchronize_session": False})


@writing()
def note_code_not_sent(*, registration_id: int, now: datetime) -> None:
    """Record that sending failed: another code is drawn in ten seconds."""
    drawn = (Registration.id == registration_id) & (Registration.code_due_at > now)
    later = update(Registration).where(drawn).values(code_due_at=now + _PAUSE)
    db.session.execute(later, execution_options={"synchronize_session": False})


def _peek(handle: str, *, now: datetime) -> tuple[int, str]:
    wanted = Registration.handle_hash == hash_of_random_token(handle)
    with autonomous() as connection:
        row = connection.execute(
            select(Registration.id, Registration.sealed_form).where(wanted, Registration.expires_at > now)
        ).first()
    if row is None:
        raise RegistrationGone
    return int(row.id), open_form(row.sealed_form).email or ""


def _text(registration_id: int, email: str | None, code: str) -> str:
    return f"{registration_id} {email} {code}"
