"""The queue for an edition. While someone waits, no copy stands free on the shelf: a free copy is set aside at once."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import delete, exists, func, select
from sqlalchemy.orm import Session

from circulation.database import Database, lock_editions, lock_patrons
from circulation.errors import Refused
from circulation.lending.accounts import refuse_blocked
from circulation.policy.library import Policy
from circulation.policy.rules import local_day, next_open_day
from circulation.tables import Hold, Item, Loan, Notice


def reserve(*, session: Session, policy: Policy, card_number: str, barcode: str, now: datetime) -> Hold:
    """Queue for any copy of the edition that `barcode` belongs to; a free copy is set aside at once.

    Refused: unknown_item, not_for_loan (no copy is left), blocked, already_on_loan_to_patron, already_reserved,
    too_many_holds.
    """
    today = local_day(policy=policy, now=now)
    lock_patrons(session, card_number)
    item = session.scalar(select(Item).where(Item.barcode == barcode, Item.interlibrary.is_(False)))
    if item is None:
        raise Refused("unknown_item")
    lock_editions(session, item.edition)
    in_stock = exists().where(Item.edition == item.edition, Item.state == "stock")
    if item.category not in policy.categories or not session.scalar(select(in_stock)):
        raise Refused("not_for_loan")
    refuse_blocked(session=session, policy=policy, card_number=card_number, today=today)
    copies = select(Item.id).where(Item.edition == item.edition)
    if session.scalar(select(exists().where(Loan.card_number == card_number, Loan.item_id.in_(copies)))):
        raise Refused("already_on_loan_to_patron")
    mine = list(session.scalars(select(Hold.edition).where(Hold.card_number == card_number)))
    if item.edition in mine:
        raise Refused("already_reserved")
    if len(mine) >= policy.max_holds:
        raise Refused("too_many_holds")
    hold = Hold(edition=item.edition, card_number=card_number, asked_on=today)
    session.add(hold)
    session.flush()
    set_aside(session=session, policy=policy, edition=item.edition, today=today)
    return hold


def cancel_hold(*, session: Session, policy: Policy, card_number: str, hold_id: str, now: datetime) -> None:
    """Leave the queue; a copy that was set aside goes to the next. Refused: unknown_hold (also somebody else's)."""
    lock_patrons(session, card_number)
    hold = session.scalar(select(Hold).where(Hold.id == hold_id, Hold.card_number == card_number))
    if hold is None:
        raise Refused("unknown_hold")
    lock_editions(session, hold.edition)
    end_hold(session=session, policy=policy, hold=hold, today=local_day(policy=policy, now=now))


def end_hold(*, session: Session, policy: Policy, hold: Hold, today: date) -> None:
    """Remove a hold with its notices, and set its copy aside for the next. The edition's lock is held."""
    session.execute(delete(Hold).where(Hold.number == hold.number))
    set_aside(session=session, policy=policy, edition=hold.edition, today=today)


def set_aside(*, session: Session, policy: Policy, edition: str, today: date) -> None:
    """Give each free copy of the edition to the next in the queue, and tell them. The edition's lock is held."""
    free = select(Item.id).where(
        Item.edition == edition,
        Item.state == "stock",
        ~exists().where(Loan.item_id == Item.id),
        ~exists().where(Hold.item_id == Item.id),
    )
    queue = select(Hold).where(Hold.edition == edition, Hold.item_id.is_(None)).order_by(Hold.number)
    copies = list(session.scalars(free.order_by(Item.barcode)))
    for hold, item_id in zip(session.scalars(queue), copies, strict=False):
        fetch_before = today + timedelta(days=policy.hold_fetch_days)
        hold.item_id = item_id
        hold.fetch_before = next_open_day(calendar=policy.calendar, day=fetch_before)
        session.add(
            Notice(
                card_number=hold.card_number,
                kind="hold_ready",
                hold_id=hold.id,
                about_day=hold.fetch_before,
                created_on=today,
            )
        )
    session.flush()


def is_set_aside(*, session: Session, item: Item) -> bool:
    """Whether the copy waits on the hold shelf."""
    return bool(session.scalar(select(exists().where(Hold.item_id == item.id))))


def queue_position(*, session: Session, hold: Hold) -> int:
    """0 when a copy waits for the patron, 1 for the next in line."""
    if hold.item_id is not None:
        return 0
    before = select(func.count()).where(
        Hold.edition == hold.edition, Hold.item_id.is_(None), Hold.number <= hold.number
    )
    return session.scalar(before) or 0


def expire_holds(*, database: Database, policy: Policy, now: datetime) -> int:
    """The daily command: copies not fetched in time go to the next in the queue. Returns how many holds ended."""
    today = local_day(policy=policy, now=now)
    with database.reading() as session:
        late = list(session.execute(select(Hold.id, Hold.edition).where(Hold.fetch_before < today)))
    ended = 0
    for hold_id, edition in late:
        with database.writing() as session:
            lock_editions(session, edition)
            hold = session.scalar(select(Hold).where(Hold.id == hold_id, Hold.fetch_before < today))
            if hold is not None:
                end_hold(session=session, policy=policy, hold=hold, today=today)
                ended += 1
    return ended
