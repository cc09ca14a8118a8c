"""Ordering a new PIN: the door only notes the number that was typed, and the worker finds out whose it is.

So a card that exists and one that does not cost the same work and get the same answer. What is sent is a link to a
new PIN, by the way the patron prefers; no PIN is ever sent.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, exists, select

from app.register.budgets import FirstOf, from_source, take_tries
from app.register.outbox import LETTER, LINKS, NEW_PIN, ask_for_message, choose_channel
from app.register.tables import Message, Patron, PinOrder
from app.register.transaction import db
from app.register.vault import SecretNotOpened, vault
from app.rules.card_number import NotACardNumber, parse_card_number
from app.rules.pin import ORDER_ALL, ORDER_CARD, ORDER_SOURCE, ORDER_STRICT_SOURCE
from app.rules.source import source_of

SEALED_NUMBER_COLUMN = "pin_orders.sealed_number"


def order_new_pin(*, card_number: str, address: str, now: datetime) -> None:
    """Note that a new PIN is ordered for a card number, from a network address. Comes first in a request.

    Raises TooManyAttempts, or NotACardNumber for what can be nobody's.
    """
    of_source = from_source(ORDER_SOURCE, address)
    try:
        number = parse_card_number(card_number)
    except NotACardNumber:
        take_tries(tries=of_source, now=now)
        raise
    # Somebody with many addresses may slow the others down, but not keep them from ordering.
    strict = (ORDER_STRICT_SOURCE, source_of(address).wide)
    take_tries(tries=[*of_source, (ORDER_CARD, number), FirstOf((((ORDER_ALL, ""),), (strict,)))], now=now)
    sealed = vault.seal(number.encode(), column=SEALED_NUMBER_COLUMN)
    db.session.add(PinOrder(sealed_number=sealed, asked_at=now))


def handle_pin_order(*, channels: Collection[str], now: datetime) -> bool:
    """Handle the oldest order, and forget it. Returns whether there was one.

    `channels` are those that a machine serves here. No message is asked for where the card is lost or a dead
    person's, and no second letter where one waits to be printed.
    """
    # One after the other, so that of two orders the second finds the letter of the first.
    oldest = select(PinOrder).order_by(PinOrder.id).limit(1).with_for_update()
    order = db.session.scalar(oldest)
    if order is None:
        return False
    patron = _find_patron(order)
    if patron is not None and not _is_a_second_letter(patron, channels):
        ask_for_message(patron_id=patron.id, kind=NEW_PIN, now=now)
    db.session.execute(delete(PinOrder).where(PinOrder.id == order.id))
    return True


def _find_patron(order: PinOrder) -> Patron | None:
    try:
        number = vault.open(order.sealed_number, column=SEALED_NUMBER_COLUMN).decode()
    except SecretNotOpened:
        # It would never open, and would hold up the orders behind it.
        return None
    return db.session.scalar(select(Patron).where(Patron.card_number == number, Patron.card_state == "active"))


def _is_a_second_letter(patron: Patron, channels: Collection[str]) -> bool:
    if choose_channel(patron, kind=NEW_PIN, channels=channels) != LETTER:
        return False
    waiting = exists().where(Message.patron_id == patron.id, Message.kind.in_(LINKS), Message.sent_at.is_(None))
    return bool(db.session.scalar(select(waiting)))
