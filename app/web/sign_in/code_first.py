"""Signing in while the country's budget of wrong PINs is used up: a code comes before the PIN is checked.

Nothing here may depend on whether there is such a card, whether the PIN is right, or whether a code can be sent: the
number that was typed is written down, the PIN waits in the browser's cookie, sealed, and the worker finds out the rest.
"""

from dataclasses import dataclass
from datetime import datetime

from flask import Response, current_app, make_response, redirect, request, session, url_for

from app.register.patron.proven import EMAIL, SMS
from app.register.sign_in.confirmation import code_channel
from app.register.sign_in.one_time import CODE_LASTS
from app.register.sign_in.pin_orders import order_code, use_ordered_code
from app.register.sign_in.pins import Origin, sign_in
from app.web.clock import now
from app.web.gate import channels_served
from app.web.http.cookies import device_token
from app.web.sign_in.new_device import start_session_with_code
from app.web.sign_in.sealed import keep_sealed, read_sealed

_KEPT_AS = "code_first"


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed at signing in, and when (UTC). Nothing of it is checked yet."""

    card_number: str
    pin: str
    own_device: bool
    asked_at: datetime


def can_ask_for_code_first() -> bool:
    """Tell whether codes are asked for here, and a machine can send them."""
    return current_app.config["NEW_DEVICE"] == "code" and any(each in channels_served() for each in (EMAIL, SMS))


def ask_for_code_first(*, card_number: str, pin: str, own_device: bool) -> Response:
    """Ask for a code, and lead to the page that takes it. Raises TooManyAttempts."""
    instant = now()
    order_code(card_number=card_number, address=request.remote_addr or "", now=instant)
    keep_sealed(_KEPT_AS, Typed(card_number, pin, own_device, asked_at=instant))
    return make_response(redirect(url_for("portal.code_first")))


def find_typed() -> Typed | None:
    """Return what waits in this browser for a code, for ten minutes."""
    typed = read_sealed(_KEPT_AS, Typed)
    return typed if typed is not None and typed.asked_at + CODE_LASTS > now() else None


def sign_in_with_code(typed: Typed, *, code: str) -> Response:
    """Sign in who has the code and typed the right PIN, which is checked only now.

    Raises CodeNotValid, SignInRefused or TooManyAttempts.
    """
    address, instant = request.remote_addr or "", now()
    use_ordered_code(card_number=typed.card_number, code=code, address=address, now=instant)
    # The code is used up, and with it what was typed.
    forget_typed()
    origin = Origin(address=address, device_token=device_token(), code_entered=True)
    patron_id = sign_in(card_number=typed.card_number, pin=typed.pin, origin=origin, now=instant)
    channel = code_channel(patron_id=patron_id, channels=channels_served())
    return start_session_with_code(patron_id=patron_id, own_device=typed.own_device, channel=channel, since=instant)


def forget_typed() -> None:
    """Forget what was typed."""
    session.pop(_KEPT_AS, None)
