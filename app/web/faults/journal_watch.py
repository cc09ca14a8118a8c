"""Nobody is let in while the register is older than its journal of erasures: who was erased would be back."""

import threading
import time

import structlog
from flask import Response, current_app, request
from sqlalchemy.exc import SQLAlchemyError

from app.register.journal.journal import JournalDamaged
from app.register.journal.journaling import NotInJournal, RegisterIsBehind, check_journal, check_written
from app.register.journal.stores import JournalUnreachable

_EVERY_SECONDS = 5.0
_OPEN_ALL_THE_SAME = frozenset({"health.healthz", "health.readyz", "metrics.show", "static"})

_log = structlog.get_logger()


class JournalWatch:
    """What this process last found out about register and journal. One request in five seconds looks again."""

    def __init__(self) -> None:
        self._looking = threading.Lock()
        self._next_look = 0.0
        self._was_right = False
        self._fault: Exception | None = None

    def check(self) -> None:
        """Raise RegisterIsBehind or JournalDamaged where register and journal do not agree.

        JournalUnreachable is raised too where they were never seen to agree: a journal that is away for a while stops
        nobody, but a restored register is not opened for lack of it.
        """
        if time.monotonic() >= self._next_look and self._looking.acquire(blocking=not self._was_right):
            try:
                self._look()
            finally:
                self._looking.release()
        if self._fault is not None:
            raise self._fault

    def is_known_right(self) -> bool:
        """Tell whether `check` would raise nothing, without looking again."""
        return self._was_right and self._fault is None and time.monotonic() < self._next_look

    def _look(self) -> None:
        if time.monotonic() < self._next_look:
            return
        try:
            check_journal()
        except (RegisterIsBehind, JournalDamaged) as fault:
            self._note(fault, was_right=False)
        except JournalUnreachable as fault:
            self._note(None if self._was_right else fault, was_right=self._was_right)
        except SQLAlchemyError:
            # The request itself will say so; who has not looked yet looks again.
            return
        else:
            self._note(None, was_right=True)
        self._next_look = time.monotonic() + _EVERY_SECONDS

    def _note(self, fault: Exception | None, *, was_right: bool) -> None:
        if fault is not None:
            _log.error("nobody is let in", why=str(fault))
        self._fault, self._was_right = fault, was_right


def check_watch() -> None:
    """Raise what JournalWatch.check raises, for this app."""
    current_app.extensions["journal_watch"].check()


def is_known_right() -> bool:
    """Tell whether register and journal agreed a few seconds ago."""
    return bool(current_app.extensions["journal_watch"].is_known_right())


def refuse_while_behind() -> None:
    """Answer no request while register and journal do not agree, but that the process lives and what is wrong."""
    if request.endpoint not in _OPEN_ALL_THE_SAME:
        check_watch()


def acknowledge_nothing_unwritten(response: Response) -> Response:
    """Answer 503 in the place of what would acknowledge an erasure that is not in the journal yet."""
    try:
        check_written()
    except NotInJournal as error:
        return current_app.make_response(current_app.handle_user_exception(error))
    return response
