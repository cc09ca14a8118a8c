"""Coming in when nobody is at work, and borrowing tablets and e-books: agreements, and the door's book of entries.

A visitor is known by card number alone. The caller has checked card, PIN and age; the age is used and not kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, select

from circulation.database import Database, lock_patrons
from circulation.errors import Refused
from circulation.lending.accounts import blocks_of
from circulation.lending.patrons import count_rows
from circulation.lending.transaction import Transaction
from circulation.policy.library import Policy
from circulation.policy.self_service import is_door_open
from circulation.tables import Agreement, DoorEntry

OPENED = "opened"
# Why the register refused before this library was asked: it goes into the same book.
REFUSED_BEFORE = ("wrong_pin", "too_many_tries", "code_refused", "replayed", "not_activated")


def list_agreements(*, tx: Transaction, card_number: str) -> Sequence[Agreement]:
    """The card's agreements, those withdrawn too."""
    mine = select(Agreement).where(Agreement.card_number == card_number).order_by(Agreement.kind)
    return tx.session.scalars(mine).all()


def note_agreement(*, tx: Transaction, card_number: str, kind: str, age: int) -> Agreement:
    """Write down that the patron has made an agreement at the desk; one that was withdrawn counts again.

    Repeating it changes nothing. Refused: not_offered, too_young (for the door).
    """
    offer = tx.policy.self_service
    if kind not in offer.kinds:
        raise Refused("not_offered")
    if kind == "door" and age < offer.door_min_age:
        raise Refused("too_young", least_age=offer.door_min_age)
    lock_patrons(tx.session, card_number)
    agreement = tx.session.get(Agreement, (card_number, kind))
    if agreement is None or agreement.withdrawn_on is not None:
        made = Agreement(card_number=card_number, kind=kind, agreed_on=tx.today, withdrawn_on=None)
        return tx.session.merge(made)
    return agreement


def withdraw_agreement(*, tx: Transaction, card_number: str, kind: str) -> Agreement:
    """End an agreement, by the patron's wish or after a breach; may be repeated. Refused: unknown_agreement."""
    lock_patrons(tx.session, card_number)
    agreement = tx.session.get(Agreement, (card_number, kind))
    if agreement is None:
        raise Refused("unknown_agreement")
    agreement.withdrawn_on = agreement.withdrawn_on or tx.today
    return agreement


def allows(*, tx: Transaction, card_number: str, kind: str) -> bool:
    """Whether the card has this agreement and is not blocked: yes or no, and nothing more."""
    agreement = tx.session.get(Agreement, (card_number, kind))
    if agreement is None or agreement.withdrawn_on is not None or kind not in tx.policy.self_service.kinds:
        return False
    return not blocks_of(tx=tx, card_number=card_number)


def enter(*, tx: Transaction, card_number: str | None, age: int, door: str, refused: str | None) -> str:
    """Decide whether the door opens, write it into the door's book, and return OPENED or why it stays shut.

    `refused` is why the register has refused already (one of REFUSED_BEFORE): it is written down and returned.
    `card_number` is None where the code named nobody.
    """
    outcome = refused or _decide(tx, card_number or "", age)
    tx.session.add(DoorEntry(at=tx.now, door=door, card_number=card_number, outcome=outcome))
    return outcome


def _decide(tx: Transaction, card_number: str, age: int) -> str:
    offer = tx.policy.self_service
    hours = tx.policy.calendar.hours
    if not is_door_open(offer=offer, hours=hours, zone=tx.policy.zone, now=tx.now):
        return "outside_hours"
    agreement = tx.session.get(Agreement, (card_number, "door"))
    if agreement is None:
        return "no_agreement"
    if agreement.withdrawn_on is not None:
        return "withdrawn"
    # It may have been raised since.
    if age < offer.door_min_age:
        return "under_age"
    return "blocked" if blocks_of(tx=tx, card_number=card_number) else OPENED


def list_entries(*, tx: Transaction, before: int | None, limit: int) -> Sequence[DoorEntry]:
    """The door's book, newest first; `before` is the number of the last entry of the page before."""
    entries = select(DoorEntry).order_by(DoorEntry.number.desc()).limit(limit)
    return tx.session.scalars(entries.where(DoorEntry.number < before) if before else entries).all()


def drop_entries(*, database: Database, policy: Policy, now: datetime) -> int:
    """The daily command: the door's book forgets what is older than the policy's days."""
    before = now - timedelta(days=policy.self_service.entries_days)
    with database.writing() as session:
        return count_rows(session, delete(DoorEntry).where(DoorEntry.at < before))
