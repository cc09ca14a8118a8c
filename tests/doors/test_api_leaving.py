"""A library's system deletes a patron on their behalf, and reports deaths."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.register.patron.patrons import activate_card
from app.register.store.transaction import db
from app.register.tables.log import Erasure
from app.register.tables.patrons import Patron
from tests.conftest import Clock
from tests.doors.conftest import Contents
from tests.doors.libraries import (
    JOINING,
    MULLSJO,
    PATRONS,
    ULLENSAKER,
    acknowledge,
    correct,
    enrol,
    fetch,
    read_changes,
)
from tests.doors.visits import CHILD, GUARDIAN, log_in

DEATHS = "/api/v1/deaths"


def delete(client: FlaskClient, card_number: str, *, auth=ULLENSAKER, seen=None):
    headers = {"If-Match": seen.headers["ETag"]} if seen else {}
    return client.delete(f"{PATRONS}/{card_number}", auth=auth, headers=headers)


def report(client: FlaskClient, *, auth=ULLENSAKER, **whom: object):
    return client.post(DEATHS, json=whom, auth=auth)


def test_the_home_library_deletes_a_patron_everywhere_and_gets_their_receipt(
    client: FlaskClient, app: APIFlask
) -> None:
    answer = delete(client, GUARDIAN[0])
    assert answer.status_code == 200
    assert set(answer.json) == {"receipt"}
    for auth in (ULLENSAKER, MULLSJO):
        gone = fetch(client, GUARDIAN[0], auth=auth)
        assert (gone.status_code, gone.json["code"]) == (410, "gone")
    with app.app_context():
        assert db.session.scalars(select(Erasure.reason)).all() == ["asked"]
        assert db.session.scalar(select(Patron.id).where(Patron.card_number == GUARDIAN[0])) is None


def test_each_library_is_told_of_who_was_erased_by_the_number_alone(client: FlaskClient) -> None:
    start = [(auth, read_changes(client, auth=auth).json["next"]) for auth in (ULLENSAKER, MULLSJO)]
    delete(client, GUARDIAN[0])
    for auth, after in start:
        (change,) = read_changes(client, auth=auth, after=after).json["changes"]
        assert (change["kind"], change["card_number"]) == ("erased", GUARDIAN[0])
        assert set(change) == {"id", "seq", "kind", "card_number", "version", "at"}


def test_once_a_library_has_acknowledged_an_erasure_the_number_is_gone_too(client: FlaskClient) -> None:
    after = read_changes(client).json["next"]
    delete(client, GUARDIAN[0])
    page = read_changes(client, after=after).json
    said = [{"id": page["changes"][0]["id"], "kinds": ["unpaid_debts"]}]
    assert acknowledge(client, page["next"], kept=said).json["confirmed"] > 0
    assert [change["card_number"] for change in read_changes(client, after=after).json["changes"]] == [None]
    assert GUARDIAN[0] in read_changes(client, auth=ULLENSAKER).text


def test_another_library_and_a_stranger_to_it_delete_nobody(
    client: FlaskClient, read_database: Callable[[], Contents]
) -> None:
    before = read_database()
    for number, code in ((GUARDIAN[0], "not-home-library"), (CHILD[0], "not-joined")):
        answer = delete(client, number, auth=MULLSJO)
        assert (answer.status_code, answer.json["code"]) == (403, code)
    assert read_database() == before


def test_who_says_whom_they_saw_deletes_nobody_else(client: FlaskClient) -> None:
    seen = fetch(client, CHILD[0])
    correct(client, CHILD[0], seen=seen, name="Jonas Moen")
    assert delete(client, CHILD[0], seen=seen).status_code == 412
    assert delete(client, CHILD[0], seen=fetch(client, CHILD[0])).status_code == 200


def test_late_updates_of_somebody_erased_change_nothing(client: FlaskClient) -> None:
    seen = fetch(client, CHILD[0])
    delete(client, CHILD[0])
    late = [
        correct(client, CHILD[0], seen=seen, name="Back Again"),
        client.post(f"{PATRONS}/{CHILD[0]}/activation", json=JOINING, auth=MULLSJO),
        client.delete(f"{PATRONS}/{CHILD[0]}/activation", auth=ULLENSAKER),
        delete(client, CHILD[0]),
        report(client, card_number=CHILD[0]),
        client.delete(f"{DEATHS}/{CHILD[0]}", auth=ULLENSAKER),
    ]
    assert [answer.status_code for answer in late] == [410] * 6


def test_an_enrolment_that_is_sent_again_resurrects_nobody(client: FlaskClient) -> None:
    number = enrol(client, key="k-1").json["card_number"]
    delete(client, number)
    again = enrol(client, key="k-1")
    assert (again.status_code, again.json["code"]) == (410, "gone")
    anew = enrol(client, key="k-2")
    assert anew.status_code == 201
    assert anew.json["card_number"] != number


def test_a_library_deletes_fifty_a_day(client: FlaskClient, clock: Clock) -> None:
    for _ in range(50):
        assert delete(client, "N099999999").status_code == 404
    assert delete(client, CHILD[0]).status_code == 429
    clock.turn(days=1)
    assert delete(client, CHILD[0]).status_code == 200


# Deaths


def test_a_death_stops_the_card_at_once_and_all_is_erased_within_a_day(
    client: FlaskClient, clock: Clock, new_browser: Callable
) -> None:
    answer = report(client, auth=MULLSJO, card_number=GUARDIAN[0])
    assert answer.status_code == 202
    assert clock() < datetime.fromisoformat(answer.json["erase_by"]) <= clock() + timedelta(hours=24)
    told = fetch(client, GUARDIAN[0]).json
    assert told["card_state"] == "deceased"
    assert "email" not in told
    assert log_in(new_browser(), *GUARDIAN).status_code != 302
    checked = client.post(
        "/api/v1/pin-checks", json=dict(zip(("card_number", "pin"), GUARDIAN, strict=True)), auth=MULLSJO
    )
    assert checked.json == {"valid": False}


def test_a_death_may_be_reported_by_national_id_and_twice(client: FlaskClient, clock: Clock) -> None:
    first = report(client, national_id="128484 30062")
    clock.turn(seconds=3600)
    assert first.status_code == 202
    assert report(client, auth=MULLSJO, card_number=GUARDIAN[0]).json == first.json


@pytest.mark.parametrize("whom", [{}, {"card_number": GUARDIAN[0], "national_id": "12848430062"}, {"name": "x"}])
def test_it_is_said_who_has_died_in_one_way(client: FlaskClient, whom: dict[str, str]) -> None:
    assert report(client, **whom).status_code == 422


def test_a_library_reports_its_own_patrons_alone(client: FlaskClient) -> None:
    for whom in ({"card_number": CHILD[0]}, {"national_id": "05881760012"}):
        answer = report(client, auth=MULLSJO, **whom)
        assert (answer.status_code, answer.json["code"]) == (403, "not-joined")
    assert report(client, card_number="N099999999").status_code == 404
    assert report(client, national_id="01831050027").status_code == 404
    assert fetch(client, CHILD[0]).json["card_state"] == "active"


def test_nothing_of_somebody_reported_dead_is_changed(client: FlaskClient) -> None:
    seen = fetch(client, CHILD[0])
    report(client, card_number=CHILD[0])
    tries = [
        correct(client, CHILD[0], seen=seen, name="Somebody Else"),
        client.post(f"{PATRONS}/{CHILD[0]}/activation", json=JOINING, auth=MULLSJO),
        delete(client, CHILD[0]),
    ]
    assert [(answer.status_code, answer.json["code"]) for answer in tries] == [(409, "card-deceased")] * 3


def test_a_mistake_is_taken_back_by_the_library_that_made_it(client: FlaskClient, app: APIFlask, clock: Clock) -> None:
    before = fetch(client, CHILD[0]).json
    with app.app_context():
        patron_id = db.session.scalar(select(Patron.id).where(Patron.card_number == CHILD[0]))
        assert patron_id is not None
        activate_card(patron_id=patron_id, library_id="Mull", now=clock())
        db.session.commit()
    report(client, card_number=CHILD[0])
    theirs = client.delete(f"{DEATHS}/{CHILD[0]}", auth=MULLSJO)
    assert (theirs.status_code, theirs.json["code"]) == (403, "not-your-report")
    ours = client.delete(f"{DEATHS}/{CHILD[0]}", auth=ULLENSAKER)
    assert (ours.status_code, ours.data) == (204, b"")
    assert fetch(client, CHILD[0]).json == before | {"version": before["version"] + 3}
