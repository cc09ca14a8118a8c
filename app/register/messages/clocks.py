"""Correcting due times that were written while the server's clock was ahead."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import update

from app.register.messages.message_queue import LONGEST_PAUSE as LONGEST_OF_MESSAGES
from app.register.store.transaction import db, writing
from app.register.tables.library import LibraryNotice, LibraryQueue
from app.register.tables.messages import Message
from app.register.tables.patrons import Registration
from app.rules.circuit import LONGEST_PAUSE
from app.rules.clocks import LEEWAY

_LONGEST_CODE_LEASE: Final = timedelta(minutes=1)


@writing()
def bring_forward(*, now: datetime) -> None:
    """Make due now what is due later than any right clock can have set: messages, notices, queues and codes."""
    latest = now + LONGEST_PAUSE + LEEWAY
    free: dict[str, datetime | None] = {"due_at": now, "leased_until": None}
    for late, present in (
        (update(Message).where(Message.due_at > now, Message.asked_at > now + LEEWAY), free | {"asked_at": now}),
        # One that was never tried is for a day on which it is to be sent, or after somebody's quiet hours.
        (update(Message).where(Message.due_at > now + LONGEST_OF_MESSAGES + LEEWAY, Message.attempts > 0), free),
        (update(LibraryQueue).where(LibraryQueue.due_at > latest), {"due_at": now}),
        (update(LibraryNotice).where(LibraryNotice.due_at > latest), {"due_at": now}),
        (update(Registration).where(Registration.code_due_at > now + _LONGEST_CODE_LEASE), {"code_due_at": now}),
    ):
        db.session.execute(late.values(**present).execution_options(synchronize_session=False))
