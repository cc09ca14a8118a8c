"""Lån comes at once, and the loans follow in the same answer."""

from collections.abc import Callable, Iterator, Sequence
from typing import NoReturn

import pytest
from apiflask import APIFlask
from flask import Response
from flask.testing import FlaskClient
from sqlalchemy import text

from app.ils.guard import Guard
from app.ils.port import Account, Unavailable
from app.ils.systems import Systems
from app.register.store.transaction import db
from app.rules.circuit import TIMEOUTS_IN_A_ROW
from tests.doors.visits import GUARDIAN, log_in, main_text
from tests.together.acts import press, send_permission
from tests.town import Town

NOTE = "Fetching the loans from the libraries"
TITLE = "Et dukkehjem"


@pytest.fixture
def browser(app: APIFlask) -> FlaskClient:
    """A guardian's phone that reads an answer bit by bit."""
    client = FlaskClient(app, Response, use_cookies=True)
    client.set_cookie("lang", "en")
    log_in(client, *GUARDIAN)
    return client


def pieces(browser: FlaskClient) -> Iterator[str]:
    return (piece.decode() for piece in browser.get("/my/loans").iter_encoded())


def lines(app: APIFlask) -> int:
    """Count the lines of the access log."""
    with app.app_context(), db.engine.connect() as connection:
        return connection.execute(text("SELECT count(*) FROM access_log")).scalar_one()


def test_the_page_is_sent_before_any_library_is_asked(browser: FlaskClient, town: Town):
    town.calls.clear()
    arriving = pieces(browser)
    first = next(arriving)
    assert NOTE in first
    assert first.rstrip().endswith("</p>"), "up to the note, so that nothing behind it hides it"
    assert TITLE not in first
    assert town.calls == []
    rest = "".join(arriving)
    assert TITLE in rest
    assert rest.rstrip().endswith("</html>")
    assert sorted(town.calls) == [("2023500", "patrons/overview"), ("Mull", "patrons/overview")]


def test_a_look_is_written_down_before_the_page_begins(
    app: APIFlask, browser: FlaskClient, child: FlaskClient, guardian: FlaskClient
):
    send_permission(child, GUARDIAN[0])
    press(guardian, "/my/settings", "/on")
    before = lines(app)
    arriving = pieces(browser)
    next(arriving)
    assert lines(app) == before + 1
    assert "Jonas" in "".join(arriving)


def test_no_library_is_asked_for_the_headers_alone(browser: FlaskClient, town: Town):
    town.calls.clear()
    answer = browser.head("/my/loans")
    assert (answer.status_code, answer.data, town.calls) == (200, b"", [])


def test_no_connection_is_held_while_libraries_are_asked(app: APIFlask, browser: FlaskClient):
    held = []

    class Watching:
        def accounts(self, *, card_numbers: Sequence[str]) -> list[Account]:
            with app.app_context():
                held.append(db.engine.pool.checkedout())
            raise Unavailable("busy")

    app.extensions["ils"] = Systems({"2023500": Watching()})
    assert "".join(pieces(browser))
    assert held == [0]


def test_a_fault_under_way_ends_in_a_sentence_and_a_line_in_the_log(
    app: APIFlask, browser: FlaskClient, capsys: pytest.CaptureFixture[str]
):
    class Broken:
        def get(self, _library_id: str) -> NoReturn:
            raise KeyError(GUARDIAN[0])

    app.extensions["ils"] = Broken()
    app.testing = False
    page = browser.get("/my/loans")
    assert page.status_code == 200
    assert "Something went wrong on our side" in main_text(page)
    assert page.text.rstrip().endswith("</html>")
    log = capsys.readouterr().out
    assert '"event": "fault"' in log
    assert '"kind": "KeyError"' in log
    assert GUARDIAN[0] not in log


def test_proxies_are_asked_not_to_gather_the_answer(browser: FlaskClient):
    assert browser.get("/my/loans").headers["X-Accel-Buffering"] == "no"


def test_messages_of_the_page_before_are_shown_once(guardian: FlaskClient):
    answer = press(guardian, "/my/loans", "/my/loans/renew-all")
    assert "renewed" in main_text(guardian.get(answer.location))
    assert "loans renewed" not in main_text(guardian.get("/my/loans"))


def test_the_status_page_names_the_libraries_that_are_not_asked_now(
    app: APIFlask, town: Town, new_browser: Callable[..., FlaskClient]
):
    stranger = new_browser()
    assert "No library's system is known not to answer." in main_text(stranger.get("/status"))
    guard = town.systems.get("Mull").guard
    assert isinstance(guard, Guard)
    for _ in range(TIMEOUTS_IN_A_ROW):
        guard.note(timed_out=True)
    page = main_text(stranger.get("/status"))
    assert "Mullsjö bibliotek" in page
    assert "Ullensaker" not in page
