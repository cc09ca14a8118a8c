"""Passes in a phone's wallet. Each is a device of its own, with its own credential and key.

A wallet never asks the register again: its pass works until it expires or is revoked: docs/adr/0017.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select

from app.register.card.cards import add_credential, draw_key, expire_in_a_day
from app.register.keys.vault import vault
from app.register.limits.budgets import take_tries
from app.register.messages.outbox import ask_for_message
from app.register.patron.card_status import is_in_use, status_of
from app.register.patron.patrons import lock_patron
from app.register.sign_in.devices import APPLE_WALLET, GOOGLE_WALLET, add_wallet
from app.register.store.transaction import db, writing
from app.register.tables.devices import Credential, Device
from app.register.tables.library import Library
from app.register.tables.patrons import Patron
from app.rules.card.code import Kind, build
from app.rules.errors import RuleBroken
from app.rules.messages import NEW_WALLET
from app.rules.pins.pin import Budget

ROTATING_LASTS: Final = timedelta(days=365)
STATIC_LASTS: Final = timedelta(days=90)
_PASSES = Budget("wallet passes", limit=10, seconds=24 * 3600)


class StaticCodesNotAllowed(RuleBroken):
    """The patron's home library does not accept static codes."""


@dataclass(frozen=True, slots=True)
class WalletPass:
    """What a pass is made of. `head` is the first 16 digits, or a whole static code; `key` makes the other eight.

    `holder` is a pseudonym, the same for all passes of a patron in one wallet. Instants are UTC.
    """

    name: str
    card_number: str
    head: str
    key: bytes = field(repr=False)
    holder: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Allowed:
    """Which passes a patron may have: with a rotating code, with a static one."""

    rotating: bool
    static: bool


def allowed_passes(*, patron_id: int) -> Allowed:
    """Return which passes the patron may have now."""
    found = select(is_in_use(), Library.static_codes).join(Library, Library.id == Patron.home_library_id)
    in_use, static_codes = db.session.execute(found.where(Patron.id == patron_id)).one()
    return Allowed(rotating=in_use, static=in_use and static_codes)


def issue_pass(*, kind: Kind, patron_id: int, channel: str | None, now: datetime) -> WalletPass:
    """Give a patron a rotating pass for Google Wallet, or a static one for Apple Wallet, and notify them by `channel`.

    The former pass works for a day more. Raises CardRefused, StaticCodesNotAllowed, NoSuchPatron or TooManyAttempts.
    """
    take_tries(tries=[(_PASSES, str(patron_id))], now=now)
    with writing():
        return _issue(kind=kind, patron_id=patron_id, channel=channel, now=now)


def _issue(*, kind: Kind, patron_id: int, channel: str | None, now: datetime) -> WalletPass:
    wallet, lasts = (GOOGLE_WALLET, ROTATING_LASTS) if kind is Kind.ROTATING else (APPLE_WALLET, STATIC_LASTS)
    # Locked: a loss report, freezing or erasure waits, and then revokes this pass too.
    patron = lock_patron(patron_id)
    allowed = allowed_passes(patron_id=patron_id)
    status_of(patron).check_in_use()
    if kind is Kind.STATIC and not allowed.static:
        raise StaticCodesNotAllowed
    former = select(Device.id).where(Device.patron_id == patron_id, Device.label == wallet)
    expire_in_a_day(Credential.device_id.in_(former), Credential.revoked_at.is_(None), now=now)
    key = draw_key()
    credential = add_credential(
        patron_id=patron_id,
        device_id=add_wallet(patron_id=patron_id, wallet=wallet, now=now).id,
        key_of=lambda _number: key,
        kind=kind,
        expires_at=now + lasts,
        now=now,
        key_on_phone=kind is Kind.ROTATING,
    )
    if channel is not None:
        ask_for_message(patron_id=patron_id, kind=NEW_WALLET, channel=channel, now=now)
    return WalletPass(
        name=patron.name,
        card_number=patron.card_number,
        head=build(kind=kind, credential=credential.number),
        key=key,
        holder=vault.subject(f"{wallet} {patron_id}")[:32],
        expires_at=credential.expires_at,
    )
