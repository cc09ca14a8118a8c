"""Libraries reserve card numbers, and their systems' logins have limits."""

import pytest
from flask.testing import FlaskClient

from app.register.staff.machines import rotate_password
from app.register.store.transaction import db
from tests.conftest import Clock
from tests.doors.libraries import MULLSJO, PATRONS, ULLENSAKER
from tests.doors.visits import KIOSK_1

SERIES = "/api/v1/number-series"


def reserve(client: FlaskClient, count: object, *, auth=ULLENSAKER, key: str = ""):
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(SERIES, json={"count": count}, auth=auth, headers=headers)


def test_what_one_library_reserved_no_other_gets(client: FlaskClient) -> None:
    ours, theirs = reserve(client, 100), reserve(client, 1, auth=MULLSJO)
    assert (ours.status_code, ours.json) == (201, {"first": "N500000000", "last": "N500000099", "count": 100})
    assert theirs.json == {"first": "N500000100", "last": "N500000100", "count": 1}


def test_a_request_that_is_sent_again_reserves_once(client: FlaskClient) -> None:
    first = reserve(client, 10, key="k-1")
    assert reserve(client, 10, key="k-1").json == first.json
    assert reserve(client, 10).json["first"] == "N500000010"


@pytest.mark.parametrize("count", [0, -1, 100_001, "10", 1.5, True, None, [], 10**30])
def test_what_is_no_number_of_numbers_is_refused(client: FlaskClient, count: object) -> None:
    assert reserve(client, count).status_code == 422


def test_ten_series_a_day_are_enough(client: FlaskClient, clock: Clock) -> None:
    assert {reserve(client, 100_000).status_code for _ in range(10)} == {201}
    answer = reserve(client, 1)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "86400")
    assert reserve(client, 1, auth=MULLSJO).status_code == 201
    clock.turn(days=1)
    assert reserve(client, 1).status_code == 201


def test_a_library_has_a_number_of_requests_a_minute_which_its_kiosks_and_systems_share(
    client: FlaskClient, clock: Clock
) -> None:
    for _ in range(600):
        client.get(f"{PATRONS}/x", auth=ULLENSAKER)
    answer = client.get(f"{PATRONS}/N000100001", auth=ULLENSAKER)
    assert (answer.status_code, answer.json["code"]) == (429, "too-many-attempts")
    assert answer.headers["Retry-After"] == "60"
    checked = client.post("/api/v1/pin-checks", json={"card_number": "1", "pin": "1"}, auth=KIOSK_1)
    assert checked.status_code == 429
    assert client.get(f"{PATRONS}/N000100001", auth=MULLSJO).status_code == 200
    clock.turn(seconds=60)
    assert client.get(f"{PATRONS}/N000100001", auth=ULLENSAKER).status_code == 200


def test_a_scan_is_never_held_up_by_the_librarys_other_requests(client: FlaskClient) -> None:
    for _ in range(601):
        client.get(f"{PATRONS}/x", auth=ULLENSAKER)
    assert client.post("/api/v1/scan", json={"payload": "1"}, auth=KIOSK_1).status_code == 200


def test_after_a_change_of_password_both_open_for_a_week_and_then_the_new_one(
    client: FlaskClient, clock: Clock
) -> None:
    with client.application.app_context():
        new = rotate_password(username="2023500", now=clock())
        db.session.commit()
    address = f"{PATRONS}/N000100001"
    assert client.get(address, auth=ULLENSAKER).status_code == 200
    assert client.get(address, auth=("2023500", new)).status_code == 200
    clock.turn(days=7)
    assert client.get(address, auth=ULLENSAKER).status_code == 401
    assert client.get(address, auth=("2023500", new)).status_code == 200
