"""Patrons, for libraries' systems."""

from dataclasses import asdict
from typing import Any

from flask import g
from flask.typing import ResponseReturnValue

from app.api.access import this_terminal
from app.api.routes import v1
from app.api.schemas import PatronOut
from app.register.fetching import NoSuchPatron, fetch_patron
from app.rules.card_number import NotACardNumber, parse_card_number
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.errors import problem


@v1.get("/patrons/<card_number>")
@open_to(Audience.MACHINE)
@v1.output(PatronOut)
@v1.doc(
    summary="Fetch a patron",
    description=(
        "A patron who has joined your library is told in full; of any other one only name, age band and home library. "
        "Each fetch is written to the patron's access log before it is answered."
    ),
    security="basic",
    responses=[401, 403, 404, 429],
)
def fetch(card_number: str) -> ResponseReturnValue:
    """Return what the asking library may know of a patron."""
    if g.machine.kind != "system":
        return problem(status=403, code="systems-only", detail="A kiosk may not fetch patrons.")
    terminal = this_terminal()
    try:
        number = parse_card_number(card_number)
        found = fetch_patron(card_number=number, looker=terminal.looker, library_id=terminal.library_id, now=now())
    except (NotACardNumber, NoSuchPatron):
        return problem(status=404, code="no-such-patron", detail="No patron has this card number.")
    answer: dict[str, Any] = {
        "card_number": found.card_number,
        "name": found.name,
        "age_band": found.age_band.value,
        "home_library_id": found.home_library_id,
        "home_library": found.home_library,
        "card_state": found.card_state,
        "activated_here": found.details is not None,
    }
    return answer | (asdict(found.details) if found.details else {})
