"""Strangers: patrons who have not joined a library and are not there. Requests about them are limited."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from app.register.limits.budgets import TooManyAttempts, take_tries
from app.register.limits.unusual import Kind, count_act
from app.register.patron.numbers import PatronGone
from app.register.patron.patrons import NoSuchPatron, NotJoined
from app.rules.pins.pin import Budget

LOOKUPS: Final = Budget("foreign look-ups", limit=600, seconds=24 * 3600)
LOOKUPS_SLOW: Final = Budget("foreign look-ups slow", limit=1, seconds=60)
DESK_LOOKUPS: Final = Budget("desk foreign look-ups", limit=300, seconds=24 * 3600)
DESK_LOOKUPS_SLOW: Final = Budget("desk foreign look-ups slow", limit=1, seconds=60)


def count_stranger(*, library_id: str, now: datetime) -> None:
    """Count a request of a library's system about a number that is no patron's of its own, or nobody's.

    Raises TooManyAttempts: past the day's limit one a minute is allowed.
    """
    count_act(Kind.FOREIGN, library_id=library_id, now=now)
    _take(LOOKUPS, LOOKUPS_SLOW, library_id=library_id, now=now)


def count_stranger_at_desk(*, library_id: str, now: datetime) -> None:
    """Count a look-up at a desk that shows patrons of other libraries, as `count_stranger` does."""
    count_act(Kind.DESK_FOREIGN, library_id=library_id, now=now)
    _take(DESK_LOOKUPS, DESK_LOOKUPS_SLOW, library_id=library_id, now=now)


@contextmanager
def counting_strangers(*, library_id: str, now: datetime) -> Iterator[None]:
    """Count a stranger where an act on one is refused; raises TooManyAttempts instead of that refusal."""
    try:
        yield
    except (NoSuchPatron, NotJoined, PatronGone):
        count_stranger(library_id=library_id, now=now)
        raise


def _take(of_day: Budget, slow: Budget, *, library_id: str, now: datetime) -> None:
    try:
        take_tries(tries=[(of_day, library_id)], now=now)
    except TooManyAttempts:
        # Past the day's limit a library is slowed, not blocked.
        take_tries(tries=[(slow, library_id)], now=now)
