"""What the OpenAPI document says of each status, and the corrections that make it true and easy to generate from."""

from collections.abc import Mapping
from typing import Any

from flask import Response

from app.web.faults.errors import PROBLEM_JSON

MEANINGS = {
    304: "The patron is as your `If-None-Match` has them",
    400: "The body is no JSON",
    401: "No user name and password of a library's system or kiosk, or wrong ones",
    403: "Not for you: a kiosk may scan and check PINs only, and a library acts on patrons who have joined it",
    404: "No patron has this number, or only another library takes their card",
    409: "The rules do not allow it as things stand; `code` says which rule",
    410: "Gone: the patron with this number was erased",
    412: "Changed meanwhile: the entity tag in `If-Match` is not that of the patron as they are now",
    413: "More than 64 KiB",
    415: "The body is not called JSON",
    422: "A field is missing, unknown or not valid; `errors` says which and how",
    428: "`If-Match` is missing",
    429: "Too many requests, or too many wrong PINs; wait as many seconds as `Retry-After` says",
    503: "The access log cannot be written, so no data is given",
}
WITH_BODY = (400, 413, 415, 422)
"""The statuses of a faulty body."""

NO_SUPPLIER = "Not for you: a supplier of e-books may ask yes or no, and no more"
_CARD_NUMBER = "$response.body#/card_number"
OF_A_PATRON = {
    "fetch": {"operationId": "fetchPatron", "parameters": {"card_number": _CARD_NUMBER}},
    "correct": {
        "operationId": "correctPatron",
        "parameters": {"card_number": _CARD_NUMBER, "If-Match": "$response.header.ETag"},
    },
    "activate": {"operationId": "activateCard", "parameters": {"card_number": _CARD_NUMBER}},
    "delete": {"operationId": "deletePatron", "parameters": {"card_number": _CARD_NUMBER}},
    "die": {"operationId": "reportDeath", "requestBody": {"card_number": _CARD_NUMBER}},
    "leave": {"operationId": "endActivation", "parameters": {"card_number": _CARD_NUMBER}},
}
"""OpenAPI links: what may be done next with the patron in an answer."""

NEXT_PAGE = {
    "next": {"operationId": "readChanges", "parameters": {"after": "$response.body#/next"}},
    "acknowledge": {"operationId": "acknowledgeChanges", "requestBody": {"up_to": "$response.body#/next"}},
}

_IN_ADDRESSES = {
    "library_id": {"description": "biblioteknummer or sigel", "minLength": 1, "example": "2023500"},
    "card_number": {
        "description": "N and nine digits; small letters, spaces and a missing N are forgiven",
        "minLength": 1,
        "example": "N000100001",
    },
}
# Schemas that are one of several: by the name of each, the fields that it alone has.
_ONE_OF = {
    "AuthenticateIn": {"Number": ["card_number"], "Code": ["payload"]},
    "DeathIn": {"Number": ["card_number"], "NationalId": ["national_id"]},
    "ScanOut": {"Accepted": ["session", "expires", "patron", "device"], "Refused": ["reason", "message"]},
}
_SCHEMAS = "#/components/schemas/"
# No text has a NUL: `read_json` refuses it.
_TEXT = r"^[^\x00]*$"
_RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer", "minimum": 1}}}
_WWW_AUTHENTICATE = {"WWW-Authenticate": {"description": "Basic, in UTF-8", "schema": {"type": "string"}}}


def describe_as_it_is(spec: dict[Any, Any] | str) -> dict[Any, Any] | str:
    """Finish the OpenAPI document: required bodies, problem+json for errors, their headers, and `oneOf` for choices."""
    assert isinstance(spec, dict)
    spec["paths"] = dict(sorted(spec["paths"].items()))
    for server in spec.get("servers", []):
        # Paths begin with a slash.
        server["url"] = server["url"].rstrip("/")
    for name, schema in spec["components"]["schemas"].items():
        for field in schema["properties"].values() if name.endswith("In") else ():
            if field.get("type") in ("string", ["string", "null"]) and field.keys().isdisjoint({"enum", "format"}):
                field.setdefault("pattern", _TEXT)
    choices = _split_choices(spec["components"]["schemas"])
    for operations in spec["paths"].values():
        for operation in operations.values():
            # What needs no password says so, since a missing one would mean the document's own.
            operation.setdefault("security", [])
            if "requestBody" in operation:
                operation["requestBody"]["required"] = True
                _choose(operation["requestBody"], choices)
            for parameter in operation.get("parameters", []):
                _describe_parameter(parameter, operation["responses"])
            for status, answer in operation["responses"].items():
                _choose(answer, choices)
                if status >= "400" and "content" in answer:
                    answer["content"] = {PROBLEM_JSON: answer["content"]["application/json"]}
                if status in ("204", "304"):
                    answer.pop("content", None)
                if status == "429":
                    answer["headers"] = _RETRY_AFTER
                if status == "401":
                    answer["headers"] = _WWW_AUTHENTICATE
    return spec


def _split_choices(schemas: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Put a schema for each choice, of which client generators make a type, in the place of those that are one of
    several. Returns each one's `oneOf`, by $ref."""
    choices = {}
    for name, fields_of in _ONE_OF.items():
        whole = schemas.pop(name)
        all_fields = {field for fields in fields_of.values() for field in fields}
        for choice, fields in fields_of.items():
            properties = {
                field: described | ({"enum": [choice.lower()]} if choice.lower() in described.get("enum", ()) else {})
                for field, described in whole["properties"].items()
                if field in fields or field not in all_fields
            }
            required = [*whole.get("required", []), *fields]
            schemas[f"{name}{choice}"] = whole | {"properties": properties, "required": required}
        choices[_SCHEMAS + name] = {"oneOf": [{"$ref": f"{_SCHEMAS}{name}{choice}"} for choice in fields_of]}
    return choices


def _choose(body: dict[str, Any], choices: Mapping[str, dict[str, Any]]) -> None:
    for content in body.get("content", {}).values():
        content["schema"] = choices.get(content["schema"].get("$ref"), content["schema"])


def _describe_parameter(parameter: dict[str, Any], responses: Mapping[str, object]) -> None:
    if parameter["in"] == "path":
        parameter["schema"] |= _IN_ADDRESSES.get(parameter["name"], {})
    # Without it the answer is 428, which says more than that a field is missing.
    if parameter["name"] == "If-Match" and "428" in responses:
        parameter["required"] = True


def no_content() -> Response:
    """Return an answer without a body and without a content type."""
    response = Response(status=204)
    del response.headers["Content-Type"]
    return response
