"""Coming in when nobody is at work, and borrowing tablets and e-books: agreements, and the door's book of entries.

Who comes is known by card number alone. Whoever asks has made sure of card, PIN and age, and says so; the age is
used and not kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import CursorResult, delete, select
from sqlalchemy.orm import Session

from circulation.database import Database, lock_patrons
from circulation.errors import Refused
from circulation.lending.accounts import blocks_of
from circulation.policy.library import Policy
from circulation.policy.opening import is_door_open
from circulation.policy.rules import local_day
from circulation.tables import Agreement, DoorEntry

OPENED = "opened"
# Why the register refused before this library was asked: it goes into the same book.
REFUSED_BEFORE = ("wrong_pin", "too_many_tries", "code_refused", "replayed", "not_activated")


def list_agreements(*, session: Session, card_number: str) -> list[Agreement]:
    """The card's agreements, those withdrawn too."""
    held = select(Agreement).where(Agreement.card_number == card_number).order_by(Agreement.kind)
    return list(session.scalars(held))


def note_agreement(
    *, session: Session, policy: Policy, card_number: str, kind: str, age: int, now: datetime
) -> Agreement:
    """Write down that the patron has made an agreement at the desk; one that was withdrawn counts again.

    Repeating it changes nothing. Refused: not_offered, too_young (for the door).
    """
    if kind not in policy.self_service.kinds:
        raise Refused("not_offered")
    if kind == "door" and age < policy.self_service.door_min_age:
        raise Refused("too_young", least_age=policy.self_service.door_min_age)
    lock_patrons(session, card_number)
    agreement = session.get(Agreement, (card_number, kind))
    if agreement is None or agreement.withdrawn_on is not None:
        today = local_day(policy=policy, now=now)
        agreement = session.merge(Agreement(card_number=card_number, kind=kind, agreed_on=today, withdrawn_on=None))
    return agreement


def withdraw_agreement(*, session: Session, policy: Policy, card_number: str, kind: str, now: datetime) -> Agreement:
    """End an agreement, by the patron's wish or after a breach. Repeating it changes nothing.

    Refused: unknown_agreement.
    """
    lock_patrons(session, card_number)
    agreement = session.get(Agreement, (card_number, kind))
    if agreement is None:
        raise Refused("unknown_agreement")
    agreement.withdrawn_on = agreement.withdrawn_on or local_day(policy=policy, now=now)
    return agreement


def allows(*, session: Session, policy: Policy, card_number: str, kind: str, now: datetime) -> bool:
    """Whether the card has this agreement and is not blocked: yes or no, and nothing more."""
    agreement = session.get(Agreement, (card_number, kind))
    if agreement is None or agreement.withdrawn_on is not None or kind not in policy.self_service.kinds:
        return False
    today = local_day(policy=policy, now=now)
    return not blocks_of(session=session, policy=policy, card_number=card_number, today=today)


def enter(
    *,
    session: Session,
    policy: Policy,
    card_number: str | None,
    age: int,
    door: str,
    refused: str | None,
    now: datetime,
) -> str:
    """Decide whether the door opens, write it into the door's book, and return OPENED or why it stays shut.

    `refused` is why the register has refused already (one of REFUSED_BEFORE): it is written down and returned.
    `card_number` is None where the code named nobody.
    """
    outcome = refused or _decide(session=session, policy=policy, card_number=card_number or "", age=age, now=now)
    session.add(DoorEntry(at=now, door=door, card_number=card_number, outcome=outcome))
    return outcome


def _decide(*, session: Session, policy: Policy, card_number: str, age: int, now: datetime) -> str:
    if not is_door_open(offer=policy.self_service, zone=policy.zone, now=now):
        return "outside_hours"
    agreement = session.get(Agreement, (card_number, "door"))
    if agreement is None:
        return "no_agreement"
    if agreement.withdrawn_on is not None:
        return "withdrawn"
    # It may have been raised since.
    if age < policy.self_service.door_min_age:
        return "under_age"
    today = local_day(policy=policy, now=now)
    return "blocked" if blocks_of(session=session, policy=policy, card_number=card_number, today=today) else OPENED


def list_entries(*, session: Session, before: int | None, limit: int) -> Sequence[DoorEntry]:
    """The door's book, newest first; `before` is the number of the last entry of the page before."""
    entries = select(DoorEntry).order_by(DoorEntry.number.desc()).limit(limit)
    return session.scalars(entries.where(DoorEntry.number < before) if before else entries).all()


def drop_entries(*, database: Database, policy: Policy, now: datetime) -> int:
    """The daily command: the door's book forgets what is older than the policy's days."""
    before = now - timedelta(days=policy.self_service.entries_days)
    with database.writing() as session:
        result = session.execute(delete(DoorEntry).where(DoorEntry.at < before))
        assert isinstance(result, CursorResult)
        return result.rowcount
