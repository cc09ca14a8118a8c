"""Why a sign-in at the service failed."""

from enum import StrEnum

from app.rules.errors import RuleBroken


class Why(StrEnum):
    """What went wrong. web/sign_in/eid.py has a sentence for each."""

    CANCELLED = "cancelled"
    """The person, or the service, broke it off."""
    NOT_BEGUN = "not-begun"
    """No sign-in was begun in this browser, or another one since."""
    EXPIRED = "expired"
    """It was begun too long ago, or the service no longer takes its code."""
    USED = "used"
    """It was used before."""
    NOT_OURS = "not-ours"
    """The answer is from or for somebody else: wrong issuer, audience, nonce or signature."""
    CLOCK = "clock"
    """The service's clock and ours differ too much."""
    TOO_WEAK = "too-weak"
    """The person signed in in a way that is not sure enough, or not again although that was required."""
    SILENT = "silent"
    """The service does not answer, or in a way that cannot be read."""


class EidRefused(RuleBroken):
    """Nobody was identified."""

    def __init__(self, why: Why) -> None:
        super().__init__()
        self.why = why
        self.code = f"eid-{why}"
