"""Patrons, for libraries' systems: their JSON, fetching and finding them."""

import hashlib
import json
from dataclasses import asdict, replace
from datetime import date
from typing import Any

from flask import Response, current_app, g, jsonify, request
from flask.typing import ResponseReturnValue

from app.api.access import asking
from app.api.document import OF_A_PATRON, WITH_BODY
from app.api.patrons.matching import FetchIn, match_if_asked
from app.api.patrons.schemas import ETagOut, FindIn, PatronOut
from app.api.routes import operation, v1
from app.register.library.fetching import Fetched, fetch_patron, find_patron, read_patron, show_patron
from app.register.library.joining import Papers
from app.rules.card.number import parse_card_number
from app.rules.people.ages import day_in_norway
from app.rules.people.national_id import NationalId, parse_national_id
from app.web.access import Audience, open_to
from app.web.clock import now


def patron_json(fetched: Fetched) -> dict[str, Any]:
    """Return a patron as JSON, with what the library may know."""
    shown: dict[str, Any] = {"card_number": fetched.card_number, "activated_here": fetched.activated_here}
    if fetched.minimum is not None:
        shown |= asdict(fetched.minimum)
        shown["age_band"] = fetched.minimum.age_band.value
    if fetched.details is not None:
        details = fetched.details.items()
        shown |= {name: value.isoformat() if isinstance(value, date) else value for name, value in details}
    return shown


def describe_patron(fetched: Fetched, *, status: int = 200) -> Response:
    """Return a patron as an answer, with its entity tag."""
    response = jsonify(patron_json(fetched))
    response.status_code = status
    response.set_etag(_etag(fetched))
    return response


def etag_of(patron_id: int) -> str:
    """Return the entity tag of a locked patron, as the library of this request may see them."""
    return _etag(read_patron(patron_id=patron_id, library_id=g.machine.library_id, now=now()))


def describe_after(purpose: str, *, patron_id: int, status: int = 200, papers: Papers | None = None) -> Response:
    """Return the answer to an act on a patron. The access is logged in its transaction, with who saw which papers."""
    who = asking()
    if papers:
        who["viewer"] = replace(who["viewer"], actor=f"{who['viewer'].actor} {papers.seen_by}")
    fetched = show_patron(patron_id=patron_id, purpose=purpose, papers=papers.kind if papers else "", **who)
    return describe_patron(fetched, status=status)


def read_national_id(text: str) -> NationalId:
    """Return a national id as it was sent. Raises NotANationalId or SyntheticNationalId."""
    allowed = bool(current_app.config["SYNTHETIC_IDS"])
    return parse_national_id(text, today=day_in_norway(now()), allow_synthetic=allowed)


def _etag(fetched: Fetched) -> str:
    # Of the whole answer: an age band changes on a birthday, without any change of the patron.
    return hashlib.sha256(json.dumps(patron_json(fetched), sort_keys=True).encode()).hexdigest()[:32]


@v1.get("/patrons/<card:card_number>")
@open_to(Audience.SYSTEM)
@v1.input(FetchIn, location="headers")
@v1.output(PatronOut, headers=ETagOut, links=OF_A_PATRON)
@operation("fetchPatron", 304, 403, 404, 410, 412, 503)
def fetch(card_number: str, headers_data: dict[str, Any]) -> ResponseReturnValue:
    """Fetch a patron.

    All data of a patron who has joined your library; while the card is frozen, and of somebody else whose card
    was scanned at your library in the last five minutes, only name, age band and home library; of any other one no
    more than the number. A library may ask 600 times a day for numbers that are no patron's of its own, then once a
    minute. Each fetch is written to the patron's access log before it is answered.
    """
    fetched = fetch_patron(card_number=parse_card_number(card_number), **asking())
    response = describe_patron(fetched)
    # Werkzeug would answer 412 with the patron in it.
    match_if_asked(_etag(fetched))
    return response.make_conditional(request)


@v1.post("/patrons/find")
@open_to(Audience.SYSTEM)
@v1.input(FindIn)
@v1.output(PatronOut, headers=ETagOut, links=OF_A_PATRON)
@operation("findPatron", *WITH_BODY, 403, 404, 503)
def find(json_data: dict[str, Any]) -> ResponseReturnValue:
    """Find a patron by national id.

    The number goes in the body, so that it stands in no log. Answer, budget and access log are as in a
    fetch. A library may ask 600 times an hour.
    """
    return describe_patron(find_patron(national_id=read_national_id(json_data["national_id"]), **asking()))
