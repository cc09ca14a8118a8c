"""Signing in with card number and PIN, for every door."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select, update

from app.register.keys.vault import vault
from app.register.limits.budgets import FirstOf, Need, TooManyAttempts, from_source, give_back_right_tries, take_tries
from app.register.patron.card_status import COLUMNS, may_sign_in, status_of
from app.register.patron.patrons import NoSuchPatron, lock_patron, note_use
from app.register.sign_in.devices import recognise_device
from app.register.store.transaction import autonomous, db, reading
from app.register.tables.patrons import Patron, PinVerifier
from app.rules.card.number import NotACardNumber, parse_card_number
from app.rules.errors import RuleBroken
from app.rules.people.ages import day_in_norway
from app.rules.pins import pin as pin_rules
from app.rules.pins.source import source_of
from app.rules.typed import clean_identifier


class SignInRefused(RuleBroken):
    """Unknown card, blocked card or wrong PIN. Neither the text nor the time reveals which."""


class ProofNeeded(TooManyAttempts):
    """So many PINs were wrong in the country that an unknown device must enter a code first."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a try comes from.

    On the web: the network address, and the browser's device token, if any. At a machine: the `door` (its kind and
    library), which has budgets of its own for each card, and the other `tries` that it costs. After a code that was
    sent to the patron (`code_entered`) the country's budget does not count.
    """

    address: str = ""
    device_token: str | None = None
    door: str = ""
    tries: Sequence[Need] = ()
    code_entered: bool = False


def set_pin(*, patron_id: int, pin: str, now: datetime) -> None:
    """Set the patron's PIN in place of the old one."""
    db.session.merge(PinVerifier(patron_id=patron_id, verifier=vault.hash_pin(pin), key_id=vault.key_id, set_at=now))


def sign_in(*, card_number: str, pin: str, origin: Origin, now: datetime, answers: bool = True) -> int:
    """Return the id of the patron with this card number and PIN, both as typed.

    Without `answers` every PIN is wrong: none is compared with the patron's verifier. The tries are taken and committed
    before the PIN is checked. A device that this card knows has tries of its own, so that a stranger cannot lock the
    patron out. A right PIN under an older key is stored under the newest. Raises SignInRefused, TooManyAttempts or
    ProofNeeded.
    """
    pin = clean_identifier(pin)
    try:
        number = parse_card_number(card_number)
    except NotACardNumber:
        number = ""
    with reading():
        row = db.session.execute(
            select(Patron.id, *COLUMNS, Patron.last_used_on, PinVerifier.verifier, PinVerifier.key_id)
            .join(PinVerifier, PinVerifier.patron_id == Patron.id, isouter=True)
            .where(Patron.card_number == number)
        ).first()
        # Queried also where there is no such card, so that the time is the same.
        known_device = recognise_device(patron_id=row.id if row else 0, token=origin.device_token)
        device_id = known_device.id if known_device else None
    # A new PIN has tries of its own, so that the patron can sign in with it immediately.
    card = f"{number or card_number[:40]} {row.verifier if row else ''}"
    if not answers:
        # A machine that learns nothing about the card uses up none of its tries elsewhere.
        card = f"{card} {origin.door}"
    try:
        taken = take_tries(tries=tries_of_sign_in(card=card, device_id=device_id, origin=origin), now=now)
    except TooManyAttempts as refusal:
        if refusal.purpose == pin_rules.ALL.purpose:
            raise ProofNeeded(refusal.retry_after) from None
        raise
    asked = row if answers else None
    verifier, key_id = (asked.verifier, asked.key_id) if asked else (None, None)
    right = vault.verify_pin(pin if pin_rules.is_pin(pin) else "", verifier, key_id)
    if row is None or not right or not status_of(row).may_sign_in:
        raise SignInRefused
    give_back_right_tries(tries=taken, card=number, address=origin.address, now=now)
    if row.key_id < vault.key_id:
        _renew_pin(patron_id=row.id, pin=pin, verifier=row.verifier)
    if row.last_used_on < day_in_norway(now):
        note_use(patron_id=row.id, now=now)
    return int(row.id)


def lock_sign_in(*, patron_id: int, since: datetime | None) -> None:
    """Lock the patron for a session that begins, if the PIN that was entered at `since` is still valid.

    A report of loss or a change of the PIN waits for the lock, and then ends that session. Raises SignInRefused.
    """
    try:
        patron = lock_patron(patron_id)
    except NoSuchPatron:
        raise SignInRefused from None
    stands = since is None or db.session.scalar(in_use_since(patron_id=patron_id, since=since)) is not None
    if not (status_of(patron).may_sign_in and stands):
        raise SignInRefused


def in_use_since(*, patron_id: int, since: datetime) -> Select[int]:
    """Return the statement that finds the patron if they may sign in and the PIN was not changed since then."""
    return (
        select(Patron.id)
        .join(PinVerifier, PinVerifier.patron_id == Patron.id)
        .where(Patron.id == patron_id, may_sign_in(), PinVerifier.set_at <= since)
    )


def _renew_pin(*, patron_id: int, pin: str, verifier: str) -> None:
    entered = (PinVerifier.patron_id == patron_id) & (PinVerifier.verifier == verifier)
    renewed = update(PinVerifier).where(entered).values(verifier=vault.hash_pin(pin), key_id=vault.key_id)
    with autonomous() as connection:
        connection.execute(renewed)


def tries_of_sign_in(*, card: str, device_id: int | None, origin: Origin) -> list[Need]:
    """Return the tries that a sign-in costs. `card` is its number with the verifier of its PIN."""
    if device_id is not None:
        return [(pin_rules.DEVICE_SOON, f"{card} {device_id}"), (pin_rules.DEVICE_DAY, f"{card} {device_id}")]
    at_door = f"{origin.door} {card}"
    of_day = FirstOf((((pin_rules.CARD_DAY, at_door),), ((pin_rules.CARD_SPARE, card),)))
    of_card: list[Need] = [(pin_rules.CARD_SOON, at_door), of_day]
    if origin.door:
        return [*origin.tries, *of_card]
    of_source = from_source(pin_rules.SOURCE, origin.address)
    if origin.code_entered:
        return [*of_source, *of_card]
    strict = ((pin_rules.STRICT_SOURCE, source_of(origin.address).wide), (pin_rules.STRICT_ALL, ""))
    return [*of_source, *of_card, FirstOf((((pin_rules.ALL, ""),), strict))]
