"""Notifying a library's system at its webhook: notices that are lost or refused, systems that are busy or silent."""

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
    """A library's system, which answers with the statuses given; None closes the connection without an answer."""

    url: str = ""
    answers: list[int | None] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)

    def take(self, notice: dict[str, int]) -> int | None:
        self.asked.append(notice["id"])
        return self.answers.pop(0) if self.answers else 200


@pytest.fixture
def system() -> Iterator[LibrarySystem]:
    library_system = LibrarySystem()

    class Handler(BaseHTTPRequestHandler):
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

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
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
def notify(app: APIFlask, clock: Clock, system: LibrarySystem) -> Callable[..., list[int]]:
    """Deliver what is due; the library answers each call as given. Returns the ids of the notices it was sent."""
    with app.app_context():
        db.session.execute(update(LibraryQueue).values(due_at=None))
        listen_at(library_id=LIBRARY, url=system.url, key=draw_key(), now=clock())
        db.session.commit()

    def notify(*answers: int | None) -> list[int]:
        system.answers, system.asked = list(answers), []
        with app.app_context():
            notify_one_library()
            db.session.remove()
        return system.asked

    return notify


def waiting(app: APIFlask) -> list[int]:
    """Return the notices that the library has not confirmed, in their order."""
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


def test_notices_are_delivered_in_their_order(app: APIFlask, notify: Callable[..., list[int]]) -> None:
    told = waiting(app)
    assert len(told) > 3
    assert notify() == told
    assert waiting(app) == []
    assert notify() == []


def test_a_notice_that_is_lost_is_sent_once_more_without_delay(app: APIFlask, notify: Callable[..., list[int]]) -> None:
    first, second, *rest = waiting(app)
    assert notify(None, 200, None) == [first, first, second, second, *rest]
    assert waiting(app) == []


def test_a_silent_library_is_asked_once_after_each_longer_pause(
    app: APIFlask, clock: Clock, notify: Callable[..., list[int]]
) -> None:
    first, *_ = all_of_it = waiting(app)
    assert notify(None, None) == [first, first]
    assert 1 <= pause(app, clock) <= 2
    assert notify() == [], "not before its pause is over"
    clock.turn(seconds=2)
    assert notify(None) == [first], "a dead library is not asked twice"
    assert 2 <= pause(app, clock) <= 4
    clock.turn(seconds=4)
    assert notify() == all_of_it
    assert waiting(app) == []


def test_a_busy_library_is_asked_again_when_it_says(
    app: APIFlask, clock: Clock, notify: Callable[..., list[int]]
) -> None:
    first, second, *_ = waiting(app)
    assert notify(200, 503) == [first, second]
    assert pause(app, clock) == 90


def test_a_refused_notice_is_put_aside_and_the_rest_is_delivered(
    app: APIFlask, clock: Clock, notify: Callable[..., list[int]]
) -> None:
    first, *rest = all_of_it = waiting(app)
    with app.app_context():
        patron = select(LibraryNotice.patron_id).where(LibraryNotice.id == first).scalar_subquery()
        theirs = set(db.session.scalars(select(LibraryNotice.id).where(LibraryNotice.patron_id == patron)))
    assert notify(422) == [first, *(notice for notice in rest if notice not in theirs)]
    assert waiting(app) == [notice for notice in all_of_it if notice in theirs]
    clock.turn(seconds=2)
    assert notify() == [notice for notice in all_of_it if notice in theirs]
