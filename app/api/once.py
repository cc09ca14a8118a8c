"""Idempotent POST requests: the header `Idempotency-Key`."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from apiflask import Schema
from apiflask.fields import String
from apiflask.validators import Length, Regexp
from flask import Response, g, jsonify, make_response, request
from flask.typing import ResponseReturnValue

from app.api.access import asking, spend
from app.api.patrons.reading import describe_patron
from app.register.library.fetching import fetch_again
from app.register.library.kept_answers import KeptAnswer, keep_answer, take_key
from app.register.store.transaction import writing
from app.rules.pins.pin import Budget
from app.web.clock import now

_KEPT_HEADERS = ("ETag", "Location")

View = Callable[..., ResponseReturnValue]


class OnceIn(Schema):
    """The key with which a request can be retried."""

    idempotency_key = String(
        data_key="Idempotency-Key",
        validate=[Length(min=1, max=200), Regexp(r"^[!-~]+$")],
        metadata={
            "description": "A key of your own for this request, such as a UUID. Send the same request with the same "
            "key again, within 24 hours, and it is answered the same, and done once."
        },
    )


def once(*, spends: Budget | None = None) -> Callable[[View], View]:
    """Make a view idempotent that takes `OnceIn` from the headers: a retry gets the first request's answer.

    Each request spends one of the library's budget `spends`. The view and the stored answer are one transaction. After
    an error nothing is stored, so the corrected request may be sent with the same key.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def answer(*, headers_data: dict[str, str], **given: Any) -> ResponseReturnValue:  # noqa: ANN401
            if spends is not None:
                spend(spends)
            with writing():
                return _answer_once(view, given, key=headers_data.get("idempotency_key"))

        return answer

    return decorate


def _answer_once(view: View, given: dict[str, Any], *, key: str | None) -> ResponseReturnValue:
    if key is None:
        return view(**given)
    username = g.machine.username
    asked = json.dumps([request.method, request.path, request.get_json(silent=True)], sort_keys=True)
    kept = take_key(username=username, key=key, asked=asked, now=now())
    if kept is not None:
        return _repeat_answer(kept)
    response = make_response(view(**given))
    keep_answer(_kept_answer(response), username=username, key=key)
    return response


def _kept_answer(response: Response) -> KeptAnswer:
    return KeptAnswer(
        status=response.status_code,
        headers={name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers},
        body=response.get_json(silent=True),
        patron_id=g.get("patron_id"),
    )


def _repeat_answer(kept: KeptAnswer) -> Response:
    response = jsonify(kept.body) if kept.body is not None else Response()
    response.headers.update(kept.headers)
    if kept.patron_id is not None:
        # The repeated answer is another access to the patron, and of an erased patron no data is given.
        patron = fetch_again(patron_id=kept.patron_id, **asking())
        if patron.details is None:
            # They have left the library since, or froze the card: the answer is that of a fetch.
            response = describe_patron(patron)
            response.headers["Location"] = kept.headers["Location"]
    response.status_code = kept.status
    return response
