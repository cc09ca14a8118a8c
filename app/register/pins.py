"""Signing in with card number and PIN: one engine for every door that asks for them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select, update

from app.register.budgets import Try, forget_tries, give_back_tries, take_tries
from app.register.devices import recognise_device
from app.register.inactivity import note_use
from app.register.patrons import NoSuchPatron, lock_patron
from app.register.tables import Device, Patron, PinVerifier
from app.register.transaction import db, direct_connection
from app.register.vault import vault
from app.rules.ages import day_in_norway
from app.rules.card_number import NotACardNumber, parse_card_number
from app.rules.errors import RuleBroken
from app.rules.pin import ALL, CARD_DAY, CARD_SOON, SOURCE, is_pin


class SignInRefused(RuleBroken):
    """Unknown card, blocked card or wrong PIN. Which of them is not told, in words or in time."""

    code = "sign-in-refused"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a try comes from: the network address, and the device token the browser holds, if any."""

    address: str
    device_token: str | None = None


def set_pin(*, patron_id: int, pin: str, now: datetime) -> None:
    """Set the patron's PIN; the old one is gone."""
    db.session.merge(PinVerifier(patron_id=patron_id, verifier=vault.hash_pin(pin), key_id=vault.key_id, set_at=now))


def sign_in(*, card_number: str, pin: str, origin: Origin, now: datetime, answers: bool = True) -> int:
    """Return the id of the patron whose card number and PIN these are, whatever blanks are around the PIN.

    Without `answers` every PIN is a wrong one: none is held against the patron's own verifier.

    The tries are taken and committed before the PIN is looked at. A device that this card knows has tries of its
    own, so that a stranger cannot lock the patron out. A right PIN that stands under an older key is put under the
    newest. Raises SignInRefused or TooManyAttempts.
    """
    pin = pin.strip()
    try:
        number = parse_card_number(card_number)
    except NotACardNumber:
        number = ""
    row = db.session.execute(
        select(Patron.id, Patron.card_state, Patron.last_used_on, PinVerifier.verifier, PinVerifier.key_id)
        .join(PinVerifier, PinVerifier.patron_id == Patron.id, isouter=True)
        .where(Patron.card_number == number)
    ).first()
    # Looked for even where there is no such card: one question fewer would tell.
    known_device = recognise_device(patron_id=row.id if row else 0, token=origin.device_token)
    # Nothing may be held open while tries are taken on a connection of their own.
    device_id = known_device.id if known_device else None
    db.session.rollback()
    tries = _tries(number=number or card_number[:40], device_id=device_id, address=origin.address)
    take_tries(tries=tries, now=now)
    asked = row if answers else None
    right = vault.verify_pin(
        pin if is_pin(pin) else "", asked.verifier if asked else None, asked.key_id if asked else None
    )
    if row is None or not right or row.card_state != "active":
        raise SignInRefused
    give_back_tries(tries=tries)
    if row.key_id < vault.key_id:
        _renew_pin(patron_id=row.id, pin=pin, verifier=row.verifier)
    if row.last_used_on < day_in_norway(now):
        note_use(patron_id=row.id, now=now)
    return int(row.id)


def hold_sign_in(*, patron_id: int, since: datetime | None) -> None:
    """Lock the patron for a session that begins, if the card is in use under the PIN that was entered at `since`.

    Whoever reports the card lost or changes the PIN meanwhile waits, and then ends that session; or they were first.
    Raises SignInRefused.
    """
    try:
        patron = lock_patron(patron_id)
    except NoSuchPatron:
        raise SignInRefused from None
    stands = since is None or db.session.scalar(in_use_since(patron_id=patron_id, since=since)) is not None
    if patron.card_state != "active" or not stands:
        raise SignInRefused


def in_use_since(*, patron_id: int, since: datetime) -> Select[int]:
    """Return the statement that finds the patron if the card is in use under the PIN that was entered at `since`."""
    return (
        select(Patron.id)
        .join(PinVerifier, PinVerifier.patron_id == Patron.id)
        .where(Patron.id == patron_id, Patron.card_state == "active", PinVerifier.set_at <= since)
    )


def _renew_pin(*, patron_id: int, pin: str, verifier: str) -> None:
    """Put a PIN that was just entered under the newest key, unless it was changed meanwhile."""
    entered = (PinVerifier.patron_id == patron_id) & (PinVerifier.verifier == verifier)
    renewed = update(PinVerifier).where(entered).values(verifier=vault.hash_pin(pin), key_id=vault.key_id)
    with direct_connection() as connection:
        connection.execute(renewed)


def forget_wrong_pins(*, patron_id: int, card_number: str) -> None:
    """Let whoever has just got a new PIN sign in at once, however often the old one was guessed at."""
    device_ids = db.session.scalars(select(Device.id).where(Device.patron_id == patron_id)).all()
    forget_tries(tries=[each for device_id in (None, *device_ids) for each in _tries_of_card(card_number, device_id)])


def _tries(*, number: str, device_id: int | None, address: str) -> list[Try]:
    of_card = _tries_of_card(number, device_id)
    return of_card if device_id is not None else [(SOURCE, address), (ALL, ""), *of_card]


def _tries_of_card(number: str, device_id: int | None) -> list[Try]:
    whose = number if device_id is None else f"{number} {device_id}"
    return [(CARD_SOON, whose), (CARD_DAY, whose)]
