"""Unstaffed opening and e-books: a door learns whether to open, a supplier yes or no, and neither the reason.

Staff read the reason at the desk. A stranger at the door must not learn whether a card is blocked, or a child's age.
"""

from functools import partial
from typing import Any

import structlog
from flask import abort, g, request
from flask.typing import ResponseReturnValue
from flask_babel import force_locale
from flask_babel import gettext as _

from app.api.access import asking, this_terminal
from app.api.document import WITH_BODY
from app.api.routes import operation, v1
from app.api.schemas import AuthenticateIn, AuthenticateOut, DoorIn, DoorOut
from app.ils.circulation.system import CirculationSystem
from app.ils.lending import OPENED
from app.ils.port import Unavailable
from app.register.card.scans import Accepted, scan
from app.register.limits.budgets import TooManyAttempts
from app.register.patron.patrons import get_holder
from app.register.sign_in.pin_checks import check_pin
from app.rules.card.number import parse_card_number
from app.rules.card.scan import Reason
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.faults.errors import problem
from app.web.faults.overload import evaluates
from app.web.gate import library_systems
from app.web.metrics.counting import count_scan, count_sign_in
from app.web.pages.languages import choose_language

_log = structlog.get_logger()


@v1.post("/door")
@open_to(Audience.MACHINE)
@evaluates()
@v1.input(DoorIn)
@v1.output(DoorOut, description="Accepted: open. Refused: leave it shut; both are answers, so both are 200")
@operation("openDoor", *WITH_BODY, 403, 503)
def door(json_data: dict[str, Any]) -> ResponseReturnValue:
    """Open the door in unstaffed hours.

    The code on the card and the PIN, and behind them the library's own rules: its hours, an agreement, an age, no
    block. Every refusal is the same answer, for the door's screen, in the language of Accept-Language (nb, nn, sv,
    en; without it en); staff read the reason at the desk. A code that this door has shown once may be sent again
    with another PIN while it is current.
    """
    system = library_systems().lending(g.machine.library_id)
    opens = system is not None and _let_in(system, payload=json_data["payload"], pin=json_data["pin"])
    return {"result": "accepted" if opens else "refused", "message": _say(opens=opens)}


def _say(*, opens: bool) -> str:
    """Return the sentence for the door's screen, which a patron reads."""
    with force_locale(choose_language() if request.accept_languages else "en"):
        if opens:
            return _("Welcome.")
        return _("The door does not open. Wait for the next code and try again, or come when somebody is at work.")


def _let_in(system: CirculationSystem, *, payload: str, pin: str) -> bool:
    """Check code and PIN, then let the library decide, and record the outcome."""
    name = g.machine.username
    try:
        outcome = scan(payload=payload, terminal=this_terminal(), now=now())
        count_scan("door", outcome)
        if not isinstance(outcome, Accepted):
            reason = "replayed" if outcome.reason is Reason.REPLAY else "code_refused"
            system.note_refusal(card_number=None, reason=reason, door=name)
            return False
        number = outcome.patron.card_number
        reason = _refuse_pin(number, pin) or ("" if outcome.patron.activated_here else "not_activated")
        holder = get_holder(card_number=number, library_id=g.machine.library_id, now=now())
        if reason or holder is None:
            system.note_refusal(card_number=number, reason=reason or "code_refused", door=name)
            return False
        return system.enter(card_number=number, age=holder.age, door=name) == OPENED
    except Unavailable as fault:
        # Nobody would know who came in.
        _log.warning("door not decided", library_id=g.machine.library_id, reason=fault.reason)
        return False


def _refuse_pin(card_number: str, pin: str) -> str:
    try:
        check = partial(check_pin, card_number=card_number, pin=pin, door="door", **asking())
        return "" if count_sign_in("door", check) else "wrong_pin"
    except TooManyAttempts:
        return "too_many_tries"


@v1.post("/authenticate")
@open_to(Audience.MACHINE)
@evaluates()
@v1.input(AuthenticateIn)
@v1.output(AuthenticateOut, description="Both answers are 200")
@operation("authenticate", *WITH_BODY, 503)
def authenticate(json_data: dict[str, Any]) -> ResponseReturnValue:
    """Authenticate a patron for an e-book supplier.

    Whether somebody with this card, by its number or its code, and this PIN may borrow e-books at your library: the
    card is activated there, an agreement is made and nothing blocks it. The answer says no more.
    """
    payload, card_number = json_data.get("payload"), json_data.get("card_number")
    if (payload is None) == (card_number is None):
        abort(422, description="Send either card_number or payload.")
    if payload is not None:
        outcome = scan(payload=payload, terminal=this_terminal(), now=now())
        count_scan("supplier", outcome)
        card_number = outcome.patron.card_number if isinstance(outcome, Accepted) else None
    # A code that names nobody costs a try as well.
    check = partial(check_pin, card_number=card_number or "", pin=json_data["pin"], **asking())
    if not count_sign_in("supplier", check):
        return {"authenticated": False}
    try:
        return {"authenticated": _may_borrow(parse_card_number(card_number or ""))}
    except Unavailable:
        return problem(
            status=503,
            code="library-unavailable",
            detail="The library's system does not answer. Ask again in a minute.",
            headers={"Retry-After": "60"},
        )


def _may_borrow(card_number: str) -> bool:
    holder = get_holder(card_number=card_number, library_id=g.machine.library_id, now=now())
    if holder is None or not holder.activated_here:
        return False
    system = library_systems().lending(g.machine.library_id)
    # A library whose system keeps no agreements asks for none.
    return system is None or system.allows(card_number=card_number, kind="ebook")
