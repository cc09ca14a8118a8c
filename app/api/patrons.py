"""Patrons, for libraries' systems."""

import hashlib
import json
from dataclasses import asdict
from typing import Any

from flask import Response, g, jsonify, request
from flask.typing import ResponseReturnValue

from app.api.access import this_terminal
from app.api.routes import v1
from app.api.schemas import PatronOut
from app.register.fetching import Fetched, fetch_patron
from app.rules.card_number import parse_card_number
from app.web.access import Audience, open_to
from app.web.clock import now


def describe_patron(fetched: Fetched) -> Response:
    """Return the answer that tells of a patron, with its entity tag."""
    answer: dict[str, Any] = {
        "card_number": fetched.card_number,
        "name": fetched.name,
        "age_band": fetched.age_band.value,
        "home_library_id": fetched.home_library_id,
        "home_library": fetched.home_library,
        "card_state": fetched.card_state,
        "version": fetched.version,
        "activated_here": fetched.activated_here,
    }
    if fetched.details is not None:
        answer |= asdict(fetched.details)
        answer["birth_date"] = fetched.details.birth_date.isoformat()
    response = jsonify(answer)
    # Of the whole answer: an age band changes on a birthday, without any change of the patron.
    response.set_etag(hashlib.sha256(json.dumps(answer, sort_keys=True).encode()).hexdigest()[:32])
    return response


@v1.get("/patrons/<card_number>")
@open_to(Audience.SYSTEM)
@v1.output(PatronOut)
@v1.doc(
    summary="Fetch a patron",
    description=(
        "A patron who has joined your library is told in full; of any other one only name, age band and home library. "
        "Each fetch is written to the patron's access log before it is answered."
    ),
    security="basic",
    responses=[401, 403, 404, 410, 429, 503],
)
def fetch(card_number: str) -> ResponseReturnValue:
    """Return what the asking library may know of a patron."""
    number = parse_card_number(card_number)
    fetched = fetch_patron(
        card_number=number, looker=this_terminal().looker, library_id=g.machine.library_id, now=now()
    )
    return describe_patron(fetched).make_conditional(request)
