"""problem+json for what APIFlask refuses before a view is reached, and the OpenAPI document's frame."""

from typing import Any

from apiflask import APIFlask
from apiflask.exceptions import HTTPError
from flask.typing import ResponseReturnValue

from app.api.schemas import Problem
from app.web.errors import PROBLEM_JSON, problem


def use_problem_json(app: APIFlask) -> None:
    """Answer unreadable and invalid bodies with problem+json, and say so in the document."""
    app.security_schemes = {"basic": {"type": "http", "scheme": "basic"}}
    app.config["HTTP_ERROR_SCHEMA"] = Problem
    app.config["VALIDATION_ERROR_SCHEMA"] = Problem
    app.spec_processor(_describe_as_it_is)

    @app.errorhandler(HTTPError)
    def invalid(error: HTTPError) -> ResponseReturnValue:
        # Which field is wrong is said; what was in it is not repeated.
        fields = ", ".join(sorted(_fields(error.detail)))
        detail = f"Not valid: {fields}." if fields else "The request could not be read."
        return problem(status=error.status_code, code="invalid", detail=detail)


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


def _fields(detail: object) -> set[str]:
    places = detail.values() if isinstance(detail, dict) else ()
    return {str(field) for place in places if isinstance(place, dict) for field in place}
