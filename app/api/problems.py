"""problem+json for what the api door refuses, and the OpenAPI document's frame."""

import re
from typing import Any

from apiflask import APIBlueprint, APIFlask
from apiflask.exceptions import HTTPError
from flask.typing import ResponseReturnValue

from app.api.access import SystemsOnly
from app.api.schemas import Problem
from app.register.fetching import PatronGone
from app.register.kept_answers import KeyReused
from app.register.patrons import NoSuchPatron
from app.register.transaction import db
from app.rules.card_number import NotACardNumber
from app.rules.errors import RuleBroken
from app.rules.national_id import NotANationalId, SyntheticNationalId
from app.web.errors import PROBLEM_JSON, problem

_REFUSALS: dict[type[RuleBroken], tuple[int, str]] = {
    KeyReused: (422, "The key was sent with another request before. Choose a new one."),
    NoSuchPatron: (404, "No patron has this card number or national id."),
    PatronGone: (410, "Whoever had this card number was erased. Erase them in your system too."),
    SystemsOnly: (403, "A kiosk may scan and check PINs, and no more."),
}
_FIELD_NAME = re.compile(r"[A-Za-z_-]{1,40}")


def answer_refusals(blueprint: APIBlueprint) -> None:
    """Give each rule that the door may run into its status and sentence."""
    for error, (status, detail) in _REFUSALS.items():
        blueprint.register_error_handler(error, _refusal(status, detail))
    blueprint.register_error_handler(NotACardNumber, _refusal(404, _REFUSALS[NoSuchPatron][1], NoSuchPatron.code))
    for number in (NotANationalId, SyntheticNationalId):
        blueprint.register_error_handler(number, _not_a_national_id)


def _refusal(status: int, detail: str, code: str = "") -> Any:  # noqa: ANN401
    def answer(error: RuleBroken) -> ResponseReturnValue:
        db.session.rollback()
        return problem(status=status, code=code or error.code, detail=detail)

    return answer


def _not_a_national_id(_error: RuleBroken) -> ResponseReturnValue:
    return problem(
        status=422,
        code=NotANationalId.code,
        detail="The national id is of no kind that the register knows.",
        errors={"national_id": "not-valid"},
    )


def use_problem_json(app: APIFlask) -> None:
    """Answer unreadable and invalid bodies with problem+json, and say so in the document."""
    app.security_schemes = {"basic": {"type": "http", "scheme": "basic"}}
    app.config["HTTP_ERROR_SCHEMA"] = Problem
    app.config["VALIDATION_ERROR_SCHEMA"] = Problem
    app.spec_processor(_describe_as_it_is)

    @app.errorhandler(HTTPError)
    def invalid(error: HTTPError) -> ResponseReturnValue:
        # Which field is wrong is said; what was in it is not repeated.
        errors = _field_errors(error.detail)
        detail = f"Not valid: {', '.join(sorted(errors))}." if errors else "The request could not be read."
        return problem(status=error.status_code, code="invalid", detail=detail, errors=errors)


def _describe_as_it_is(spec: dict[Any, Any] | str) -> dict[Any, Any] | str:
    assert isinstance(spec, dict)
    for operations in spec["paths"].values():
        for operation in operations.values():
            if "requestBody" in operation:
                operation["requestBody"]["required"] = True
            for status, answer in operation["responses"].items():
                if status >= "400" and "content" in answer:
                    answer["content"] = {PROBLEM_JSON: answer["content"]["application/json"]}
    return spec


def _field_errors(detail: object) -> dict[str, str]:
    places = detail.values() if isinstance(detail, dict) else ()
    found = [(str(field), messages) for place in places if isinstance(place, dict) for field, messages in place.items()]
    # What is no name of a field may be anything that somebody sent in the wrong place.
    return {field if _FIELD_NAME.fullmatch(field) else "(unknown)": _kind(messages) for field, messages in found}


def _kind(messages: object) -> str:
    said = str(messages)
    if "Missing data" in said:
        return "missing"
    return "unknown" if "Unknown field" in said else "not-valid"
