"""Orders of a new PIN, or of a code that comes before the PIN. The request stores only the number that was typed.

The worker finds out whose it is, so that a card that exists and one that does not cost the same work and get the same
answer. It sends a link to a new PIN, or a code; no PIN is ever sent.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, delete, exists, select

from app.register.keys.vault import SecretNotOpened, vault
from app.register.limits.budgets import FirstOf, from_source, take_tries
from app.register.messages.outbox import ask_for_message, choose_channel
from app.register.patron.card_status import may_sign_in, status_of
from app.register.patron.patrons import lock_patron
from app.register.patron.proven import LETTER
from app.register.sign_in.one_time import NEW_DEVICE, use_code
from app.register.store.transaction import autonomous, db, writing
from app.register.tables.messages import Message, PinOrder
from app.register.tables.patrons import Patron
from app.rules.card.number import NotACardNumber, parse_card_number
from app.rules.errors import RuleBroken
from app.rules.messages import CODE_FIRST, LINKS, NEW_PIN
from app.rules.pins import pin as pin_rules
from app.rules.pins.source import source_of

SEALED_NUMBER_COLUMN = "pin_orders.sealed_number"


class NotPrintedHere(RuleBroken):
    """Letters are printed by the home library alone."""


def order_new_pin(*, card_number: str, address: str, now: datetime) -> None:
    """Order a new PIN for a card number, from a network address. Raises TooManyAttempts or NotACardNumber."""
    of_source = from_source(pin_rules.ORDER_SOURCE, address)
    try:
        number = parse_card_number(card_number)
    except NotACardNumber:
        take_tries(tries=of_source, now=now)
        raise
    # An attacker with many addresses slows the others down, but does not keep them from ordering.
    strict = (pin_rules.ORDER_STRICT_SOURCE, source_of(address).wide)
    of_all = FirstOf((((pin_rules.ORDER_ALL, ""),), (strict,)))
    take_tries(tries=[*of_source, (pin_rules.ORDER_CARD, number), of_all], now=now)
    _note(number, purpose=NEW_PIN, now=now)


def order_code(*, card_number: str, address: str, now: datetime) -> None:
    """Order the code without which no PIN is checked. What was typed need be no number. Raises TooManyAttempts."""
    strict = (pin_rules.CODE_ORDER_STRICT_SOURCE, source_of(address).wide)
    of_all = FirstOf((((pin_rules.CODE_ORDER_ALL, ""),), (strict,)))
    of_card = (pin_rules.CODE_ORDER_CARD, _typed(card_number))
    take_tries(tries=[*from_source(pin_rules.CODE_ORDER_SOURCE, address), of_card, of_all], now=now)
    _note(_typed(card_number), purpose=NEW_DEVICE, now=now)


def use_ordered_code(*, card_number: str, code: str, address: str, now: datetime) -> None:
    """Use up a card's code, at the same cost for an unknown card. Raises CodeNotValid or TooManyAttempts."""
    number = _typed(card_number)
    with autonomous() as connection:
        whose = select(Patron.id).where(Patron.card_number == number, may_sign_in())
        patron_id = connection.scalar(whose) or 0
    use_code(patron_id=patron_id, purpose=NEW_DEVICE, typed=number, code=code, address=address, now=now)


def _typed(card_number: str) -> str:
    try:
        return parse_card_number(card_number)
    except NotACardNumber:
        return card_number[:40] or "-"


@writing()
def _note(number: str, *, purpose: str, now: datetime) -> None:
    sealed = vault.seal(number.encode(), column=SEALED_NUMBER_COLUMN)
    db.session.add(PinOrder(purpose=purpose, sealed_number=sealed, asked_at=now))


@writing()
def handle_pin_order(*, channels: Collection[str], now: datetime) -> bool:
    """Handle the oldest order, and delete it. Returns whether there was one.

    `channels` are those with a sender here. No message is queued where the card is lost or its holder dead, and no
    second letter where one waits to be printed.
    """
    # Locked, so that of two orders the second finds the letter of the first.
    oldest = select(PinOrder).order_by(PinOrder.id).limit(1).with_for_update()
    order = db.session.scalar(oldest)
    if order is None:
        return False
    patron = _find_patron(order)
    if patron is not None and order.purpose == NEW_DEVICE:
        _ask_for_code(patron, channels, asked_at=order.asked_at)
    elif patron is not None and not _is_a_second_letter(patron, channels):
        ask_for_message(patron_id=patron.id, kind=NEW_PIN, now=now)
    db.session.execute(delete(PinOrder).where(PinOrder.id == order.id))
    return True


def _find_patron(order: PinOrder) -> Patron | None:
    try:
        number = vault.open(order.sealed_number, column=SEALED_NUMBER_COLUMN).decode()
    except SecretNotOpened:
        # It would never open, and would block the queue.
        return None
    return db.session.scalar(select(Patron).where(Patron.card_number == number, may_sign_in()))


def _ask_for_code(patron: Patron, channels: Collection[str], *, asked_at: datetime) -> None:
    channel = choose_channel(patron, kind=CODE_FIRST, channels=channels)
    if channel is not None:
        # A code is not sent ten minutes after the order.
        ask_for_message(patron_id=patron.id, kind=CODE_FIRST, channel=channel, now=asked_at)


def _is_a_second_letter(patron: Patron, channels: Collection[str]) -> bool:
    if choose_channel(patron, kind=NEW_PIN, channels=channels) != LETTER:
        return False
    waiting = exists().where(Message.patron_id == patron.id, Message.kind.in_(LINKS), Message.sent_at.is_(None))
    return bool(db.session.scalar(select(waiting)))


def send_new_pin_link(*, patron_id: int, library_id: str, by_letter: bool, now: datetime) -> None:
    """Queue a link to a new PIN, by the patron's preferred channel or as a letter, unless one is queued already.

    Raises CardRefused or NotPrintedHere. Nobody signs in with a lost card; to thaw a frozen one the patron orders the
    PIN without the desk.
    """
    patron = lock_patron(patron_id)
    status_of(patron).check_in_use()
    if by_letter and patron.home_library_id != library_id:
        raise NotPrintedHere
    if by_letter:
        if not _is_there(patron_id, Message.channel == LETTER, Message.due_at.is_(None)):
            # Not due, since it is printed, not sent.
            ask_for_message(patron_id=patron_id, kind=NEW_PIN, channel=LETTER, due=False, now=now)
    elif not _is_there(patron_id, Message.due_at.is_not(None), Message.attempts == 0):
        ask_for_message(patron_id=patron_id, kind=NEW_PIN, now=now)


def _is_there(patron_id: int, *conditions: ColumnElement[bool]) -> bool:
    found = select(Message.id).where(
        Message.patron_id == patron_id, Message.kind == NEW_PIN, Message.sent_at.is_(None), *conditions
    )
    return db.session.scalar(found.limit(1)) is not None
