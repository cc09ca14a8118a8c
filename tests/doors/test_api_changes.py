"""What is new, for systems that fetch it, and their word on how far they have come."""

from datetime import UTC, datetime

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.register.library.notices import mark_delivered
from app.register.store.transaction import db
from app.register.tables.library import LibraryNotice, LibraryQueue
from tests.doors.libraries import ULLENSAKER, acknowledge, activate, correct, enrol, fetch, read_changes

GUARDIAN = "N000100001"


def kinds(answer: object) -> list[tuple[str, str | None]]:
    return [(change["kind"], change["card_number"]) for change in answer.json["changes"]]  # type: ignore[attr-defined]


def test_a_library_reads_on_from_where_it_was(client: FlaskClient) -> None:
    start = read_changes(client).json["next"]
    number = enrol(client).json["card_number"]
    activate(client, number)
    correct(client, number, seen=fetch(client, number), phone="+4740612345")
    page = read_changes(client, after=start)
    assert kinds(page) == [("joined", number), ("changed", number)]
    assert [change["seq"] for change in page.json["changes"]] == [int(start) + 1, int(start) + 2]
    assert [change["version"] for change in page.json["changes"]] == [2, 3]
    assert page.json["more"] is False
    assert kinds(read_changes(client, after=page.json["next"])) == []
    assert read_changes(client, after=page.json["next"]).json["next"] == page.json["next"]
    assert kinds(read_changes(client, after=start)) == kinds(page)


def test_a_page_has_as_many_as_were_asked_for(client: FlaskClient) -> None:
    number = enrol(client).json["card_number"]
    activate(client, number)
    seen: list[tuple[str, str | None]] = []
    after = ""
    for _ in range(10):
        page = read_changes(client, after=after, limit=1)
        assert len(page.json["changes"]) == 1
        seen += kinds(page)
        after = page.json["next"]
        if not page.json["more"]:
            break
    assert seen == kinds(read_changes(client))


def test_no_data_of_a_patron_stands_in_a_change(client: FlaskClient) -> None:
    number = enrol(client).json["card_number"]
    activate(client, number)
    text = read_changes(client).text
    assert number in text
    assert "Nyman" not in text
    assert "ola@example.org" not in text


def test_a_library_reads_nothing_of_who_never_joined_it(client: FlaskClient) -> None:
    number = enrol(client).json["card_number"]
    assert number not in read_changes(client).text
    assert number in read_changes(client, auth=ULLENSAKER).text


def test_who_left_is_named_by_the_number_alone(client: FlaskClient) -> None:
    start = read_changes(client).json["next"]
    client.delete(f"/api/v1/patrons/{GUARDIAN}/activation", auth=("Mull", "demo-system-mullsjo"))
    (change,) = read_changes(client, after=start).json["changes"]
    assert (change["kind"], change["card_number"]) == ("left", GUARDIAN)
    assert set(change) == {"id", "seq", "kind", "card_number", "version", "at"}


def tell_everything(app: APIFlask) -> None:
    """Say that each library was told all that waits, as by a webhook."""
    with app.app_context():
        for notice_id in db.session.scalars(select(LibraryNotice.id)).all():
            mark_delivered(notice_id=notice_id, now=datetime.now(UTC))


def test_who_was_erased_is_named_to_a_system_that_fetches_though_another_was_told(
    client: FlaskClient, app: APIFlask
) -> None:
    start = read_changes(client).json["next"]
    client.delete(f"/api/v1/patrons/{GUARDIAN}", auth=ULLENSAKER)
    tell_everything(app)
    page = read_changes(client, after=start)
    assert kinds(page) == [("erased", GUARDIAN)]
    acknowledge(client, page.json["next"])
    assert kinds(read_changes(client, after=start)) == [("erased", None)]


def test_who_left_and_was_erased_then_is_named_to_a_system_that_fetches(client: FlaskClient, app: APIFlask) -> None:
    start = read_changes(client).json["next"]
    client.delete(f"/api/v1/patrons/{GUARDIAN}/activation", auth=("Mull", "demo-system-mullsjo"))
    tell_everything(app)
    client.delete(f"/api/v1/patrons/{GUARDIAN}", auth=ULLENSAKER)
    page = read_changes(client, after=start)
    assert kinds(page) == [("left", GUARDIAN)]
    acknowledge(client, page.json["next"])
    assert kinds(read_changes(client, after=start)) == [("left", None)]


def test_reading_writes_nothing(client: FlaskClient, read_database) -> None:
    before = read_database()
    read_changes(client)
    assert read_database() == before


@pytest.mark.parametrize("after", ["x", "-1", "1.0", " 1", "١", "9" * 19])
def test_what_is_no_cursor_is_refused(client: FlaskClient, after: str) -> None:
    answer = read_changes(client, after=after)
    assert (answer.status_code, answer.json["errors"]) == (422, {"after": "not-valid"})


def test_a_cursor_from_the_future_is_refused(client: FlaskClient) -> None:
    for answer, field in ((read_changes(client, after="999"), "after"), (acknowledge(client, "999"), "up_to")):
        assert answer.json["code"] == "not-a-cursor"
        assert answer.json["errors"] == {field: "not-valid"}


@pytest.mark.parametrize("limit", ["0", "-1", "501", "x", "1e2"])
def test_a_page_has_one_to_five_hundred(client: FlaskClient, limit: str) -> None:
    assert read_changes(client, limit=limit).status_code == 422


def test_what_was_thrown_away_is_said_to_be_gone(client: FlaskClient, app: APIFlask) -> None:
    after = read_changes(client, limit=1).json["next"]
    with app.app_context():
        db.session.execute(update(LibraryQueue).where(LibraryQueue.library_id == "Mull").values(purged_seq=2))
        db.session.execute(
            LibraryNotice.__table__.delete().where(LibraryNotice.library_id == "Mull", LibraryNotice.seq <= 2)
        )
        db.session.commit()
    answer = read_changes(client, after=after)
    assert (answer.status_code, answer.json["code"]) == (410, "cursor-passed")
    anew = read_changes(client)
    assert anew.status_code == 200
    assert all(change["seq"] > 2 for change in anew.json["changes"])
    assert read_changes(client, after=anew.json["next"]).status_code == 200


# Acknowledging


def waiting(app: APIFlask, library_id: str = "Mull") -> int:
    with app.app_context():
        unconfirmed = select(LibraryNotice.id).where(
            LibraryNotice.library_id == library_id, LibraryNotice.confirmed_at.is_(None)
        )
        found = len(db.session.scalars(unconfirmed).all())
        db.session.rollback()
        return found


def test_what_is_acknowledged_waits_no_more(client: FlaskClient, app: APIFlask) -> None:
    first = read_changes(client, limit=1).json["next"]
    before = waiting(app)
    assert acknowledge(client, first).json == {"confirmed": 1}
    assert waiting(app) == before - 1
    assert acknowledge(client, first).json == {"confirmed": 0}
    assert acknowledge(client, read_changes(client).json["next"]).json == {"confirmed": before - 1}
    assert waiting(app) == 0


def test_a_library_acknowledges_its_own_alone(client: FlaskClient, app: APIFlask) -> None:
    others = waiting(app, "2023500")
    acknowledge(client, read_changes(client).json["next"])
    assert waiting(app, "2023500") == others


def test_what_must_be_kept_is_noted_once(client: FlaskClient, app: APIFlask) -> None:
    client.delete(f"/api/v1/patrons/{GUARDIAN}/activation", auth=("Mull", "demo-system-mullsjo"))
    page = read_changes(client).json
    left = page["changes"][-1]["id"]
    for said in (["unpaid_debts", "open_loans"], ["other"]):
        assert acknowledge(client, page["next"], kept=[{"id": left, "kinds": said}]).status_code == 200
    with app.app_context():
        assert db.session.get_one(LibraryNotice, left).kept == "open_loans,unpaid_debts"


def test_nothing_is_kept_of_who_did_not_leave_this_library(client: FlaskClient, app: APIFlask) -> None:
    page = read_changes(client).json
    joined = page["changes"][0]["id"]
    strangers = read_changes(client, auth=ULLENSAKER).json["changes"][0]["id"]
    before = waiting(app)
    for notice in (joined, strangers, 10**17):
        answer = acknowledge(client, page["next"], kept=[{"id": notice, "kinds": ["other"]}])
        assert (answer.status_code, answer.json["code"]) == (422, "not-kept")
    assert waiting(app) == before


@pytest.mark.parametrize(
    "kept",
    [None, {}, [1], [{}], [{"id": 1}], [{"id": 1, "kinds": []}], [{"id": 1, "kinds": ["title"]}], [{"id": "1"}]],
)
def test_what_is_kept_is_told_by_kind_and_no_more(client: FlaskClient, kept: object) -> None:
    assert acknowledge(client, "1", kept=kept).status_code == 422
