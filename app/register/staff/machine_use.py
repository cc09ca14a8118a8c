"""What a library's administrators are shown of its machines: when each was last here, and what it was refused.

Both are figures of a machine, and name no patron.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import bindparam, func, select, text

from app.register.store.transaction import autonomous
from app.register.tables.columns import UtcInstant
from app.register.tables.library import Machine, MachineRefusal

SEEN_EVERY: Final = timedelta(minutes=10)
"""Written no more often than this, so that what signs in with every request costs nothing."""
REFUSALS_FOR: Final = timedelta(hours=24)
WRONG_PASSWORD: Final = "WRONG_PASSWORD"  # noqa: S105 - the name of a reason
"""Beside `rules.card.scan.Reason`: somebody who names the machine has another password."""

_SEE = text(
    "UPDATE machines SET last_seen_at = :now"
    " WHERE username = :username AND (last_seen_at IS NULL OR last_seen_at <= :before OR last_seen_at > :now)"
).bindparams(bindparam("now", type_=UtcInstant()), bindparam("before", type_=UtcInstant()))
_COUNT = text("""
    INSERT INTO machine_refusals (username, reason, hour, taken)
    SELECT username, :reason, :hour, 1 FROM machines WHERE username = :username
    ON CONFLICT (username, reason, hour) DO UPDATE SET taken = machine_refusals.taken + 1
""").bindparams(bindparam("hour", type_=UtcInstant()))


@dataclass(frozen=True, slots=True)
class UsedMachine:
    """A machine as its library's administrators see it. Instants are UTC, `last_seen_at` to ten minutes.

    `refusals` has the number of those of the last 24 hours by reason. The former password works until `former_until`.
    """

    username: str
    kind: str
    former_until: datetime | None
    last_seen_at: datetime | None
    refusals: Mapping[str, int]


def is_seen_lately(last_seen_at: datetime | None, *, now: datetime) -> bool:
    """Tell whether a machine's last visit is noted well enough; one that a fast clock noted is not."""
    return last_seen_at is not None and now - SEEN_EVERY < last_seen_at <= now


def note_seen(*, username: str, now: datetime) -> None:
    """Note that a machine has signed in, in a transaction of its own."""
    with autonomous() as connection:
        connection.execute(_SEE, {"username": username, "now": now, "before": now - SEEN_EVERY})


def note_refusal(*, username: str, reason: str, now: datetime) -> None:
    """Count what a machine was refused, in a transaction of its own. A name that no machine has is not counted."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    with autonomous() as connection:
        connection.execute(_COUNT, {"username": username, "reason": reason, "hour": hour})


def list_used_machines(*, library_id: str, now: datetime) -> list[UsedMachine]:
    """Return a library's machines by user name, with what they were refused in the hours of the last 24."""
    machines = select(Machine.username, Machine.kind, Machine.former_until, Machine.last_seen_at)
    counts = select(MachineRefusal.username, MachineRefusal.reason, func.sum(MachineRefusal.taken)).join(
        Machine, Machine.username == MachineRefusal.username
    )
    refused: dict[str, dict[str, int]] = defaultdict(dict)
    with autonomous() as connection:
        found = connection.execute(machines.where(Machine.library_id == library_id).order_by(Machine.username)).all()
        since = (Machine.library_id == library_id) & (MachineRefusal.hour > now - REFUSALS_FOR)
        for username, reason, taken in connection.execute(
            counts.where(since).group_by(MachineRefusal.username, MachineRefusal.reason)
        ):
            refused[username][reason] = int(taken)
    return [UsedMachine(*row, refusals=refused.get(row.username, {})) for row in found]
