"""What is kept for a time only, and is thrown away after it. Safe to run at any time, and twice."""

from datetime import datetime, timedelta

from sqlalchemy import Delete, delete, exists
from sqlalchemy.orm import InstrumentedAttribute

from app.register.tables import (
    AccessLogEntry,
    AttemptCount,
    Base,
    Credential,
    Device,
    Message,
    PresentedStep,
    Session,
)
from app.register.transaction import db

_Instant = InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None]

PRESENTED_STEPS = timedelta(hours=24)
ATTEMPT_COUNTS = timedelta(hours=24)
ACCESS_LOG = timedelta(days=365)
EXPIRED_CREDENTIALS = timedelta(days=30)
SENT_MESSAGES = timedelta(days=30)


def purge(*, now: datetime) -> dict[str, int]:
    """Delete what is past its time at `now`. Returns how many rows went, by table."""
    periods: tuple[tuple[type[Base], _Instant, timedelta], ...] = (
        (PresentedStep, PresentedStep.presented_at, PRESENTED_STEPS),
        (AttemptCount, AttemptCount.since, ATTEMPT_COUNTS),
        (Session, Session.expires_at, timedelta()),
        (Credential, Credential.expires_at, EXPIRED_CREDENTIALS),
        (AccessLogEntry, AccessLogEntry.at, ACCESS_LOG),
        (Message, Message.sent_at, SENT_MESSAGES),
    )
    gone = {
        table.__tablename__: _delete(delete(table).where(instant <= now - period)) for table, instant, period in periods
    }
    # A device without a card and without a session is only a name.
    used = exists().where(Credential.device_id == Device.id) | exists().where(Session.device_id == Device.id)
    return gone | {Device.__tablename__: _delete(delete(Device).where(~used))}


def _delete(statement: Delete) -> int:
    result = db.session.execute(statement, execution_options={"synchronize_session": False})
    return int(getattr(result, "rowcount", 0))
