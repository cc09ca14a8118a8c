"""Threads that write to SQLite at the same time share a transaction, and none of them pays for another's fault."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from apiflask import APIFlask
from sqlalchemy import text

from app.register.store.driver import DriverConnection, Statement
from app.register.store.group_commit import GroupCommit
from app.register.store.transaction import db

ADD = Statement("INSERT INTO attempt_counts (purpose, subject, since, taken) VALUES ('group', :name, '2000-01-01', 0)")
_PATIENCE_SECONDS = 60


@pytest.fixture(params=["sqlite"])
def engine(request: pytest.FixtureRequest) -> str:
    """PostgreSQL groups commits by itself."""
    return str(request.param)


def add(name: str) -> Callable[[DriverConnection], bool]:
    def work(line: DriverConnection) -> bool:
        line.send(ADD, {"name": name})
        return True

    return work


class Writers:
    """Threads that wait while a first one has the database, so that all of them are written for at once."""

    def __init__(self, app: APIFlask) -> None:
        self.group = GroupCommit()
        self._app = app
        self._begun, self._go_on = threading.Event(), threading.Event()
        self._threads = ThreadPoolExecutor(max_workers=10)

    def write(self, work: Callable[[DriverConnection], bool]) -> Future[bool]:
        def run() -> bool:
            with self._app.app_context():
                return self.group.write(work)

        return self._threads.submit(run)

    def write_together(self, *works: Callable[[DriverConnection], bool]) -> list[Future[bool]]:
        def hold(_line: DriverConnection) -> bool:
            self._begun.set()
            return self._go_on.wait(_PATIENCE_SECONDS)

        first = self.write(hold)
        assert self._begun.wait(_PATIENCE_SECONDS)
        waiting = [self.write(work) for work in works]
        while len(self.group.waiting) < len(works):
            threading.Event().wait(0.01)
        self._go_on.set()
        assert first.result(_PATIENCE_SECONDS) is True
        return waiting


@pytest.fixture
def writers(app: APIFlask) -> Writers:
    return Writers(app)


def written() -> set[str]:
    return set(db.session.execute(text("SELECT subject FROM attempt_counts WHERE purpose = 'group'")).scalars())


def test_all_who_wait_are_written_for_in_one_transaction(writers: Writers) -> None:
    commits: list[int] = []

    def count(number: int) -> Callable[[DriverConnection], bool]:
        def work(line: DriverConnection) -> bool:
            commits.append(id(line))
            return add(f"g{number}")(line)

        return work

    results = writers.write_together(*(count(number) for number in range(6)))
    assert [result.result(_PATIENCE_SECONDS) for result in results] == [True] * 6
    assert written() == {f"g{number}" for number in range(6)}
    assert len(set(commits)) == 1


def test_each_gets_the_result_of_its_own_work(writers: Writers) -> None:
    results = writers.write_together(add("g1"), lambda _line: False, add("g2"))
    assert [result.result(_PATIENCE_SECONDS) for result in results] == [True, False, True]


def test_a_fault_is_its_writers_alone_and_the_others_are_written(writers: Writers) -> None:
    results = writers.write_together(add("g1"), add("g1"), add("g2"))
    outcomes = [result.exception(_PATIENCE_SECONDS) for result in results]
    assert sum(outcome is not None for outcome in outcomes) == 1
    assert outcomes[2] is None
    assert written() == {"g1", "g2"}


def test_after_a_fault_the_next_one_writes(writers: Writers) -> None:
    assert writers.write(add("g1")).result(_PATIENCE_SECONDS)
    assert writers.write(add("g1")).exception(_PATIENCE_SECONDS) is not None
    assert writers.write(add("g2")).result(_PATIENCE_SECONDS)
    assert written() == {"g1", "g2"}
