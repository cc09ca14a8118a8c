"""Passkeys at the portal: what a browser is asked, what its cookie keeps meanwhile, and what its answer is good for.

The challenge waits sealed in the browser's cookie, one for each purpose, for five minutes; the register counts it once.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from flask import Response, current_app, make_response, redirect, request, session, url_for
from flask_login import current_user

from app.register.messages.outbox import ask_for_message
from app.register.patron.patrons import get_patron
from app.register.sign_in.ceremonies import LASTS_SECONDS, Known, Party, creation_options, party_at, request_options
from app.register.sign_in.devices import is_confirmed
from app.register.sign_in.passkeys import (
    CeremonyOver,
    Checked,
    ShownPasskey,
    add_passkey,
    check_new_passkey,
    check_passkey,
    give_back_passkey_tries,
    handle_for,
    known_passkeys,
    note_passkey,
)
from app.register.sign_in.sessions import renew_both
from app.register.store.transaction import writing
from app.rules.clocks import is_ahead
from app.rules.errors import RuleBroken
from app.rules.messages import NEW_DEVICE as NEW_DEVICE_TOLD
from app.web.clock import now
from app.web.http.cookies import device_token, keep_device
from app.web.sign_in.device_label import device_label
from app.web.sign_in.identity import start_patron_session
from app.web.sign_in.sealed import keep_sealed, read_sealed

LASTS: Final = timedelta(seconds=LASTS_SECONDS)
_CHALLENGE_BYTES: Final = 32


class NoPasskeys(RuleBroken):
    """The portal's address is a number, to which no passkey can be bound."""


class Purpose(StrEnum):
    """What a passkey is asked for."""

    LOGIN = "login"
    CONFIRM = "confirm"
    ADD = "add"


@dataclass(frozen=True, slots=True)
class Begun:
    """What a browser was asked, when (UTC), and for a new passkey by which word it names its user."""

    challenge: str
    at: datetime
    handle: str = ""


def passkey_origin() -> str:
    """Return the only address at which passkeys work; empty where they work nowhere."""
    party = party_at(current_app.config["PUBLIC_URL"])
    return party.origin if party else ""


def this_party() -> Party:
    """Return the portal as relying party. Raises NoPasskeys."""
    party = party_at(current_app.config["PUBLIC_URL"])
    if party is None:
        raise NoPasskeys
    return party


def begin_ceremony(purpose: Purpose, *, handle: str = "") -> str:
    """Draw a challenge, which waits in the browser's cookie, and return it."""
    challenge = secrets.token_urlsafe(_CHALLENGE_BYTES)
    keep_sealed(f"passkey_{purpose}", Begun(challenge, now(), handle))
    return challenge


def take_begun(purpose: Purpose) -> Begun:
    """Take what the browser was asked out of its cookie. Raises CeremonyOver where it is too old, or there is none."""
    begun = read_sealed(f"passkey_{purpose}", Begun)
    session.pop(f"passkey_{purpose}", None)
    if begun is None or is_ahead(begun.at, now=now()) or begun.at + LASTS <= now():
        raise CeremonyOver
    return begun


def begin_login() -> dict[str, Any]:
    """Begin a sign-in of whoever has a passkey; return the options for the browser. Raises NoPasskeys."""
    return request_options(this_party(), challenge=begin_ceremony(Purpose.LOGIN))


def begin_confirming() -> dict[str, Any]:
    """Begin to ask the patron who is signed in for a passkey; return the options for the browser. Raises NoPasskeys."""
    known = known_passkeys(patron_id=current_user.patron_id)
    return request_options(this_party(), challenge=begin_ceremony(Purpose.CONFIRM), known=known)


def begin_adding() -> dict[str, Any]:
    """Begin to add a passkey of the patron who is signed in; return the options for the browser. Raises NoPasskeys."""
    patron = get_patron(patron_id=current_user.patron_id)
    known: list[Known] = list(known_passkeys(patron_id=patron.id))
    handle = handle_for(patron_id=patron.id)
    challenge = begin_ceremony(Purpose.ADD, handle=handle)
    return creation_options(this_party(), handle=handle, name=patron.name, known=known, challenge=challenge)


def log_in_with_passkey(answer: str, *, own_device: bool, goes_on_to: str) -> Response:
    """Sign in whose passkey has answered, and lead to the page that is named by its endpoint.

    It replaces PIN and code, and confirms the device. Where codes are asked for, the patron gets a message about a new
    device that stays. Raises PasskeyRefused, PasskeyCopied, CeremonyOver, SignInRefused or TooManyAttempts.
    """
    checked = _check(Purpose.LOGIN, answer)
    told = own_device and current_app.config["NEW_DEVICE"] == "code"
    is_new = told and not is_confirmed(patron_id=checked.patron_id, token=device_token())
    with writing():
        note_passkey(checked, now=now())
        token = start_patron_session(patron_id=checked.patron_id, own_device=own_device, code_entered=True)
        if is_new:
            ask_for_message(patron_id=checked.patron_id, kind=NEW_DEVICE_TOLD, now=now())
    give_back_passkey_tries(checked, now=now())
    return keep_device(make_response(redirect(url_for(goes_on_to))), token)


def confirm_with_passkey(answer: str) -> None:
    """Take a passkey of the patron who is signed in, good for ten minutes in place of PIN and code.

    Raises PasskeyRefused, PasskeyCopied, CeremonyOver or TooManyAttempts.
    """
    checked = _check(Purpose.CONFIRM, answer, patron_id=current_user.patron_id)
    with writing():
        note_passkey(checked, now=now())
    give_back_passkey_tries(checked, now=now())
    renew_both(session_id=current_user.session.id, now=now())


def _check(purpose: Purpose, answer: str, *, patron_id: int | None = None) -> Checked:
    begun, address = take_begun(purpose), request.remote_addr or ""
    return check_passkey(
        answer=answer, challenge=begun.challenge, party=this_party(), address=address, patron_id=patron_id, now=now()
    )


def add_passkey_here(answer: str, *, label: str) -> ShownPasskey:
    """Add and return the passkey that the browser has made. Without a label it is called after the browser.

    Raises PasskeyRefused, TooManyPasskeys, CeremonyOver or TooManyAttempts.
    """
    begun, address = take_begun(Purpose.ADD), request.remote_addr or ""
    party = this_party()
    created = check_new_passkey(answer=answer, challenge=begun.challenge, party=party, address=address, now=now())
    name = label or device_label(request.headers.get("User-Agent", ""))
    with writing():
        return add_passkey(
            patron_id=current_user.patron_id, handle=begun.handle, created=created, label=name, now=now()
        )
