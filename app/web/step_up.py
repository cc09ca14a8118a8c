"""The PIN once more, for what must not happen on a phone that lies open on a table."""

from datetime import timedelta

from flask import request
from flask_login import current_user

from app.register.patrons import get_patron
from app.register.pins import Origin, sign_in
from app.register.sessions import renew_secret
from app.web.clock import now
from app.web.identity import DEVICE_COOKIE

FRESH_FOR = timedelta(minutes=10)


def pin_is_needed() -> bool:
    """Tell whether the PIN was entered too long ago."""
    return bool(current_user.session.secret_entered_at + FRESH_FOR <= now())


def confirm_pin(pin: str) -> None:
    """Take the PIN of whoever is signed in, good for ten minutes. Raises SignInRefused or TooManyAttempts."""
    patron = get_patron(patron_id=current_user.patron_id)
    origin = Origin(address=request.remote_addr or "", device_token=request.cookies.get(DEVICE_COOKIE))
    sign_in(card_number=patron.card_number, pin=pin, origin=origin, now=now())
    renew_secret(session_id=current_user.session.id, now=now())
