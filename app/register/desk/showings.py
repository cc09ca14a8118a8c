"""Cards that were shown at libraries, as totals: at which hour, and by what means.

A scan counts nothing itself: it would wait for whoever counts beside it. Its row of `presented_steps`, which is kept
for a day, is counted afterwards, and once, whatever is killed meanwhile: the instant up to which they are counted is
moved in the same transaction. Those of somebody who is erased before are counted in the erasure.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import bindparam, select, text, update

from app.register.sign_in.devices import APPLE_WALLET, GOOGLE_WALLET
from app.register.store.transaction import db, writing
from app.register.tables.columns import UtcInstant
from app.register.tables.devices import Credential, Device, PresentedStep
from app.register.tables.log import LastRun
from app.register.totals.counting import add_totals, count
from app.rules.clocks import LONG_AGO
from app.rules.library.figures import LOOKED_UP, PHONE, WALLET, Kind
from app.rules.people.ages import NORWAY

_COUNTED: Final = "showings counted"
_SETTLED: Final = timedelta(minutes=15)
"""After this no scan of that instant is still being written, and no machine's clock is behind as far."""


@writing()
def count_showings(*, now: datetime) -> int:
    """Count the scans until a quarter of an hour ago that are not counted, and commit. Returns how many there were."""
    since, until = _lock_place(), now - _SETTLED
    if until <= since:
        return 0
    new = (PresentedStep.presented_at >= since, PresentedStep.presented_at < until)
    counted = _add(db.session.execute(_SCANS.where(*new)))
    db.session.execute(update(LastRun).where(LastRun.name == _COUNTED).values(ended_at=until))
    return counted


def count_showings_of(*, patron_id: int) -> None:
    """Count the scans that are not counted and are deleted with a patron, in that transaction."""
    since = _lock_place()
    # With the patron's device goes also a child's card on it.
    goes = (Credential.patron_id == patron_id) | (Device.patron_id == patron_id)
    _add(db.session.execute(_SCANS.where(goes, PresentedStep.presented_at >= since)))


def count_looked_up(*, library_id: str, now: datetime) -> None:
    """Count somebody who showed a plastic card or photo id, in the transaction that opens the visit."""
    hour = f"{now.astimezone(NORWAY).hour:02}"
    count(Kind.HOUR, library_id=library_id, now=now, part=hour)
    count(Kind.MEANS, library_id=library_id, now=now, part=LOOKED_UP)


_SCANS: Final = (
    select(PresentedStep.library_id, PresentedStep.presented_at, Device.label)
    .join(Credential, Credential.id == PresentedStep.credential_id)
    .join(Device, Device.id == Credential.device_id, isouter=True)
)


_BEGIN: Final = text(
    "INSERT INTO last_runs (name, ended_at) VALUES (:name, :at) ON CONFLICT (name) DO NOTHING"
).bindparams(bindparam("at", type_=UtcInstant()))


def _lock_place() -> datetime:
    """Return the instant from which scans are not counted, locked: one counts at a time."""
    place = select(LastRun).where(LastRun.name == _COUNTED).with_for_update().execution_options(populate_existing=True)
    row = db.session.scalars(place).first()
    if row is None:
        db.session.execute(_BEGIN, {"name": _COUNTED, "at": LONG_AGO})
        row = db.session.scalars(place).one()
    return row.ended_at


def _add(scans: Iterable[Any]) -> int:
    counted: Counter[tuple[str, date, Kind, str]] = Counter()
    number = 0
    for library_id, presented_at, label in scans:
        at = presented_at.astimezone(NORWAY)
        counted[library_id, at.date(), Kind.HOUR, f"{at.hour:02}"] += 1
        means = WALLET if label in (GOOGLE_WALLET, APPLE_WALLET) else PHONE
        counted[library_id, at.date(), Kind.MEANS, means] += 1
        number += 1
    add_totals(counted)
    return number
