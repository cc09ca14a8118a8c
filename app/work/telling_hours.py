"""Telling libraries' loans systems when the libraries are open: when it changes, and until they have it."""

from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from typing import Final, Self

import structlog
from flask import Flask

from app.ils.circulation.opening import tell_hours
from app.ils.port import Refused, Unavailable
from app.register.face.telling import list_untold, note_told, read_hours_to_tell
from app.register.store.transaction import reading, writing
from app.web.clock import now
from app.web.gate import library_systems

# A system that was restored from a backup has former hours, and does not know it.
_AGAIN_AFTER: Final = timedelta(days=1)

_log = structlog.get_logger()


def tell_library(*, library_id: str) -> bool:
    """Tell a library's loans system of the newest hours. Returns whether it has them, or lends by another system."""
    lending = library_systems().lending(library_id)
    with reading():
        found = read_hours_to_tell(library_id=library_id)
    if lending is None or found is None:
        return True
    try:
        tell_hours(lending, version=found.version, weeks=found.weeks, exceptions=found.exceptions)
    except (Unavailable, Refused) as fault:
        reason = fault.reason if isinstance(fault, Unavailable) else fault.code
        _log.warning("library not told of its hours", library_id=library_id, reason=reason)
        return False
    with writing():
        note_told(library_id=library_id, version=found.version, now=now())
    return True


def tell_hours_due() -> None:
    """Tell every library whose loans system lacks the newest hours, and each of them once a day."""
    with reading():
        waiting = list_untold(among=library_systems().which_lend(), told_before=now() - _AGAIN_AFTER)
    for library_id in waiting:
        tell_library(library_id=library_id)


class HoursTeller:
    """Does that in a thread of its own, so that a system that does not answer delays nothing else."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="telling-hours")
        self._now: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def begin(self) -> None:
        """Begin, unless it is being done. Raises what went wrong the last time."""
        if self._now is None or self._now.done():
            former, self._now = self._now, self._pool.submit(self._tell)
            if former is not None:
                former.result()

    def _tell(self) -> None:
        with self._app.app_context():
            tell_hours_due()
