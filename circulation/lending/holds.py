"""The queue for an edition. While a patron waits, a free copy is set aside for the first in the queue."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, exists, func, select

from circulation.database import Database, lock_editions, lock_patrons
from circulation.errors import Refused
from circulation.lending.accounts import refuse_blocked
from circulation.lending.transaction import Transaction
from circulation.policy.library import Policy
from circulation.policy.rules import local_day, next_open_day, why_not_renewable
from circulation.tables import Hold, Item, Loan, Notice


def reserve(*, tx: Transaction, card_number: str, barcode: str) -> tuple[Hold, Item]:
    """Queue for any copy of the edition that `barcode` belongs to; a free copy is set aside.

    Returns the hold and the copy that was named. Refused: unknown_item, not_for_loan (no copy is left), blocked,
    already_on_loan_to_patron, already_reserved, too_many_holds.
    """
    lock_patrons(tx.session, card_number)
    item = tx.session.scalar(select(Item).where(Item.barcode == barcode, Item.interlibrary.is_(False)))
    if item is None:
        raise Refused("unknown_item")
    lock_editions(tx.session, item.edition)
    in_stock = exists().where(Item.edition == item.edition, Item.state == "stock")
    if item.category not in tx.policy.categories or not tx.session.scalar(select(in_stock)):
        raise Refused("not_for_loan")
    refuse_blocked(tx=tx, card_number=card_number)
    copies = select(Item.id).where(Item.edition == item.edition)
    if tx.session.scalar(select(exists().where(Loan.card_number == card_number, Loan.item_id.in_(copies)))):
        raise Refused("already_on_loan_to_patron")
    mine = tx.session.scalars(select(Hold.edition).where(Hold.card_number == card_number)).all()
    if item.edition in mine:
        raise Refused("already_reserved")
    if len(mine) >= tx.policy.max_holds:
        raise Refused("too_many_holds")
    hold = Hold(edition=item.edition, card_number=card_number, asked_on=tx.today)
    tx.session.add(hold)
    tx.session.flush()
    set_aside(tx=tx, edition=item.edition)
    return hold, item


def cancel_hold(*, tx: Transaction, card_number: str, hold_id: str) -> None:
    """Leave the queue; a copy that was set aside goes to the next. Refused: unknown_hold (also somebody else's)."""
    lock_patrons(tx.session, card_number)
    hold = tx.session.scalar(select(Hold).where(Hold.id == hold_id, Hold.card_number == card_number))
    if hold is None:
        raise Refused("unknown_hold")
    lock_editions(tx.session, hold.edition)
    end_hold(tx=tx, hold=hold)


def end_hold(*, tx: Transaction, hold: Hold) -> None:
    """Remove a hold with its notices, and set its copy aside for the next. The edition is locked."""
    tx.session.execute(delete(Hold).where(Hold.number == hold.number))
    set_aside(tx=tx, edition=hold.edition)


def set_aside(*, tx: Transaction, edition: str) -> None:
    """Give each free copy of the edition to the next in the queue, with a notice. The edition is locked."""
    free = select(Item.id).where(
        Item.edition == edition,
        Item.state == "stock",
        ~exists().where(Loan.item_id == Item.id),
        ~exists().where(Hold.item_id == Item.id),
    )
    queue = select(Hold).where(Hold.edition == edition, Hold.item_id.is_(None)).order_by(Hold.number)
    copies = tx.session.scalars(free.order_by(Item.barcode)).all()
    last_day = next_open_day(calendar=tx.policy.calendar, day=tx.today + timedelta(days=tx.policy.hold_fetch_days))
    for hold, item_id in zip(tx.session.scalars(queue), copies, strict=False):
        hold.item_id, hold.fetch_before = item_id, last_day
        about = {"hold_id": hold.id, "about_day": last_day}
        tx.session.add(Notice(card_number=hold.card_number, kind="hold_ready", created_on=tx.today, **about))
    tx.session.flush()


def queue_position(*, tx: Transaction, hold: Hold) -> int:
    """0 when a copy waits for the patron, 1 for the next one."""
    if hold.item_id is not None:
        return 0
    ahead = select(func.count()).where(Hold.edition == hold.edition, Hold.item_id.is_(None), Hold.number <= hold.number)
    return tx.session.scalar(ahead) or 0


def renewal_refusal(*, tx: Transaction, loan: Loan, item: Item, waiting: set[str], blocked: bool) -> str | None:
    """The code of the first rule that forbids a renewal today, or None. `waiting` has the editions with a queue."""
    return why_not_renewable(
        policy=tx.policy,
        category=item.category,
        due_on=loan.due_on,
        renewals=loan.renewals,
        reserved=item.edition in waiting,
        interlibrary=item.interlibrary,
        blocked=blocked,
        today=tx.today,
    )


def expire_holds(*, database: Database, policy: Policy, now: datetime) -> int:
    """The daily command: copies not fetched in time go to the next in the queue. Returns how many holds ended."""
    today = local_day(policy=policy, now=now)
    with database.reading() as session:
        late = session.execute(select(Hold.id, Hold.edition).where(Hold.fetch_before < today)).all()
    ended = 0
    for hold_id, edition in late:
        with database.writing() as session:
            lock_editions(session, edition)
            hold = session.scalar(select(Hold).where(Hold.id == hold_id, Hold.fetch_before < today))
            if hold is not None:
                end_hold(tx=Transaction(session, policy, now), hold=hold)
                ended += 1
    return ended
