"""Checking a PIN, for kiosks and libraries' systems."""

from functools import partial
from typing import Any

from flask.typing import ResponseReturnValue

from app.api.access import asking
from app.api.document import NO_SUPPLIER, WITH_BODY
from app.api.routes import operation, v1
from app.api.schemas import PinCheckIn, PinCheckOut
from app.register.sign_in.pin_checks import check_pin
from app.web.access import Audience, open_to
from app.web.faults.overload import evaluates
from app.web.metrics.counting import count_sign_in


@v1.post("/pin-checks")
@open_to(Audience.MACHINE)
@evaluates()
@v1.input(PinCheckIn)
@v1.output(PinCheckOut, description="Both answers are 200")
@operation("checkPin", *WITH_BODY, 503, _403=NO_SUPPLIER)
def check(json_data: dict[str, Any]) -> ResponseReturnValue:
    """Check a PIN.

    Tells whether card number and PIN belong together, of patrons who have joined your library or whose card was
    scanned there in the last five minutes; of anybody else the answer is false, whatever the PIN.
    Wrong ones are counted per card, per machine and per library, together with those at every other sign-in: 429
    comes whether the PIN was right or not.
    """
    attempt = partial(check_pin, card_number=json_data["card_number"], pin=json_data["pin"], **asking())
    return {"valid": count_sign_in("pin-check", attempt)}
