"""POST /api/v1/scan as kiosks and libraries' systems call it, and the OpenAPI document that describes it."""

import base64
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.datastructures import Authorization

from app.demo.accounts import MACHINES
from app.register.store.transaction import db
from app.register.tables.log import AccessLogEntry
from tests.conftest import Clock
from tests.doors.conftest import Contents
from tests.doors.visits import (
    AT_MULLSJO_ONLY,
    KIOSK_1,
    KIOSK_2,
    NOBODYS_CODE,
    SCAN,
    log_in,
    other_digit,
    scan_at_kiosk,
    shown_code,
)


def test_an_accepted_scan_has_the_shape_that_libraries_rely_on(
    client: FlaskClient, phone: FlaskClient, clock: Clock
) -> None:
    response = scan_at_kiosk(client, shown_code(phone))
    answer = response.json
    assert response.status_code == 200
    assert response.mimetype == "application/json"
    assert set(answer) == {"result", "session", "expires", "patron", "device"}
    assert answer["result"] == "accepted"
    assert len(answer["session"]) == 32
    assert datetime.fromisoformat(answer["expires"]) == clock() + timedelta(minutes=5)
    assert answer["patron"] == {
        "name": "Ingrid Solvang",
        "age_band": "voksen",
        "home_library": "Ullensaker bibliotek",
        "activated_here": True,
        "blocks": [],
        "blocks_known": False,
    }
    assert set(answer["device"]) == {"label", "since", "carried_by_guardian"}
    assert datetime.fromisoformat(answer["device"]["since"]) == clock()


def test_the_answer_tells_the_terminal_no_number_by_which_to_sign_in(client: FlaskClient, phone: FlaskClient) -> None:
    assert "000100001" not in scan_at_kiosk(client, shown_code(phone)).text


def test_the_same_kiosk_gets_the_same_session_again(client: FlaskClient, phone: FlaskClient, clock: Clock) -> None:
    code = shown_code(phone)
    first = scan_at_kiosk(client, code).json
    clock.turn(seconds=20)
    assert scan_at_kiosk(client, code).json == first


def test_another_kiosk_is_refused_with_a_sentence_for_staff(client: FlaskClient, phone: FlaskClient) -> None:
    code = shown_code(phone)
    scan_at_kiosk(client, code, kiosk=KIOSK_1)
    response = scan_at_kiosk(client, code, kiosk=KIOSK_2)
    assert response.status_code == 200
    assert response.json == {"result": "refused", "reason": "REPLAY", "message": "Wait for the next code."}


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ("9788202123456", "NOT_OURS"),
        ("N000100001", "NOT_OURS"),
        ("٩٢١١٢٣٤٥٦٧٨٩٠١٢٢٩٤٢٨٧٠٨٢", "UNKNOWN"),
        ("９２１１２３４５６７８９０１２２９４２８７０８２", "UNKNOWN"),
        ("921123456789013294287082", "MISREAD"),
        (NOBODYS_CODE, "UNKNOWN"),
    ],
)
def test_a_refusal_names_its_reason(client: FlaskClient, payload: str, reason: str) -> None:
    answer = scan_at_kiosk(client, payload).json
    assert set(answer) == {"result", "reason", "message"}
    assert (answer["result"], answer["reason"]) == ("refused", reason)
    assert answer["message"].endswith(".")


def test_an_unknown_card_and_a_wrong_code_look_alike_to_a_kiosk(client: FlaskClient, phone: FlaskClient) -> None:
    wrong = scan_at_kiosk(client, other_digit(shown_code(phone), 20)).json
    assert wrong == scan_at_kiosk(client, NOBODYS_CODE).json


def test_a_card_of_another_library_is_accepted_and_said_not_to_be_activated(
    client: FlaskClient, phone: FlaskClient
) -> None:
    log_in(phone, *AT_MULLSJO_ONLY)
    patron = scan_at_kiosk(client, shown_code(phone)).json["patron"]
    assert (patron["activated_here"], patron["home_library"]) == (False, "Mullsjö bibliotek")


@pytest.mark.parametrize(
    "machine", [each for each in MACHINES if each.kind != "supplier"], ids=lambda machine: machine.username
)
def test_every_system_and_kiosk_may_scan_and_is_written_down(
    app: APIFlask, client: FlaskClient, phone: FlaskClient, machine: Any
) -> None:
    shown = Authorization("basic", {"username": machine.username, "password": machine.password})
    assert scan_at_kiosk(client, shown_code(phone), kiosk=shown).json["result"] == "accepted"
    with app.app_context():
        entry = db.session.scalars(select(AccessLogEntry)).one()
        assert (entry.role, entry.actor, entry.library_id) == (machine.kind, machine.username, machine.library_id)


def basic(text: bytes) -> str:
    return "Basic " + base64.b64encode(text).decode()


BAD_AUTHORIZATIONS = [
    None,
    "",
    "Basic",
    "Basic ",
    "Basic ====",
    "Basic ~~~",
    "Basic \xff",
    basic(b""),
    basic(b":"),
    basic(b"2023500-kiosk1"),
    basic(b"2023500-kiosk1:"),
    basic(b"2023500-kiosk1:wrong"),
    basic(b"2023500-KIOSK1:demo-kiosk"),
    basic(b"2023500-kiosk1 :demo-kiosk"),
    basic(b"2023500-kiosk1:demo-kiosk\x00"),
    basic(b"2023500-kiosk1\x00:demo-kiosk"),
    basic(b"\x00:\x00"),
    basic(b"\xff\xfe:\xff"),
    basic(b"\xed\xa0\x80:demo-kiosk"),
    basic("２０２３５００-kiosk1:demo-kiosk".encode()),
    basic(b"x" * 5000 + b":" + b"y" * 5000),
    "Bearer demo-kiosk",
    'Digest username="2023500-kiosk1"',
    "demo-kiosk",
    basic(b"desk-2023500:demo-desk-ullensaker"),
    basic(b"N000100001:4719"),
]


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_without_credentials_nothing_is_read_and_the_way_in_is_named(
    client: FlaskClient, read_database: Callable[[], Contents], clock: Clock
) -> None:
    before = read_database()
    for shown in BAD_AUTHORIZATIONS:
        headers = {} if shown is None else {"Authorization": shown}
        response = client.post(SCAN, data="{not json", content_type="application/json", headers=headers)
        assert response.status_code == 401, shown
        assert response.json["code"] == "unauthorized"
        assert response.headers["WWW-Authenticate"] == 'Basic realm="LÃ¥nekort", charset="UTF-8"'
        clock.turn(seconds=10)
    after = read_database()
    # Wrong passwords of a machine are counted for the administrators of its library.
    assert {name: rows for name, rows in after.items() if name != "machine_refusals"} == {
        name: rows for name, rows in before.items() if name != "machine_refusals"
    }


def test_a_patrons_or_a_desks_cookie_opens_no_api(phone: FlaskClient, desk: FlaskClient) -> None:
    for browser in (phone, desk):
        assert browser.post(SCAN, json={"payload": NOBODYS_CODE}).status_code == 401


def test_a_hundred_wrong_passwords_from_one_address_must_wait_and_the_right_one_need_not(
    client: FlaskClient, phone: FlaskClient
) -> None:
    wrong = Authorization("basic", {"username": "2023500-kiosk1", "password": "wrong"})
    for _ in range(100):
        assert scan_at_kiosk(client, NOBODYS_CODE, kiosk=wrong).status_code == 401
    response = scan_at_kiosk(client, NOBODYS_CODE, kiosk=wrong)
    assert response.status_code == 429
    assert response.json["code"] == "too-many-attempts"
    assert response.headers["Retry-After"] == "300"
    assert scan_at_kiosk(client, shown_code(phone)).json["result"] == "accepted"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{}",
        "[]",
        "null",
        "true",
        "42",
        '"921123456789012294287082"',
        '["921123456789012294287082"]',
        '{"payload": null}',
        '{"payload": 921123456789012294287082}',
        '{"payload": 1e999}',
        '{"payload": NaN}',
        '{"payload": true}',
        '{"payload": []}',
        '{"payload": ["921123456789012294287082"]}',
        '{"payload": {"payload": "921123456789012294287082"}}',
        '{"payload": ""}',
        json.dumps({"payload": "9" * 201}),
        '{"Payload": "921123456789012294287082"}',
        '{"payload": "921123456789012294287082", "extra": 1}',
        r'{"payload": "92\u0000"}',
        r'{"payload": "92\ud800"}',
    ],
)
def test_what_is_no_payload_is_unprocessable(client: FlaskClient, body: str) -> None:
    response = client.post(SCAN, data=body, content_type="application/json", auth=KIOSK_1)
    assert response.status_code == 422


@pytest.mark.parametrize(
    "body",
    [
        b" ",
        b"{",
        b"{'payload': '1'}",
        b"payload=921123456789012294287082",
        b"\xff\xfe{",
        b'{"payload": "\xff"}',
        b'{"payload": "\x00"}',
        '{"payload": "9"}'.encode("utf-16-le"),
        b"[" * 30_000,
        b'{"payload":' * 5_000,
        b'{"payload": "9", "more": ' + b"[" * 64 + b"]" * 64 + b"}",
        b'{"payload":' * 5_000 + b"1" + b"}" * 5_000,
        b'{"payload": ' + b"9" * 5_000 + b"}",
    ],
)
def test_what_is_no_json_is_a_bad_request(client: FlaskClient, body: bytes) -> None:
    response = client.post(SCAN, data=body, content_type="application/json", auth=KIOSK_1)
    assert (response.status_code, response.json["detail"]) == (
        400,
        "The body is no JSON in UTF-8, or nests deeper than 64 levels.",
    )


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "application/xml"]
)
def test_another_content_type_is_not_supported(client: FlaskClient, content_type: str) -> None:
    response = client.post(SCAN, data='{"payload": "1"}', content_type=content_type, auth=KIOSK_1)
    assert response.status_code == 415
    assert "application/json" in response.json["detail"]


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "application/vnd.kiosk+json"])
def test_any_json_content_type_is_taken(client: FlaskClient, content_type: str) -> None:
    response = client.post(SCAN, data='{"payload": "1"}', content_type=content_type, auth=KIOSK_1)
    assert response.json["reason"] == "NOT_OURS"


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_another_method_is_not_allowed(client: FlaskClient, method: str) -> None:
    response = client.open(SCAN, method=method, auth=KIOSK_1)
    assert response.status_code == 405
    assert set(response.headers["Allow"].split(", ")) == {"POST", "OPTIONS"}


def test_a_body_of_more_than_64_kib_is_too_large(client: FlaskClient) -> None:
    response = scan_at_kiosk(client, "9" * 70_000)
    assert (response.status_code, response.json["detail"]) == (413, "The body is larger than 64 KiB.")


def test_an_address_that_is_none_is_not_found(client: FlaskClient) -> None:
    for path in ("/api/", "/api/v1", "/api/v1/", "/api/v1/scan/", "/api/v2/scan", "/api/v1/sc%00an"):
        assert client.post(path, auth=KIOSK_1).status_code == 404, path


def test_an_api_fault_is_answered_without_a_word_of_how_the_house_is_built(app: APIFlask, client: FlaskClient) -> None:
    app.testing = False
    with app.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE presented_steps")
    response = scan_at_kiosk(client, NOBODYS_CODE)
    assert response.status_code == 500
    assert response.json["code"] == "fault"
    assert "presented_steps" not in response.text
