"""What an accepted scan is answered with."""

from typing import Any

from app.register.card.scans import Accepted
from app.web.gate import ask_blocks


def describe_accepted(accepted: Accepted, *, library_id: str) -> dict[str, Any]:
    """Return the members of the answer (`ScanOut`) at a library, whose own system is asked for the card's blocks."""
    patron = accepted.patron
    blocks = ask_blocks(library_id=library_id, card_number=patron.card_number)
    return {
        "result": "accepted",
        "session": accepted.session,
        "expires": accepted.expires.isoformat(),
        "patron": {
            "name": patron.name,
            "age_band": patron.age_band,
            "home_library": patron.home_library,
            "activated_here": patron.activated_here,
            "blocks": blocks or (),
            "blocks_known": blocks is not None,
        },
        "device": {
            "label": patron.device_label,
            "since": patron.device_since.isoformat(),
            "carried_by_guardian": patron.carried_by_guardian,
        },
    }
