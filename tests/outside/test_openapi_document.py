"""What programs that generate clients need of the OpenAPI document, of every operation."""

import re
from typing import Any

import pytest
from apiflask import APIFlask

from tests.doors.visits import SYSTEM

PATRON = "/api/v1/patrons/{card_number}"


@pytest.fixture
def document(app: APIFlask) -> dict[str, Any]:
    """Return the document as a client fetches it."""
    answer = app.test_client().get("/api/openapi.json", base_url="https://lanekort.example/")
    assert isinstance(answer.json, dict)
    return answer.json


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for methods in document["paths"].values() for operation in methods.values()]


def test_title_and_server_make_names_and_addresses(document: dict[str, Any]) -> None:
    assert document["info"]["title"].isascii()
    assert [server["url"] for server in document["servers"]] == ["https://lanekort.example"]
    assert all(path.startswith("/") for path in document["paths"])


def test_every_operation_has_an_id_of_its_own(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for operation in operations(document)]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch("[a-z][A-Za-z]+", name) for name in ids)
    assert set(re.findall(r"'operationId': '(\w+)'", str(document))) == set(ids)


def test_every_body_has_one_media_type(document: dict[str, Any]) -> None:
    for operation in operations(document):
        bodies = [operation["requestBody"]] if "requestBody" in operation else []
        for body in [*bodies, *operation["responses"].values()]:
            assert len(body.get("content", ["none"])) == 1, operation["operationId"]


@pytest.mark.parametrize("media_type", ["application/json", "application/merge-patch+json"])
def test_a_correction_is_taken_as_either_type(app: APIFlask, media_type: str) -> None:
    client, path = app.test_client(), PATRON.format(card_number="N000100001")
    seen = {"If-Match": client.get(path, auth=SYSTEM).headers["ETag"]}
    answer = client.patch(path, data='{"place": "Moss"}', content_type=media_type, auth=SYSTEM, headers=seen)
    assert (answer.status_code, answer.json["place"]) == (200, "Moss")


@pytest.mark.parametrize(
    ("method", "names"), [("get", {"If-Match", "If-None-Match"}), ("patch", {"If-Match"}), ("delete", {"If-Match"})]
)
def test_preconditions_are_parameters(document: dict[str, Any], method: str, names: set[str]) -> None:
    headers = [each for each in document["paths"][PATRON][method]["parameters"] if each["in"] == "header"]
    assert {header["name"] for header in headers} == names
    assert {header["name"] for header in headers if header.get("required")} == (names if method == "patch" else set())


EITHER_OR = [
    ("/api/v1/deaths", "requestBody", {"card_number", "national_id"}),
    ("/api/v1/authenticate", "requestBody", {"card_number", "payload"}),
    ("/api/v1/scan", "200", {"session", "reason"}),
]


@pytest.mark.parametrize(("path", "where", "fields"), EITHER_OR)
def test_either_or_is_one_of_two_types(document: dict[str, Any], path: str, where: str, fields: set[str]) -> None:
    operation = document["paths"][path]["post"]
    body = operation[where] if where == "requestBody" else operation["responses"][where]
    choices = body["content"]["application/json"]["schema"]["oneOf"]
    schemas = [document["components"]["schemas"][choice["$ref"].rsplit("/", 1)[1]] for choice in choices]
    assert [fields & set(schema["properties"]) == fields & set(schema["required"]) for schema in schemas] == [
        True,
        True,
    ]
    assert [len(fields & set(schema["required"])) for schema in schemas] == [1, 1]
