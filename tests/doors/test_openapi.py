"""The OpenAPI document: sound, complete, and true to what happens."""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from apiflask import APIFlask
from flask.testing import FlaskClient
from werkzeug.datastructures import Authorization
from werkzeug.test import TestResponse

from tests.doors.visits import KIOSK_1, NOBODYS_CODE, SCAN, main_text, scan_at_kiosk, shown_code

SUPPLIER = Authorization("basic", {"username": "2023500-ebooks", "password": "demo-supplier"})


def references(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from references(value)
    if isinstance(part, list):
        for value in part:
            yield from references(value)


def test_the_document_is_sound_openapi(client: FlaskClient) -> None:
    document = client.get("/api/openapi.json").json
    assert document["openapi"] in ("3.0.3", "3.1.0")
    assert document["info"] == {"title": "Lanekort", "version": "1"}
    for reference in references(document):
        place = document
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]
        assert place["type"] == "object"
    schemes = document["components"]["securitySchemes"]
    for path, methods in document["paths"].items():
        assert path.startswith("/api/v1/")
        for operation in methods.values():
            assert operation["summary"]
            assert all(answer["description"] for answer in operation["responses"].values())
            assert all(scheme in schemes for needed in operation["security"] for scheme in needed)


def test_the_document_says_of_every_route_that_suppliers_do_not_come_in(client: FlaskClient) -> None:
    for path, methods in client.get("/api/openapi.json").json["paths"].items():
        for method, operation in methods.items():
            status = client.open(path.replace("{card_number}", "N000100001"), method=method, auth=SUPPLIER).status_code
            assert str(status) in operation["responses"], path


def test_the_document_lists_every_route_of_version_1_and_no_page(app: APIFlask, client: FlaskClient) -> None:
    documented = {
        (path, method.upper())
        for path, methods in client.get("/api/openapi.json").json["paths"].items()
        for method in methods
    }
    routes = {
        (re.sub("<(?:.*:)?(.*?)>", r"{\1}", rule.rule), method)
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("v1.")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert documented == routes


JSON_TYPES = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}


def fits(value: object, schema: dict[str, Any], document: dict[str, Any]) -> bool:
    """Tell whether a value fits a schema, as far as the document uses JSON Schema."""
    if "oneOf" in schema:
        return [fits(value, each, document) for each in schema["oneOf"]].count(True) == 1
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    if not isinstance(value, JSON_TYPES[schema["type"]]) or value not in schema.get("enum", [value]):
        return False
    if isinstance(value, list):
        return all(fits(each, schema["items"], document) for each in value)
    if isinstance(value, dict):
        if "properties" not in schema:
            return all(fits(each, schema["additionalProperties"], document) for each in value.values())
        fields = schema["properties"]
        return set(schema.get("required", [])) <= set(value) <= set(fields) and all(
            fits(each, fields[name], document) for name, each in value.items()
        )
    return schema.get("format") != "date-time" or datetime.fromisoformat(str(value)).tzinfo is not None


def test_the_document_says_what_happens(client: FlaskClient, phone: FlaskClient) -> None:
    document = client.get("/api/openapi.json").json
    operation = document["paths"][SCAN]["post"]
    assert operation["requestBody"]["required"] is True
    body = operation["requestBody"]["content"]["application/json"]["schema"]
    assert fits({"payload": NOBODYS_CODE}, body, document)
    assert not fits({}, body, document)
    wrong = Authorization("basic", {"username": "x", "password": "x"})
    answers = [
        scan_at_kiosk(client, shown_code(phone)),
        scan_at_kiosk(client, NOBODYS_CODE),
        client.post(SCAN, data="{", content_type="application/json", auth=KIOSK_1),
        client.post(SCAN, data="x", content_type="text/plain", auth=KIOSK_1),
        client.post(SCAN, json={}, auth=KIOSK_1),
        scan_at_kiosk(client, "9" * 70_000),
        scan_at_kiosk(client, NOBODYS_CODE, kiosk=SUPPLIER),
        *[scan_at_kiosk(client, NOBODYS_CODE, kiosk=wrong) for _ in range(101)],
    ]
    assert {answer.status_code for answer in answers} == {int(status) for status in operation["responses"]}
    for answer in answers:
        assert_documented(answer, operation["responses"][str(answer.status_code)], document)


def assert_documented(answer: TestResponse, documented: dict[str, Any], document: dict[str, Any]) -> None:
    assert set(documented["content"]) == {answer.mimetype}, answer.status_code
    schema = documented["content"][answer.mimetype]["schema"]
    assert fits(json.loads(answer.data), schema, document), answer.text


def test_the_page_shows_every_address_and_every_field_of_the_document(client: FlaskClient) -> None:
    document = client.get("/api/openapi.json").json
    text = main_text(client.get("/api"))
    for path in document["paths"]:
        assert path in text
    for name, schema in document["components"]["schemas"].items():
        assert name in text
        for field in schema["properties"]:
            assert field in text, field
