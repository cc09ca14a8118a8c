"""What a library's system may fetch of a patron."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.datastructures import Authorization

from app.demo.accounts import PATRONS
from app.register.library.strangers import LOOKUPS
from app.register.store.transaction import db
from app.register.tables.log import AccessLogEntry
from app.register.tables.patrons import Patron
from app.rules.pins.pin import Budget
from tests.conftest import Clock
from tests.doors.visits import CHILD, KIOSK_1, log_in, scan_at_kiosk, shown_code

ULLENSAKER = Authorization("basic", {"username": "2023500", "password": "demo-system-ullensaker"})
INGRIDS_CHILD = PATRONS[1]
IS_OF_CHILD = AccessLogEntry.patron_id == select(Patron.id).where(Patron.card_number == CHILD[0]).scalar_subquery()
MULLSJO_KIOSK = Authorization("basic", {"username": "Mull-kiosk1", "password": "demo-kiosk"})
MULLSJO = Authorization("basic", {"username": "Mull", "password": "demo-system-mullsjo"})
NUMBER_ALONE = {"card_number", "activated_here"}
MINIMUM = NUMBER_ALONE | {"name", "age_band", "home_library_id", "home_library", "card_state", "version"}


def test_a_library_gets_everything_of_a_patron_who_joined_it(client: FlaskClient) -> None:
    patron = client.get("/api/v1/patrons/N000100001", auth=MULLSJO).json
    assert patron["email"] == "guardian@example.org"
    assert patron["birth_date"] == "1984-08-14"
    assert patron["activated_here"] is True
    assert not any("national" in key or "pin" in key for key in patron)


def test_another_library_gets_no_more_than_the_number(client: FlaskClient) -> None:
    patron = client.get("/api/v1/patrons/N000100002", auth=MULLSJO).json
    assert patron == {"card_number": "N000100002", "activated_here": False}
    found = client.post("/api/v1/patrons/find", json={"national_id": INGRIDS_CHILD.national_id}, auth=MULLSJO).json
    assert found == patron


def test_another_library_where_the_card_was_just_scanned_gets_the_minimum(
    client: FlaskClient, new_browser: Callable[..., FlaskClient], clock: Clock
) -> None:
    phone = new_browser()
    log_in(phone, *CHILD)
    scan_at_kiosk(client, shown_code(phone), kiosk=MULLSJO_KIOSK)
    patron = client.get("/api/v1/patrons/N000100002", auth=MULLSJO).json
    assert set(patron) == MINIMUM
    clock.turn(seconds=300)
    assert set(client.get("/api/v1/patrons/N000100002", auth=MULLSJO).json) == NUMBER_ALONE


def test_of_hundreds_of_numbers_none_gives_name_age_band_or_home_library(client: FlaskClient, app: APIFlask) -> None:
    known = [f"N00010000{digit}" for digit in range(1, 10)]
    answers = [client.get(f"/api/v1/patrons/{number}", auth=MULLSJO) for number in known * 71]
    strangers = [answer for answer in answers if not (answer.json.get("activated_here") or "email" in answer.json)]
    assert len(strangers) > 400
    assert not any({"name", "age_band", "home_library", "home_library_id"} & set(answer.json) for answer in strangers)
    assert {answer.status_code for answer in strangers} == {200, 404, 429}
    with app.app_context():
        (childs,) = {line.fields for line in db.session.scalars(select(AccessLogEntry).where(IS_OF_CHILD))}
    assert childs == "card number"


def test_beyond_the_days_number_nothing_tells_who_has_a_card_but_it_goes_on_slowly(
    client: FlaskClient, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.register.library.strangers.LOOKUPS", replace(LOOKUPS, limit=3))

    def ask(number: str) -> tuple[int, str | None]:
        answer = client.get(f"/api/v1/patrons/{number}", auth=MULLSJO)
        return answer.status_code, answer.headers.get("Retry-After")

    stranger, nobody = "N000100002", "N099999999"
    assert [ask(number)[0] for number in (stranger, nobody, stranger)] == [200, 404, 200]
    assert ask(stranger)[0] == 200
    assert [ask(stranger), ask(nobody)] == [(429, "60"), (429, "60")]
    assert ask("N000100001")[0] == 200
    clock.turn(seconds=60)
    assert [ask(nobody)[0], ask(stranger)[0]] == [404, 429]


def test_every_act_upon_a_stranger_is_counted_before_it_is_told_whether_there_is_one(
    client: FlaskClient, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.register.library.strangers.LOOKUPS", replace(LOOKUPS, limit=0))
    sent: list[dict[str, Any]] = [
        {"method": "PATCH", "path": "/api/v1/patrons/{}", "headers": {"If-Match": '"x"'}, "json": {}},
        {"method": "DELETE", "path": "/api/v1/patrons/{}"},
        {"method": "DELETE", "path": "/api/v1/patrons/{}/activation"},
        {"method": "POST", "path": "/api/v1/patrons/{}/activation", "json": {"rules_accepted": True}},
        {"method": "POST", "path": "/api/v1/deaths", "json": {"card_number": "{}"}},
    ]
    for each in sent:
        clock.turn(seconds=60)
        statuses = []
        for number in ("N000100002", "N099999999", "N000100002"):
            body = {"json": {name: number if value == "{}" else value for name, value in each.get("json", {}).items()}}
            told = client.open(
                each["path"].format(number),
                method=each["method"],
                auth=MULLSJO,
                headers=each.get("headers"),
                **(body if "json" in each else {}),
            )
            statuses.append(told.status_code)
        assert statuses[0] == 403, each
        assert statuses[1:] == [429, 429], each


def test_a_hidden_address_is_nowhere(client: FlaskClient) -> None:
    patron = client.get("/api/v1/patrons/N000100006", auth=ULLENSAKER).json
    assert (patron["address"], patron["postcode"], patron["place"]) == (None, None, None)


@pytest.mark.parametrize("number", ["N999999999", "nonsense", "N00010000", "%00"])
def test_a_number_that_nobody_has_is_not_found(client: FlaskClient, number: str) -> None:
    answer = client.get(f"/api/v1/patrons/{number}", auth=ULLENSAKER)
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
    assert number not in answer.text


def test_a_number_in_digits_of_another_script_is_the_number(client: FlaskClient) -> None:
    assert client.get("/api/v1/patrons/N٠٠٠١٠٠٠٠١", auth=ULLENSAKER).json["card_number"] == "N000100001"


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
        assert lines[1].fields == "card number"


def test_a_fetch_that_cannot_be_written_down_is_refused(client: FlaskClient, app: APIFlask) -> None:
    with app.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE access_log RENAME TO access_log_away")
    app.testing = False
    answer = client.get("/api/v1/patrons/N000100001", auth=MULLSJO)
    assert (answer.status_code, answer.json["code"]) == (503, "not-written-down")
    assert "guardian@example.org" not in answer.text


def test_a_stolen_login_is_slowed(client: FlaskClient, app: APIFlask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.register.library.fetching.FETCHES", Budget("patron fetches", limit=2, seconds=60))
    statuses = [client.get("/api/v1/patrons/N000100001", auth=MULLSJO).status_code for _ in range(4)]
    assert statuses == [200, 200, 429, 429]
