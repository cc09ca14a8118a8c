"""What libraries' systems do most at the api door, in words."""

from typing import Any

from flask.testing import FlaskClient
from werkzeug.datastructures import Authorization
from werkzeug.test import TestResponse

PATRONS = "/api/v1/patrons"
ULLENSAKER = Authorization("basic", {"username": "2023500", "password": "demo-system-ullensaker"})
MULLSJO = Authorization("basic", {"username": "Mull", "password": "demo-system-mullsjo"})
NATIONAL_ID = "01831050027"
NEW = {
    "name": "Ola Nyman",
    "birth_date": "1990-05-05",
    "national_id": NATIONAL_ID,
    "email": "ola@example.org",
    "rules_accepted": True,
}
PAPERS = {"kind": "passport", "seen_by": "desk4"}
JOINING = {"rules_accepted": True, "papers": PAPERS}
CHILD = NEW | {"name": "Liv Nyman", "birth_date": "2018-05-05"}


def enrol(client: FlaskClient, *, auth: Authorization = ULLENSAKER, key: str = "", **fields: Any) -> TestResponse:
    headers = {"Idempotency-Key": key} if key else {}
    sent = {name: value for name, value in (NEW | fields).items() if value is not ...}
    return client.post(PATRONS, json=sent, auth=auth, headers=headers)


def fetch(client: FlaskClient, card_number: str, *, auth: Authorization = ULLENSAKER) -> TestResponse:
    return client.get(f"{PATRONS}/{card_number}", auth=auth)


def correct(
    client: FlaskClient, card_number: str, *, seen: TestResponse, auth: Authorization = ULLENSAKER, **fields: Any
) -> TestResponse:
    headers = {"If-Match": seen.headers["ETag"]}
    return client.patch(f"{PATRONS}/{card_number}", json=fields, auth=auth, headers=headers)


def activate(client: FlaskClient, card_number: str, *, auth: Authorization = MULLSJO, **fields: Any) -> TestResponse:
    sent = {name: value for name, value in (JOINING | fields).items() if value is not ...}
    return client.post(f"{PATRONS}/{card_number}/activation", json=sent, auth=auth)


def read_changes(client: FlaskClient, *, auth: Authorization = MULLSJO, **query: Any) -> TestResponse:
    return client.get("/api/v1/changes", query_string=query, auth=auth)


def acknowledge(client: FlaskClient, up_to: str, *, auth: Authorization = MULLSJO, **fields: Any) -> TestResponse:
    return client.post("/api/v1/changes/ack", json={"up_to": up_to} | fields, auth=auth)
