"""A new PIN, chosen or drawn: not easy to guess, not the present one; the sessions of the old one end."""

import secrets
from datetime import datetime

from sqlalchemy import select

from app.register.card.phone_keys import end_phone_keys_elsewhere
from app.register.keys.vault import vault
from app.register.messages.outbox import ask_for_message
from app.register.patron.patrons import lock_patron
from app.register.patron.proven import addresses_for
from app.register.sign_in.one_time import forget_secrets
from app.register.sign_in.passkeys import forget_passkeys
from app.register.sign_in.pins import set_pin
from app.register.sign_in.sessions import end_sessions_of_patron
from app.register.store.transaction import db
from app.register.tables.patrons import Patron, PinVerifier
from app.rules.messages import PIN_CHANGED
from app.rules.pins.pin_choice import Fault, Guessable, PinNotGood, draw_good_pin, find_fault


def choose_pin(*, patron_id: int, pin: str, now: datetime, session_id: int | None = None) -> None:
    """Set the PIN, send a message, end other sessions than `session_id`, and other phones' cards. Raises PinNotGood.

    Without a session, as by a link, the patron's passkeys are removed too.
    """
    patron = lock_patron(patron_id)
    fault = find_fault(pin, of=_guessable(patron))
    if fault is None and _is_present_pin(patron_id, pin):
        fault = Fault.AS_BEFORE
    if fault is not None:
        raise PinNotGood(fault)
    _change(patron, pin, session_id=session_id, now=now)


def draw_pin(*, patron_id: int, now: datetime, session_id: int | None = None) -> str:
    """Draw a PIN, set it as `choose_pin` does, and return it; it is not stored in clear."""
    patron = lock_patron(patron_id)
    pin = ""
    while not pin or _is_present_pin(patron_id, pin):
        pin = draw_good_pin(of=_guessable(patron), choose=secrets.choice)
    _change(patron, pin, session_id=session_id, now=now)
    return pin


def _guessable(patron: Patron) -> Guessable:
    numbers = (patron.card_number, patron.phone or "", patron.postcode or "")
    return Guessable(birth_date=patron.birth_date, numbers=numbers)


def _is_present_pin(patron_id: int, pin: str) -> bool:
    present = select(PinVerifier.verifier, PinVerifier.key_id).where(PinVerifier.patron_id == patron_id)
    row = db.session.execute(present).first()
    return row is not None and vault.verify_pin(pin, row.verifier, row.key_id)


def _change(patron: Patron, pin: str, *, session_id: int | None, now: datetime) -> None:
    set_pin(patron_id=patron.id, pin=pin, now=now)
    end_sessions_of_patron(patron_id=patron.id, but=session_id)
    # A signed-out phone must not show the card, also without a network.
    end_phone_keys_elsewhere(patron_id=patron.id, session_id=session_id, now=now)
    # Links and codes that were asked for with the old PIN.
    forget_secrets(patron_id=patron.id)
    if session_id is None:
        # By a link: what to do where somebody else got in, who may have added one.
        forget_passkeys(patron_id=patron.id)
    if any(addresses_for(patron, is_secret=False).values()):
        ask_for_message(patron_id=patron.id, kind=PIN_CHANGED, now=now)
