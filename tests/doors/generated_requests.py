"""What a program that thinks up requests cannot know: the state of a patron as it is now, and somebody new to delete.

Schemathesis loads this in a process of its own, by the name in SCHEMATHESIS_HOOKS. Only the document's examples are
put in order, so that they do what they are examples of; whatever else it sends stays as it is.
"""

import os
from typing import Any

import httpx
import schemathesis

ETAG, PATRON = '"0f3a5c7e91b24d68"', "N000100001"
_OF_SOMEBODY_NEW = {
    "name": "Gro Eksempel",
    "birth_date": "1990-05-05",
    "rules_accepted": True,
}
_PATRONS = f"{os.environ['LANEKORT_URL']}/api/v1/patrons"
_system = httpx.Client(timeout=60, auth=httpx.BasicAuth(*os.environ["LANEKORT_LOGIN"].split(":")))


@schemathesis.hook
def before_call(_context: object, case: schemathesis.Case, _kwargs: dict[str, Any]) -> None:
    """Give a correction the entity tag of now, and let somebody else be deleted, or die, than the example's patron."""
    operation = (case.operation.method.upper(), case.operation.path)
    if operation == ("DELETE", "/api/v1/patrons/{card_number}"):
        if case.path_parameters.get("card_number") == PATRON:
            case.path_parameters["card_number"] = _enrol()
            case.headers.pop("If-Match", None)
    elif operation == ("POST", "/api/v1/deaths"):
        if isinstance(case.body, dict) and case.body.get("card_number") == PATRON:
            case.body["card_number"] = _enrol()
            case.body.pop("national_id", None)
    elif case.headers.get("If-Match") == ETAG:
        answer = _system.get(f"{_PATRONS}/{case.path_parameters['card_number']}")
        case.headers["If-Match"] = answer.headers.get("ETag", ETAG)


def _enrol() -> str:
    return str(_system.post(_PATRONS, json=_OF_SOMEBODY_NEW).raise_for_status().json()["card_number"])
