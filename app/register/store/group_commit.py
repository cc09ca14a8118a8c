"""Group commit on SQLite: what several threads of a process write at the same time goes into one transaction.

SQLite has one writer at a time, and each transaction waits for the disk. With a transaction for each thread they would
all wait for one another.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from sqlalchemy import Engine

from app.register.store.driver import DriverConnection, autonomous_driver
from app.register.store.transaction import current_engine

Work = Callable[[DriverConnection], bool]


@dataclass(slots=True, eq=False)
class _Write:
    """What a thread wants to write. `result` stays None where the transaction of its group failed.

    `turn` is set when the thread leads or has its result; the one that leads from the start waits for nothing.
    """

    work: Work
    turn: threading.Event | None = None
    leads: bool = False
    result: bool | None = None


class GroupCommit:
    """The writes to one database. One thread at a time leads: it writes for all that wait."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self.waiting: list[_Write] = []
        self._is_led = False

    def write(self, work: Work, driver: DriverConnection | None = None) -> bool:
        """Do the work in a transaction, with the work of other threads, and return its result once that is committed.

        `driver` is this thread's connection, where the caller has it. Raises what the work raises. Work that shared a
        transaction with one that failed is done again, alone.
        """
        mine = _Write(work)
        with self._guard:
            self.waiting.append(mine)
            mine.leads, self._is_led = not self._is_led, True
            if not mine.leads:
                mine.turn = threading.Event()
        if mine.turn is not None:
            mine.turn.wait()
        if mine.leads:
            self._lead(driver)
        return _commit(lambda: [work], None)[0] if mine.result is None else mine.result

    def _lead(self, driver: DriverConnection | None) -> None:
        group: list[_Write] = []

        def take_group() -> list[Work]:
            # Whoever has come while the leader waited for other processes is written for, too.
            with self._guard:
                group[:], self.waiting = self.waiting, []
            return [each.work for each in group]

        try:
            for each, result in zip(group, _commit(take_group, driver), strict=True):
                each.result = result
        except Exception:
            if len(group or take_group()) == 1:
                raise
        finally:
            with self._guard:
                self._is_led = bool(self.waiting)
                next_leader = self.waiting[:1]
                for each in next_leader:
                    each.leads = True
            for each in (*next_leader, *group):
                if each.turn is not None:
                    each.turn.set()


def _commit(take_works: Callable[[], list[Work]], driver: DriverConnection | None) -> list[bool]:
    driver = driver or autonomous_driver()
    driver.begin_write()
    try:
        results = [work(driver) for work in take_works()]
    except BaseException:
        driver.close()
        raise
    driver.commit_write()
    return results


_groups: WeakKeyDictionary[Engine, GroupCommit] = WeakKeyDictionary()
_groups_guard = threading.Lock()


def group_commit() -> GroupCommit:
    """Return this process's writes to the app's database."""
    engine = current_engine()
    group = _groups.get(engine)
    if group is None:
        with _groups_guard:
            group = _groups.setdefault(engine, GroupCommit())
    return group
