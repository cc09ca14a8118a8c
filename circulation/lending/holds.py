"""The queue for an edition. While a patron waits, a free copy is set aside for the first in the queue."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, delete, exists, false, func, not_, select

from circulation.database import Database, lock_editions, lock_patrons
from circulation.errors import Refused
from circulation.lending.accounts import refuse_blocked
from circulation.lending.transaction import Transaction
from circulation.policy.library import Policy
from circulation.policy.rules import local_day, next_open_day, why_not_renewable
from circulation.tables import Hold, Item, Loan, Notice
from circulation.totals import count, count_wait

MOST_ROWS: Final = 500
"""Copies on the list of those to fetch."""


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
    count(tx, "hold")
    set_aside(tx=tx, edition=item.edition)
    return hold, item


def cancel_hold(*, tx: Transaction, card_number: str, hold_id: str) -> None:
    """Leave the queue; a copy that was set aside goes to the next. Refused: unknown_hold (also somebody else's)."""
    end_hold(tx=tx, hold=_lock_hold(tx, card_number, hold_id))


def pause_hold(*, tx: Transaction, card_number: str, hold_id: str, first: date, last: date) -> None:
    """Keep the place in the queue without a copy on these days, both included; a pause before is replaced.

    Refused: unknown_hold, hold_ready (a copy is set aside), invalid_field (the days are the wrong way around).
    """
    if last < first:
        raise Refused("invalid_field", field="paused_until")
    hold = _lock_hold(tx, card_number, hold_id)
    if hold.item_id is not None:
        raise Refused("hold_ready")
    hold.paused_from, hold.paused_until = first, last
    # The days before may have been paused until now.
    set_aside(tx=tx, edition=hold.edition)


def resume_hold(*, tx: Transaction, card_number: str, hold_id: str) -> None:
    """End a pause; may be repeated. Refused: unknown_hold."""
    hold = _lock_hold(tx, card_number, hold_id)
    hold.paused_from = hold.paused_until = None
    set_aside(tx=tx, edition=hold.edition)


def _lock_hold(tx: Transaction, card_number: str, hold_id: str) -> Hold:
    lock_patrons(tx.session, card_number)
    mine = (Hold.id == hold_id, Hold.card_number == card_number)
    lock_editions(tx.session, *tx.session.scalars(select(Hold.edition).where(*mine)))
    hold = tx.session.scalar(select(Hold).where(*mine))
    if hold is None:
        raise Refused("unknown_hold")
    return hold


def is_waiting(today: date) -> ColumnElement[bool]:
    """Holds that get the next copy: none is set aside for them, and they are not paused."""
    # A comparison with NULL is not true.
    paused = func.coalesce(and_(Hold.paused_from <= today, Hold.paused_until >= today), false())
    return and_(Hold.item_id.is_(None), not_(paused))


def end_hold(*, tx: Transaction, hold: Hold) -> None:
    """Remove a hold with its notices, and set its copy aside for the next. The edition is locked."""
    in_hand = hold.item_id if hold.picked else None
    tx.session.execute(delete(Hold).where(Hold.number == hold.number))
    set_aside(tx=tx, edition=hold.edition, in_hand=in_hand)


def set_aside(*, tx: Transaction, edition: str, in_hand: str | None = None) -> None:
    """Give each free copy of the edition to the next in the queue, with a notice. The edition is locked.

    The copy with the id `in_hand` is at the desk or on the hold shelf; all others are still to be fetched.
    """
    free = select(Item.id).where(
        Item.edition == edition,
        Item.state == "stock",
        ~exists().where(Loan.item_id == Item.id),
        ~exists().where(Hold.item_id == Item.id),
    )
    queue = select(Hold).where(Hold.edition == edition, is_waiting(tx.today)).order_by(Hold.number)
    copies = tx.session.scalars(free.order_by(Item.barcode)).all()
    last_day = fetch_before(tx)
    for hold, item_id in zip(tx.session.scalars(queue), copies, strict=False):
        hold.item_id, hold.fetch_before, hold.picked = item_id, last_day, item_id == in_hand
        hold.paused_from = hold.paused_until = None
        count_wait(tx, asked_on=hold.asked_on)
        about = {"hold_id": hold.id, "about_day": last_day}
        tx.session.add(Notice(card_number=hold.card_number, kind="hold_ready", created_on=tx.today, **about))
    tx.session.flush()


def fetch_before(tx: Transaction) -> date:
    """The last day on which a copy that is set aside today may be fetched."""
    return next_open_day(calendar=tx.policy.calendar, day=tx.today + timedelta(days=tx.policy.hold_fetch_days))


def pick_list(*, tx: Transaction) -> list[dict[str, Any]]:
    """The copies that are set aside and still stand on their shelf, in the order of the shelves; 500 at most."""
    wanted = select(Item.barcode, Item.title, Item.author, Item.category, Item.shelf_code, Hold.fetch_before)
    rows = tx.session.execute(
        wanted.join(Hold, Hold.item_id == Item.id)
        .where(Hold.picked.is_(False))
        .order_by(Item.shelf_code, Item.author, Item.title, Item.barcode)
        .limit(MOST_ROWS)
    )
    return [dict(row) for row in rows.mappings()]


def mark_picked(*, tx: Transaction, barcode: str) -> None:
    """A copy that is set aside was fetched from its shelf; may be repeated. Refused: unknown_item, unknown_hold."""
    item_id = tx.session.scalar(select(Item.id).where(Item.barcode == barcode))
    if item_id is None:
        raise Refused("unknown_item")
    hold = tx.session.scalar(select(Hold).where(Hold.item_id == item_id).with_for_update())
    if hold is None:
        raise Refused("unknown_hold")
    hold.picked = True


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


def resume_holds(*, database: Database, policy: Policy, now: datetime) -> int:
    """The daily command: free copies go to holds whose pause is over. Returns how many pauses ended."""
    today = local_day(policy=policy, now=now)
    with database.reading() as session:
        editions = session.scalars(select(Hold.edition).where(Hold.paused_until < today).distinct()).all()
    ended = 0
    for edition in editions:
        with database.writing() as session:
            lock_editions(session, edition)
            for hold in session.scalars(select(Hold).where(Hold.edition == edition, Hold.paused_until < today)):
                hold.paused_from = hold.paused_until = None
                ended += 1
            set_aside(tx=Transaction(session, policy, now), edition=edition)
    return ended
