"""Codes to a patron's proven e-mail address or phone: whether one can be sent, and asking for it."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select

from app.register.limits.budgets import take_tries
from app.register.messages.message_queue import CodeState, see_code
from app.register.messages.outbox import ask_for_message, choose_channel
from app.register.patron.proven import REACHED
from app.register.sign_in.one_time import NEW_DEVICE, STEP_UP
from app.register.sign_in.pins import in_use_since
from app.register.store.transaction import autonomous, writing
from app.register.tables.patrons import Patron
from app.rules.messages import NEW_DEVICE_CODE, STEP_UP_CODE
from app.rules.pins.pin import CODE_SENT

_KINDS = {NEW_DEVICE: NEW_DEVICE_CODE, STEP_UP: STEP_UP_CODE}


def code_channel(*, patron_id: int, channels: Collection[str]) -> str | None:
    """Return by which of the `channels` with a sender here a code is sent to the patron; None where by none."""
    with autonomous() as connection:
        patron = connection.execute(select(*REACHED).where(Patron.id == patron_id)).first()
    return choose_channel(patron, kind=STEP_UP_CODE, channels=channels) if patron is not None else None


def ask_for_code(*, patron_id: int, purpose: str, now: datetime, channel: str | None = None) -> None:
    """Queue a NEW_DEVICE or STEP_UP code, by `channel` or the preferred way. Raises TooManyAttempts: five an hour."""
    take_tries(tries=[(CODE_SENT, f"{purpose} {patron_id}")], now=now)
    with writing():
        ask_for_message(patron_id=patron_id, kind=_KINDS[purpose], channel=channel, now=now)


def may_still_sign_in(*, patron_id: int, since: datetime) -> bool:
    """Tell whether the patron may sign in, and the PIN was not changed since then."""
    with autonomous() as connection:
        return connection.execute(in_use_since(patron_id=patron_id, since=since)).first() is not None


def see_code_for(*, patron_id: int, purpose: str, since: datetime, now: datetime) -> CodeState | None:
    """Return the state of the last code that was asked for since then; None where none was."""
    return see_code(patron_id=patron_id, kind=_KINDS[purpose], since=since, now=now)
