"""Long work that the operator begins on the page: it goes on beside the page, and tells how far it is.

Each is what a command does. It ends with the process; all of them may be stopped anywhere and begun anew.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock, Thread
from typing import Final

import structlog
from flask import Flask

from app.register.journal.journaling import check_journal, current_journal
from app.register.keys.rotation import count_older, count_older_pins, list_renewables, newest_key_in_use
from app.register.keys.vault import vault
from app.web.clock import now
from app.work.clean_up import clean_up
from app.work.log_keeping import say_verified, verify_log
from app.work.sentences import sentence_of

Progress = Callable[[int, int], object]
_log = structlog.get_logger()


def _retention(progress: Progress) -> list[str]:
    done = clean_up(rewrite=False, progress=progress)
    return [f"{what}: {count}" for what, count in done.items() if count] or ["Nothing was due."]


def _access_log(progress: Progress) -> list[str]:
    return list(say_verified(*verify_log(roots=None, progress=progress)))


def _journal(progress: Progress) -> list[str]:
    if current_journal() is None:
        return ["There is no journal of erasures: ERASURE_JOURNAL is empty."]
    check_journal()
    progress(1, 1)
    return ["Register and journal belong together, and the register lacks no erasure."]


def _keys(progress: Progress) -> list[str]:
    told, renewables = [], list_renewables()
    for number, each in enumerate(renewables, start=1):
        if older := count_older(each):
            told.append(f"{each.table.name}: {older} under an older key")
        progress(number, len(renewables))
    if pins := count_older_pins():
        told.append(f"PINs under older keys, each renewed when its owner next signs in: {pins}")
    newest = newest_key_in_use()
    told.append(f"The newest key is {vault.key_id}.")
    if newest > vault.key_id:
        told.append(f"Key {newest} is in use and not in VAULT_KEYS. Put it back, and start this page again.")
    return told


JOBS: Final[Mapping[str, Callable[[Progress], list[str]]]] = {
    "retention": _retention,
    "access-log": _access_log,
    "journal": _journal,
    "keys": _keys,
}
"""By name. The sentences that they return are the commands' own, in English."""


@dataclass(slots=True)
class Job:
    """One run. `done` of `of` steps are over, 0 of 0 before it knows how many. Instants are UTC."""

    name: str
    began_at: datetime
    done: int = 0
    of: int = 0
    ended_at: datetime | None = None
    failed: bool = False
    told: tuple[str, ...] = ()


class Jobs:
    """The newest run of each job in this process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._newest: dict[str, Job] = {}

    def newest(self) -> Mapping[str, Job]:
        """Return the newest run by name."""
        with self._lock:
            return dict(self._newest)

    def begin(self, app: Flask, name: str) -> bool:
        """Begin one of JOBS in a thread of its own. Returns False where it runs already."""
        with self._lock:
            last = self._newest.get(name)
            if last is not None and last.ended_at is None:
                return False
            with app.app_context():
                job = self._newest[name] = Job(name, now())
        Thread(target=_run, args=(app, job), name=name, daemon=True).start()
        return True


def _run(app: Flask, job: Job) -> None:
    def progress(done: int, of: int) -> None:
        job.done, job.of = done, of

    with app.app_context():
        try:
            job.told = tuple(JOBS[job.name](progress))
        except Exception as error:
            _log.error("the operator's job failed", job=job.name, kind=type(error).__name__)
            job.told, job.failed = (sentence_of(error),), True
        job.ended_at = now()
