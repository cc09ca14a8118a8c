"""Passkeys of those who work at a library: what a browser is asked, and what its answer is good for."""

from functools import partial
from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_login import current_user

from app.desk.terminal import this_workplace
from app.register.sign_in.ceremonies import creation_options, request_options
from app.register.sign_in.passkeys import check_new_passkey
from app.register.sign_in.sessions import renew_secret
from app.register.staff.staff_passkeys import (
    CheckedStaff,
    add_staff_passkey,
    check_staff_passkey,
    give_back_staff_tries,
    handle_for_staff,
    known_staff_passkeys,
    note_staff_passkey,
)
from app.register.store.transaction import writing
from app.web.clock import now
from app.web.sign_in.device_label import device_label
from app.web.sign_in.identity import start_staff_session
from app.web.sign_in.passkeys import Purpose, begin_ceremony, take_begun, this_party


def begin_confirming() -> dict[str, Any]:
    """Begin to ask whoever is signed in for a passkey; return the options for the browser. Raises NoPasskeys."""
    known = known_staff_passkeys(staff_id=current_user.staff_id)
    return request_options(this_party(), challenge=begin_ceremony(Purpose.CONFIRM), known=known)


def begin_adding() -> dict[str, Any]:
    """Begin to add a passkey of whoever is signed in; return the options for the browser. Raises NoPasskeys."""
    workplace, staff_id = this_workplace(), current_user.staff_id
    handle = handle_for_staff(staff_id=staff_id)
    challenge = begin_ceremony(Purpose.ADD, handle=handle)
    # Where a passkey is chosen, it is told from one of a library card.
    name = f"{workplace.username}, {workplace.library}"
    known = list(known_staff_passkeys(staff_id=staff_id))
    return creation_options(this_party(), handle=handle, name=name, known=known, challenge=challenge)


def log_in_with_passkey(answer: str) -> int:
    """Sign in whose passkey has answered, in place of password and one-time code, and return their id.

    Raises PasskeyRefused, PasskeyCopied, CeremonyOver, StaffSignInRefused or TooManyAttempts.
    """
    checked = _check(Purpose.LOGIN, answer)
    with writing():
        note_staff_passkey(checked, now=now())
        start_staff_session(staff_id=checked.staff_id)
    give_back_staff_tries(checked)
    return checked.staff_id


def confirm_with_passkey(answer: str) -> None:
    """Take a passkey of whoever is signed in, good for ten minutes in place of password and one-time code.

    Raises PasskeyRefused, PasskeyCopied, CeremonyOver or TooManyAttempts.
    """
    checked = _check(Purpose.CONFIRM, answer, staff_id=current_user.staff_id)
    with writing():
        note_staff_passkey(checked, now=now())
    give_back_staff_tries(checked)
    renew_secret(session_id=current_user.session.id, now=now())


def _check(purpose: Purpose, answer: str, *, staff_id: int | None = None) -> CheckedStaff:
    begun, party, address = take_begun(purpose), this_party(), request.remote_addr or ""
    asked = partial(check_staff_passkey, challenge=begun.challenge, party=party, address=address)
    return asked(answer=answer, staff_id=staff_id, now=now())


def add_passkey_here(answer: str, *, label: str) -> None:
    """Add the passkey that the browser has made. Without a label it is called after the browser.

    Raises PasskeyRefused, TooManyPasskeys, CeremonyOver or TooManyAttempts.
    """
    begun, party, address = take_begun(Purpose.ADD), this_party(), request.remote_addr or ""
    created = check_new_passkey(answer=answer, challenge=begun.challenge, party=party, address=address, now=now())
    name = label or device_label(request.headers.get("User-Agent", ""))
    with writing():
        add_staff_passkey(staff_id=current_user.staff_id, handle=begun.handle, created=created, label=name, now=now())


def without_passkey() -> str:
    """Return that a passkey was refused, and what to do, in the reader's language."""
    return _("That did not work. Try again, or use password and one-time code.")
