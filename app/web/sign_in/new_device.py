"""Signing in on a device that the card does not know: with NEW_DEVICE=code, a code is sent to the patron first.

Why it is asked for, and of whom it is not: docs/adr/0011.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from flask import Response, current_app, make_response, redirect, request, session, url_for

from app.register.messages.outbox import ask_for_message
from app.register.sign_in.confirmation import ask_for_code, code_channel, may_still_sign_in, see_code_for
from app.register.sign_in.devices import is_confirmed
from app.register.sign_in.one_time import CODE_LASTS, NEW_DEVICE, use_code
from app.register.store.transaction import writing
from app.rules.errors import RuleBroken
from app.rules.messages import NEW_DEVICE as NEW_DEVICE_TOLD
from app.rules.pins.pin import CODE_RESENT_AFTER
from app.web.clock import now
from app.web.gate import channels_served
from app.web.http.cookies import device_token, keep_device
from app.web.sign_in.identity import start_patron_session
from app.web.sign_in.sealed import keep_sealed, read_sealed

_KEPT_AS = "new_device"


class TooSoon(RuleBroken):
    """A code was sent a moment ago. `seconds` is how long to wait before asking for another."""

    def __init__(self, seconds: int) -> None:
        super().__init__()
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Waiting:
    """A sign-in whose PIN was right, and whose code is on its way. `channel` is email or sms; instants are UTC."""

    patron_id: int
    own_device: bool
    channel: str
    pin_entered_at: datetime
    code_sent_at: datetime


def start_session_or_ask(*, patron_id: int, own_device: bool, since: datetime) -> Response:
    """Sign in who entered the right PIN at `since`, or send a code and redirect to the page that asks for it.

    Raises SignInRefused where card or PIN was changed meanwhile; TooManyAttempts after five codes within the hour.
    """
    if current_app.config["NEW_DEVICE"] != "code" or is_confirmed(patron_id=patron_id, token=device_token()):
        return _let_in(patron_id=patron_id, own_device=own_device, confirmed=True, since=since)
    channel = code_channel(patron_id=patron_id, channels=channels_served())
    if channel is None:
        # Nothing can be sent to them. The device stays unconfirmed, and a code is asked for once they have an address.
        return _let_in(patron_id=patron_id, own_device=own_device, confirmed=False, since=since)
    instant = now()
    ask_for_code(patron_id=patron_id, purpose=NEW_DEVICE, now=instant)
    keep_sealed(_KEPT_AS, Waiting(patron_id, own_device, channel, pin_entered_at=since, code_sent_at=instant))
    return make_response(redirect(url_for("portal.login_code")))


def find_waiting() -> Waiting | None:
    """Return the sign-in that waits in this browser, for ten minutes from the last code and while the PIN stands."""
    waiting = read_sealed(_KEPT_AS, Waiting)
    if waiting is None or waiting.code_sent_at + CODE_LASTS <= now():
        return None
    return waiting if may_still_sign_in(patron_id=waiting.patron_id, since=waiting.pin_entered_at) else None


def code_failed() -> bool:
    """Tell whether the code that this browser waits for, or waited for until it was too late, could not be sent."""
    waiting = read_sealed(_KEPT_AS, Waiting)
    if waiting is None:
        return False
    sent = see_code_for(patron_id=waiting.patron_id, purpose=NEW_DEVICE, since=waiting.code_sent_at, now=now())
    return sent in (None, "not sent")


def send_again(waiting: Waiting) -> None:
    """Send another code; the one before is worth nothing then. Where that could not be sent, it goes another way.

    Raises TooSoon or TooManyAttempts.
    """
    instant, failed, channel = now(), code_failed(), waiting.channel
    left = (waiting.code_sent_at + CODE_RESENT_AFTER - instant).total_seconds()
    # A longer wait comes from a clock that was wrong.
    if 0 < left <= CODE_RESENT_AFTER.total_seconds() and not failed:
        raise TooSoon(seconds=-int(-left // 1))
    if failed:
        others = [each for each in channels_served() if each != waiting.channel]
        channel = code_channel(patron_id=waiting.patron_id, channels=others) or channel
    ask_for_code(patron_id=waiting.patron_id, purpose=NEW_DEVICE, channel=channel, now=instant)
    keep_sealed(_KEPT_AS, replace(waiting, channel=channel, code_sent_at=instant))


def finish(waiting: Waiting, *, code: str) -> Response:
    """Sign in who has the code. Raises CodeNotValid, SignInRefused or TooManyAttempts."""
    address, patron_id = request.remote_addr or "", waiting.patron_id
    use_code(patron_id=patron_id, purpose=NEW_DEVICE, code=code, address=address, now=now())
    return start_session_with_code(
        patron_id=patron_id, own_device=waiting.own_device, channel=waiting.channel, since=waiting.pin_entered_at
    )


def start_session_with_code(*, patron_id: int, own_device: bool, channel: str | None, since: datetime) -> Response:
    """Sign in who has entered code and PIN, and send the patron a message by `channel` about a device that stays.

    Raises SignInRefused.
    """
    with writing():
        response = _let_in(patron_id=patron_id, own_device=own_device, confirmed=True, code_entered=True, since=since)
        if own_device:
            ask_for_message(patron_id=patron_id, kind=NEW_DEVICE_TOLD, channel=channel, now=now())
    return response


def forget_waiting() -> None:
    """Forget the sign-in that waits in this browser."""
    session.pop(_KEPT_AS, None)


def _let_in(
    *, patron_id: int, own_device: bool, confirmed: bool, since: datetime, code_entered: bool = False
) -> Response:
    token = start_patron_session(
        patron_id=patron_id, own_device=own_device, confirmed=confirmed, code_entered=code_entered, since=since
    )
    return keep_device(make_response(redirect(url_for("portal.my"))), token)
