"""A link to a new PIN, ordered at the desk, where nobody sees it: it is sent, or printed as a letter."""

from datetime import datetime

from sqlalchemy import ColumnElement, select

from app.register.messages.outbox import ask_for_message
from app.register.patron.card_status import status_of
from app.register.patron.patrons import lock_patron
from app.register.patron.proven import LETTER
from app.register.store.transaction import db
from app.register.tables.messages import Message
from app.rules.errors import RuleBroken
from app.rules.messages import NEW_PIN


class NotPrintedHere(RuleBroken):
    """Letters are printed by the home library alone."""


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
