"""Why a sign-in at the service came to nothing."""

from enum import StrEnum

from app.rules.errors import RuleBroken


class Why(StrEnum):
    """What went wrong. Every one of them has a sentence for the person, and a way on (web/sign_in/eid.py)."""

    CANCELLED = "cancelled"
    """The person, or the service, broke it off."""
    NOT_BEGUN = "not-begun"
    """No sign-in was begun in this browser, or another one since."""
    EXPIRED = "expired"
    """It was begun too long ago, or the service no longer takes its code."""
    USED = "used"
    """It led in once already."""
    NOT_OURS = "not-ours"
    """The answer is from or for somebody else: wrong issuer, audience, nonce or signature."""
    CLOCK = "clock"
    """The service's clock and ours differ too much."""
    TOO_WEAK = "too-weak"
    """The person signed in in a way that is not sure enough, or not anew when that was asked for."""
    SILENT = "silent"
    """The service does not answer, or in a way that cannot be read."""


class EidRefused(RuleBroken):
    """Nobody was identified."""

    def __init__(self, why: Why) -> None:
        super().__init__()
        self.why = why
        self.code = f"eid-{why}"
