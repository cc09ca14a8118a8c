"""Telling a library's system what is new, at an address of its own: lost, refused, busy and dead ones."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from apiflask import APIFlask
from sqlalchemy import select, update

from app.ils.webhook import draw_key
from app.register.library.webhooks import listen_at
from app.register.store.transaction import db
from app.register.tables.library import LibraryNotice, LibraryQueue
from app.work.notifying import notify_one_library
from tests.conftest import Clock

LIBRARY = "2023500"


@dataclass
class LibrarySystem:
    """A library's system, which answers as it is told to: a status, or None to close the line without a word."""

    url: str = ""
    answers: list[int | None] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)

    def take(self, notice: dict[str, int]) -> int | None:
        self.asked.append(notice["id"])
        return self.answers.pop(0) if self.answers else 200


@pytest.fixture
def system() -> Iterator[LibrarySystem]:
    library_system = LibrarySystem()

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status = library_system.take(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            if status is not None:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                if status == 503:
                    self.send_header("Retry-After", "90")
                self.end_headers()
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Door)) as port:
        library_system.url = f"http://127.0.0.1:{port}/lanekort"
        yield library_system


@contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def tell(app: APIFlask, clock: Clock, system: LibrarySystem) -> Callable[..., list[int]]:
    """Tell the library whatever is due, each call answered as it says, and return the notices it was asked to take."""
    with app.app_context():
        db.session.execute(update(LibraryQueue).values(due_at=None))
        listen_at(library_id=LIBRARY, url=system.url, key=draw_key(), now=clock())
        db.session.commit()

    def tell(*answers: int | None) -> list[int]:
        system.answers, system.asked = list(answers), []
        with app.app_context():
            notify_one_library()
            db.session.remove()
        return system.asked

    return tell


def waiting(app: APIFlask) -> list[int]:
    """The notices that the library has not taken, in its order."""
    unconfirmed = LibraryNotice.confirmed_at.is_(None)
    with app.app_context():
        return list(
            db.session.scalars(
                select(LibraryNotice.id)
                .where(LibraryNotice.library_id == LIBRARY, unconfirmed)
                .order_by(LibraryNotice.seq)
            )
        )


def pause(app: APIFlask, clock: Clock) -> float:
    """The seconds until the library is asked again."""
    with app.app_context():
        queue = db.session.get_one(LibraryQueue, LIBRARY)
        assert queue.due_at is not None
        return (queue.due_at - clock()).total_seconds()


def test_all_that_waits_is_told_in_its_order(app: APIFlask, tell: Callable[..., list[int]]) -> None:
    told = waiting(app)
    assert len(told) > 3
    assert tell() == told
    assert waiting(app) == []
    assert tell() == []


def test_a_message_that_is_lost_is_sent_once_more_at_once(app: APIFlask, tell: Callable[..., list[int]]) -> None:
    first, second, *rest = waiting(app)
    assert tell(None, 200, None) == [first, first, second, second, *rest]
    assert waiting(app) == []


def test_a_library_that_stays_silent_is_let_be_and_asked_once_after_each_longer_pause(
    app: APIFlask, clock: Clock, tell: Callable[..., list[int]]
) -> None:
    first, *_ = all_of_it = waiting(app)
    assert tell(None, None) == [first, first]
    assert 1 <= pause(app, clock) <= 2
    assert tell() == [], "not before its pause is over"
    clock.turn(seconds=2)
    assert tell(None) == [first], "a dead library is not asked twice"
    assert 2 <= pause(app, clock) <= 4
    clock.turn(seconds=4)
    assert tell() == all_of_it
    assert waiting(app) == []


def test_a_library_that_is_busy_is_let_be_for_as_long_as_it_says(
    app: APIFlask, clock: Clock, tell: Callable[..., list[int]]
) -> None:
    first, second, *_ = waiting(app)
    assert tell(200, 503) == [first, second]
    assert pause(app, clock) == 90


def test_what_a_library_refuses_steps_aside_and_the_rest_is_told(
    app: APIFlask, clock: Clock, tell: Callable[..., list[int]]
) -> None:
    first, *rest = all_of_it = waiting(app)
    with app.app_context():
        patron = select(LibraryNotice.patron_id).where(LibraryNotice.id == first).scalar_subquery()
        theirs = set(db.session.scalars(select(LibraryNotice.id).where(LibraryNotice.patron_id == patron)))
    assert tell(422) == [first, *(notice for notice in rest if notice not in theirs)]
    assert waiting(app) == [notice for notice in all_of_it if notice in theirs]
    clock.turn(seconds=2)
    assert tell() == [notice for notice in all_of_it if notice in theirs]
