"""The ordinary way of a scan: every request may come by it, and every answer is its."""

from typing import Any

from flask import jsonify
from flask.typing import ResponseReturnValue

from app.api.access import this_terminal
from app.api.document import NO_SUPPLIER, WITH_BODY
from app.api.routes import operation, v1
from app.api.scanning.answer import describe_accepted
from app.api.scanning.words import MESSAGES
from app.api.schemas import ScanIn, ScanOut
from app.register.card.scans import scan as scan_code
from app.register.staff.machine_use import note_refusal
from app.rules.card.scan import Refused
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.metrics.counting import count_scan


@v1.post("/scan")
@open_to(Audience.MACHINE)
@v1.input(ScanIn)
@v1.output(ScanOut, description="Accepted or refused; both are answers, so both are 200")
@operation("scanCard", *WITH_BODY, _403=NO_SUPPLIER)
def scan(json_data: dict[str, Any]) -> ResponseReturnValue:
    """Check a scanned card.

    The first terminal that shows a code owns it. The same terminal gets the same answer again; any other one is
    refused with REPLAY. A refusal says why, and what staff can do.
    """
    terminal = this_terminal()
    outcome = scan_code(payload=json_data["payload"], terminal=terminal, now=now())
    count_scan("api", outcome)
    if isinstance(outcome, Refused):
        note_refusal(username=terminal.viewer.actor, reason=outcome.reason.value, now=now())
        return {"result": "refused", "reason": outcome.reason.value, "message": MESSAGES[outcome.reason]}
    # Made into JSON here: copying it by the schema would take as long as the look-up.
    return jsonify(describe_accepted(outcome, library_id=terminal.library_id))
