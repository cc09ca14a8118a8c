"""A library's system corrects a patron: nothing that it may not, and nothing that somebody else changed meanwhile."""

from collections.abc import Callable
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.register.store.transaction import db
from app.register.tables.columns import Base
from app.register.tables.messages import Message
from tests.doors.conftest import Contents
from tests.doors.libraries import MULLSJO, NEW, PATRONS, ULLENSAKER, correct, fetch

GUARDIAN = "N000100001"
ASKED = {"address", "address_hidden", "birth_date", "email", "gender", "language", "name", "phone", "place", "postcode"}
CHANGEABLE = ASKED | {"preferred_contact"}


def test_what_is_sent_is_changed_and_the_rest_stays(client: FlaskClient) -> None:
    seen = fetch(client, GUARDIAN)
    answer = correct(client, GUARDIAN, seen=seen, phone="406 12 345", language="nn")
    assert answer.status_code == 200
    changed = {"phone": "+4740612345", "phone_proven": False, "language": "nn", "version": seen.json["version"] + 1}
    assert answer.json == seen.json | changed
    again = fetch(client, GUARDIAN)
    assert (again.json, again.headers["ETag"]) == (answer.json, answer.headers["ETag"])


def test_null_removes_as_a_merge_patch_has_it(client: FlaskClient) -> None:
    answer = client.patch(
        f"{PATRONS}/{GUARDIAN}",
        data='{"phone": null}',
        content_type="application/merge-patch+json",
        auth=ULLENSAKER,
        headers={"If-Match": fetch(client, GUARDIAN).headers["ETag"]},
    )
    assert (answer.status_code, answer.json["phone"]) == (200, None)


def test_name_birth_date_and_gender_are_changed_by_a_library(client: FlaskClient) -> None:
    answer = correct(
        client, GUARDIAN, seen=fetch(client, GUARDIAN), name=" Ingrid  Moen ", birth_date="1984-08-15", gender="unknown"
    )
    assert (answer.json["name"], answer.json["birth_date"], answer.json["gender"]) == (
        "Ingrid Moen",
        "1984-08-15",
        "unknown",
    )


def test_nothing_new_is_no_change(client: FlaskClient, read_database: Callable[[], Contents]) -> None:
    seen = fetch(client, GUARDIAN)
    before = read_database()
    for fields in ({}, {"phone": seen.json["phone"], "name": seen.json["name"]}):
        assert correct(client, GUARDIAN, seen=seen, **fields).json == seen.json
    after = read_database()
    assert {table for table in after if after[table] != before[table]} == {"access_log"}


def test_the_patron_is_told_of_new_contact_data_at_the_old_address_too(client: FlaskClient, app: APIFlask) -> None:
    correct(client, GUARDIAN, seen=fetch(client, GUARDIAN), email="new@example.org")
    with app.app_context():
        told = db.session.scalars(select(Message).where(Message.kind == "contact-changed")).all()
        assert [message.sealed_to is not None for message in told] == [True]


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({"email": "nonsense"}, {"email": "not-valid"}),
        ({"email": None}, {"email": "missing"}),
        ({"email": ""}, {"email": "not-valid"}),
        ({"phone": " "}, {"phone": "not-valid"}),
        ({"postcode": None}, {"postcode": "missing"}),
        ({"name": "1"}, {"name": "not-valid"}),
        ({"name": None}, {"name": "not-valid"}),
        ({"birth_date": "2031-01-01"}, {"birth_date": "not-valid"}),
        ({"birth_date": None}, {"birth_date": "not-valid"}),
        ({"gender": None}, {"gender": "not-valid"}),
        ({"language": None}, {"language": "not-valid"}),
        ({"preferred_contact": None}, {"preferred_contact": "not-valid"}),
        ({"home_library_id": "Mull"}, {"home_library_id": "unknown"}),
    ],
)
def test_what_cannot_be_right_is_named_and_nothing_is_changed(
    client: FlaskClient, fields: dict[str, object], errors: dict[str, str]
) -> None:
    seen = fetch(client, GUARDIAN)
    answer = correct(client, GUARDIAN, seen=seen, **fields)
    assert (answer.status_code, answer.json["errors"]) == (422, errors)
    assert fetch(client, GUARDIAN).json == seen.json


def test_who_saw_an_older_patron_changes_nothing(client: FlaskClient) -> None:
    seen = fetch(client, GUARDIAN)
    theirs = fetch(client, GUARDIAN, auth=MULLSJO)
    assert correct(client, GUARDIAN, seen=theirs, auth=MULLSJO, phone="+4740612345").status_code == 200
    late = correct(client, GUARDIAN, seen=seen, phone="+4740612346")
    assert (late.status_code, late.json["code"]) == (412, "changed-meanwhile")
    assert fetch(client, GUARDIAN).json["phone"] == "+4740612345"


@pytest.mark.parametrize("tag", [None, "*", "", "x", '"x"', '"{etag}', '"{ETAG}"'])
def test_a_change_names_exactly_what_was_seen(client: FlaskClient, tag: str | None) -> None:
    seen = fetch(client, GUARDIAN)
    etag = seen.headers["ETag"].strip('"')
    headers = {} if tag is None else {"If-Match": tag.replace("{etag}", etag).replace("{ETAG}", etag.upper())}
    answer = client.patch(f"{PATRONS}/{GUARDIAN}", json={"phone": None}, auth=ULLENSAKER, headers=headers)
    assert answer.status_code == (428 if tag in (None, "*") else 412)
    assert fetch(client, GUARDIAN).json == seen.json


def test_one_of_several_tags_is_enough(client: FlaskClient) -> None:
    headers = {"If-Match": f'"x", {fetch(client, GUARDIAN).headers["ETag"]}'}
    answer = client.patch(f"{PATRONS}/{GUARDIAN}", json={}, auth=ULLENSAKER, headers=headers)
    assert answer.status_code == 200


def test_who_has_what_a_fetch_gave_is_told_so_without_it(client: FlaskClient) -> None:
    etag = fetch(client, GUARDIAN).headers["ETag"]
    answer = client.get(f"{PATRONS}/{GUARDIAN}", auth=ULLENSAKER, headers={"If-None-Match": etag})
    assert (answer.status_code, answer.data) == (304, b"")


def test_a_fetch_of_a_state_that_is_past_tells_nothing(client: FlaskClient) -> None:
    etag = fetch(client, GUARDIAN).headers["ETag"]
    past = client.get(f"{PATRONS}/{GUARDIAN}", auth=ULLENSAKER, headers={"If-Match": '"x"'})
    assert (past.status_code, past.json["code"]) == (412, "changed-meanwhile")
    assert "Solvang" not in past.text
    assert client.get(f"{PATRONS}/{GUARDIAN}", auth=ULLENSAKER, headers={"If-Match": etag}).status_code == 200


def test_a_library_corrects_only_its_own_patrons(client: FlaskClient) -> None:
    seen = fetch(client, "N000100002", auth=MULLSJO)
    answer = correct(client, "N000100002", seen=seen, auth=MULLSJO, phone="+4740612345")
    assert (answer.status_code, answer.json["code"]) == (403, "not-joined")
    assert fetch(client, "N000100002").json["phone"] is None


def columns() -> set[str]:
    return {column.name for table in Base.metadata.sorted_tables for column in table.columns}


# Every route that writes, with a body that it takes, and the names of columns that are fields of it.
WRITES: list[tuple[str, str, dict[str, Any], set[str]]] = [
    ("POST", "/api/v1/scan", {"payload": "1"}, {"payload"}),
    ("POST", PATRONS, NEW, CHANGEABLE | {"card_number"}),
    ("PATCH", f"{PATRONS}/{GUARDIAN}", {}, CHANGEABLE),
    ("POST", f"{PATRONS}/{GUARDIAN}/activation", {"rules_accepted": True}, {"session"}),
    ("POST", f"{PATRONS}/{GUARDIAN}/push", {"kind": "due"}, {"kind"}),
    ("POST", f"{PATRONS}/find", {"national_id": "12848430062"}, set()),
    ("POST", "/api/v1/pin-checks", {"card_number": GUARDIAN, "pin": "4719"}, {"card_number"}),
    ("POST", "/api/v1/changes/ack", {"up_to": "0"}, {"kept"}),
    ("POST", "/api/v1/deaths", {"card_number": GUARDIAN}, {"card_number"}),
    ("POST", "/api/v1/number-series", {"count": 1}, set()),
    ("POST", "/api/v1/door", {"payload": "1", "pin": "1"}, {"payload"}),
    ("POST", "/api/v1/authenticate", {"payload": "1", "pin": "1"}, {"card_number", "payload"}),
]


def test_the_list_of_writes_is_whole(app: APIFlask) -> None:
    bodies = {"POST", "PUT", "PATCH"}
    routes = {
        (method, rule.rule.replace("<card:card_number>", GUARDIAN))
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("v1.")
        for method in (rule.methods or set()) & bodies
    }
    assert {(method, path) for method, path, _, _ in WRITES} == routes


@pytest.mark.parametrize("write", WRITES, ids=lambda write: f"{write[0]} {write[1]}")
def test_no_column_is_written_by_naming_it(
    client: FlaskClient, read_database: Callable[[], Contents], write: tuple[str, str, dict[str, Any], set[str]]
) -> None:
    method, path, body, fields = write
    headers = {"If-Match": fetch(client, GUARDIAN).headers["ETag"]}
    before = read_database()
    for column in sorted(columns() - fields):
        answer = client.open(path, method=method, json=body | {column: 1}, auth=ULLENSAKER, headers=headers)
        assert (answer.status_code, answer.json["errors"]) == (422, {column: "unknown"}), column
    assert read_database() == before
