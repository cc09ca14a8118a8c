"""Whom the desk has just served: by name, for ten minutes, at that desk alone, and each look is in the access log."""

from collections.abc import Callable

import pytest
from apiflask import APIFlask
from bs4 import Tag
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from app.register.card.cards import report_lost
from app.register.store.transaction import db
from app.register.tables.library import Library
from app.register.tables.log import AccessLogEntry
from app.register.tables.patrons import Patron
from tests.conftest import Clock
from tests.doors.visits import (
    CHILD,
    GUARDIAN,
    desk_log_in,
    main_text,
    read_page,
    scan_at_desk,
    shown_code,
    submit,
)

BROWSER = Callable[..., FlaskClient]


def finish(desk: FlaskClient) -> None:
    """Press Escape."""
    assert submit(desk, "/desk/counter/done", page="/desk").status_code == 302


def names(desk: FlaskClient, page: str = "/desk") -> list[str]:
    return [button.text.strip() for button in read_page(desk.get(page)).select(".recent-names button")]


def mark_of(desk: FlaskClient, page: str = "/desk") -> str:
    field = read_page(desk.get(page)).select_one(".recent-names [name=visit]")
    assert isinstance(field, Tag)
    return str(field["value"])


def go_on(desk: FlaskClient, mark: str) -> TestResponse:
    return submit(desk, "/desk/again", page="/desk/find", visit=mark)


def looks(app: APIFlask, card_number: str = GUARDIAN[0]) -> list[tuple[str, str]]:
    with app.app_context():
        seen = AccessLogEntry
        rows = select(seen.purpose, seen.fields).join(Patron, Patron.id == seen.patron_id)
        found = db.session.execute(rows.where(Patron.card_number == card_number).order_by(seen.id)).all()
    return [(row.purpose, row.fields) for row in found]


@pytest.fixture
def left(desk: FlaskClient, phone: FlaskClient) -> FlaskClient:
    """The desk, where the guardian's visit was ended by mistake."""
    scan_at_desk(desk, shown_code(phone))
    finish(desk)
    return desk


@pytest.mark.parametrize("page", ["/desk", "/desk/find"])
def test_who_was_served_is_there_by_name_and_served_again_without_a_scan(left: FlaskClient, page: str) -> None:
    assert names(left, page) == ["Ingrid Solvang"]
    assert go_on(left, mark_of(left, page)).location == "/desk/patron"
    assert "Ingrid Solvang" in main_text(left.get("/desk/patron"))
    assert names(left, page) == [], "who is served now is nobody recent"


def test_the_name_in_the_list_is_logged_once_and_each_opening_again(app: APIFlask, left: FlaskClient) -> None:
    before = looks(app)
    for _ in range(3):
        names(left)
    assert looks(app) == [*before, ("recently served", "name")]
    go_on(left, mark_of(left))
    assert looks(app) == [*before, ("recently served", "name"), ("served again", "name")]


def test_the_patron_reads_what_the_looks_were_for(left: FlaskClient, phone: FlaskClient) -> None:
    go_on(left, mark_of(left))
    page = main_text(phone.get("/my/data"))
    assert "Your name was on the desk's list of those just served, for ten minutes at most" in page
    assert "The staff went on serving you, without a new scan" in page


def test_after_ten_minutes_the_name_is_gone_and_the_visit_refused_with_a_sentence(
    left: FlaskClient, clock: Clock
) -> None:
    mark = mark_of(left)
    clock.turn(seconds=599)
    assert names(left) == ["Ingrid Solvang"]
    clock.turn(seconds=1)
    assert names(left) == []
    assert go_on(left, mark).location == "/desk"
    page = main_text(left.get("/desk"))
    assert "More than ten minutes have gone by. Scan the card again, or find the patron." in page
    assert "Solvang" not in page


def test_a_visit_that_ran_out_by_itself_is_gone_ten_minutes_after_its_last_use(
    desk: FlaskClient, phone: FlaskClient, clock: Clock
) -> None:
    scan_at_desk(desk, shown_code(phone))
    clock.turn(seconds=301)
    assert desk.get("/desk/patron").location == "/desk"
    assert names(desk) == ["Ingrid Solvang"]
    clock.turn(seconds=300)
    assert names(desk) == []


def test_a_card_that_was_lost_meanwhile_is_refused_with_the_reason(app: APIFlask, left: FlaskClient) -> None:
    mark = mark_of(left)
    with app.app_context():
        report_lost(patron_id=1, now=app.config["CLOCK"]())
        db.session.commit()
    assert go_on(left, mark).location == "/desk"
    assert "The card is reported lost." in main_text(left.get("/desk"))
    assert left.get("/desk/patron").location == "/desk", "nobody is served"


def test_another_desk_sees_nothing_of_it_and_opens_nothing_even_where_desks_share_scans(
    app: APIFlask, left: FlaskClient, new_browser: BROWSER, clock: Clock
) -> None:
    mark = mark_of(left)
    other = new_browser()
    clock.turn(seconds=30)
    desk_log_in(other)
    for shared in (False, True):
        with app.app_context():
            db.session.execute(update(Library).values(desks_share_scans=shared))
            db.session.commit()
        assert names(other) == []
        assert go_on(other, mark).location == "/desk"
        assert other.get("/desk/patron").location == "/desk"


def test_nothing_of_it_is_left_at_the_desk_after_signing_out(left: FlaskClient, clock: Clock) -> None:
    mark = mark_of(left)
    submit(left, "/desk/logout", page="/desk")
    clock.turn(seconds=30)
    desk_log_in(left)
    assert names(left) == []
    assert go_on(left, mark).location == "/desk"


def test_the_page_has_no_word_that_opens_a_visit(left: FlaskClient) -> None:
    with left.session_transaction(path="/desk") as session:
        (kept,) = session["recent"]
    assert kept[0] not in left.get("/desk").text


@pytest.mark.parametrize("mark", ["", "x", "é" * 40, "0" * 16])
def test_a_mark_that_is_none_opens_nobody(left: FlaskClient, mark: str) -> None:
    assert go_on(left, mark).location == "/desk"
    assert left.get("/desk/patron").location == "/desk"


def test_five_patrons_are_kept_each_once_the_last_first(desk: FlaskClient, clock: Clock) -> None:
    for number in (1, 2, 3, 1, 6, 5, 3, 2):
        assert scan_at_desk(desk, f"N00010000{number}").status_code == 200
        clock.turn(seconds=1)
    finish(desk)
    shown = names(desk)
    assert shown[0] == "Jonas Solvang"
    assert len(shown) == len(set(shown)) == 5


def test_a_next_patrons_card_puts_the_one_before_in_the_list(desk: FlaskClient, phone: FlaskClient) -> None:
    scan_at_desk(desk, shown_code(phone))
    scan_at_desk(desk, CHILD[0])
    assert names(desk, "/desk/find") == ["Ingrid Solvang"]
    finish(desk)
    assert names(desk) == ["Jonas Solvang", "Ingrid Solvang"]
