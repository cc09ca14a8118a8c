"""What was put off while the server's clock was ahead, brought back to the present once it is right again."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import update

from app.register.messages.message_queue import LONGEST_PAUSE as LONGEST_OF_MESSAGES
from app.register.store.transaction import db, writing
from app.register.tables.library import LibraryNotice, LibraryQueue
from app.register.tables.messages import Message
from app.register.tables.patrons import Registration
from app.rules.clocks import LEEWAY
from app.rules.pauses import LONGEST_PAUSE

_LONGEST_CODE_LEASE: Final = timedelta(minutes=1)


@writing()
def bring_forward(*, now: datetime) -> None:
    """Let wait no longer what waits for an instant that no right clock can have set: it is due now.

    Messages, notices to libraries and libraries' lines, whose pauses have an end; and what was asked for in the
    future.
    """
    asked_ahead = Message.asked_at > now + LEEWAY
    for waits, present in (
        (
            update(Message).where(Message.due_at > now, asked_ahead),
            {"asked_at": now, "due_at": now, "leased_until": None},
        ),
        (
            update(Message).where(Message.due_at > now + LONGEST_OF_MESSAGES + LEEWAY),
            {"due_at": now, "leased_until": None},
        ),
        (update(LibraryQueue).where(LibraryQueue.due_at > now + LONGEST_PAUSE + LEEWAY), {"due_at": now}),
        (update(LibraryNotice).where(LibraryNotice.due_at > now + LONGEST_PAUSE + LEEWAY), {"due_at": now}),
        (update(Registration).where(Registration.code_due_at > now + _LONGEST_CODE_LEASE), {"code_due_at": now}),
    ):
        db.session.execute(waits.values(**present).execution_options(synchronize_session=False))
