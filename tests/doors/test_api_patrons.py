"""What a library's system may fetch of a patron."""

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.datastructures import Authorization

from app.register.tables import AccessLogEntry
from app.register.transaction import db
from app.rules.pin import Budget
from tests.doors.visits import KIOSK_1

ULLENSAKER = Authorization("basic", {"username": "2023500", "password": "demo-system-ullensaker"})
MULLSJO = Authorization("basic", {"username": "Mull", "password": "demo-system-mullsjo"})
MINIMUM = {
    "card_number",
    "name",
    "age_band",
    "home_library_id",
    "home_library",
    "card_state",
    "version",
    "activated_here",
}


def test_a_library_gets_everything_of_a_patron_who_joined_it(client: FlaskClient) -> None:
    patron = client.get("/api/v1/patrons/N000100001", auth=MULLSJO).json
    assert patron["email"] == "guardian@example.org"
    assert patron["birth_date"] == "1984-08-14"
    assert patron["activated_here"] is True
    assert not any("national" in key or "pin" in key for key in patron)


def test_another_library_gets_the_minimum(client: FlaskClient) -> None:
    patron = client.get("/api/v1/patrons/N000100002", auth=MULLSJO).json
    assert set(patron) == MINIMUM
    assert patron["activated_here"] is False


def test_a_hidden_address_is_nowhere(client: FlaskClient) -> None:
    patron = client.get("/api/v1/patrons/N000100006", auth=ULLENSAKER).json
    assert (patron["address"], patron["postcode"], patron["place"]) == (None, None, None)


@pytest.mark.parametrize("number", ["N999999999", "nonsense", "N00010000", "%00", "N٠٠٠١٠٠٠٠١"])
def test_a_number_that_nobody_has_is_not_found(client: FlaskClient, number: str) -> None:
    answer = client.get(f"/api/v1/patrons/{number}", auth=ULLENSAKER)
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
    assert number not in answer.text


def test_a_kiosk_may_not_fetch(client: FlaskClient) -> None:
    assert client.get("/api/v1/patrons/N000100001", auth=KIOSK_1).status_code == 403


def test_without_a_login_nothing_is_told(client: FlaskClient) -> None:
    assert client.get("/api/v1/patrons/N000100001").status_code == 401


def test_every_fetch_is_written_down_with_what_was_told(client: FlaskClient, app: APIFlask) -> None:
    client.get("/api/v1/patrons/N000100001", auth=MULLSJO)
    client.get("/api/v1/patrons/N000100002", auth=MULLSJO)
    with app.app_context():
        lines = db.session.scalars(select(AccessLogEntry).order_by(AccessLogEntry.id)).all()
        assert [(line.role, line.actor, line.purpose) for line in lines] == [("system", "Mull", "fetch")] * 2
        assert "e-mail" in lines[0].fields
        assert lines[1].fields == "name, age band, home library"


def test_a_fetch_that_cannot_be_written_down_is_refused(client: FlaskClient, app: APIFlask) -> None:
    with app.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE access_log RENAME TO access_log_away")
    app.testing = False
    answer = client.get("/api/v1/patrons/N000100001", auth=MULLSJO)
    assert (answer.status_code, answer.json["code"]) == (503, "not-written-down")
    assert "guardian@example.org" not in answer.text


def test_a_stolen_login_is_slowed(client: FlaskClient, app: APIFlask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.register.fetching._FETCHES", Budget("patron fetches", limit=2, seconds=60))
    statuses = [client.get("/api/v1/patrons/N000100001", auth=MULLSJO).status_code for _ in range(4)]
    assert statuses == [200, 200, 429, 429]
