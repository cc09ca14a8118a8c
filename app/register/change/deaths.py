"""A library reports a patron's death: the card is refused from then on, and all data is erased within 24 hours.

Until then the library that reported it can withdraw the report, in case it was a mistake.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete

from app.register.card.phone_keys import end_phone_keys_elsewhere
from app.register.patron.card_status import set_dead, status_of
from app.register.patron.changes import note_change
from app.register.patron.patrons import NotJoined, lock_patron
from app.register.sign_in.one_time import forget_secrets
from app.register.sign_in.sessions import end_sessions_of_patron
from app.register.store.transaction import db
from app.register.tables.messages import Message
from app.register.tables.patrons import Affiliation
from app.rules.errors import RuleBroken

DEATH_WAITS: Final = timedelta(hours=23)
"""24 hours are promised; the last one is for the erasure itself."""


class NotYourReport(RuleBroken):
    """Another library reported the death; only that one can withdraw the report."""


def report_death(*, patron_id: int, library_id: str, now: datetime) -> None:
    """Refuse the card from this second on, end every sign-in, send nothing more, and erase all within 24 hours.

    Repeating it, also from another library, changes nothing. Raises NotJoined or NoSuchPatron.
    """
    patron = lock_patron(patron_id)
    if db.session.get(Affiliation, (patron_id, library_id)) is None:
        raise NotJoined
    if status_of(patron).dead:
        return
    set_dead(patron, erase_at=now + DEATH_WAITS, reported_by=library_id)
    note_change(patron=patron, now=now)
    end_sessions_of_patron(patron_id=patron_id)
    # Also the children's cards on their phones.
    end_phone_keys_elsewhere(patron_id=patron_id, session_id=None, now=now)
    forget_secrets(patron_id=patron_id)
    db.session.execute(delete(Message).where(Message.patron_id == patron_id, Message.sent_at.is_(None)))


def withdraw_death_report(*, patron_id: int, library_id: str, now: datetime) -> None:
    """Withdraw a report: the card works as before, and the patron signs in again.

    Repeating it changes nothing. Raises NotYourReport, or NoSuchPatron where all is erased already.
    """
    patron = lock_patron(patron_id)
    if not status_of(patron).dead:
        return
    if patron.death_reported_by != library_id:
        raise NotYourReport
    set_dead(patron, erase_at=None, reported_by=None)
    note_change(patron=patron, now=now)
