"""What the doors count: scans, sign-ins, and how long requests take.

Every combination of labels is made at the start, so that each is there before it is first counted, and counting looks
nothing up by text.
"""

from collections.abc import Callable
from itertools import product
from typing import Final, TypeVar

from prometheus_client import Counter, Histogram, disable_created_metrics

from app.register.keys.evaluations import TooBusy
from app.register.limits.budgets import TooManyAttempts
from app.rules.card.scan import Reason, Refused
from app.rules.errors import RuleBroken

disable_created_metrics()  # type: ignore[no-untyped-call]

T = TypeVar("T")

ACCEPTED: Final = "ACCEPTED"
SCAN_DOORS: Final = ("api", "desk", "door", "supplier", "kiosk")
"""A library's system or kiosk, the desk's page, a door in unstaffed hours, a supplier of e-books, a SIP2 kiosk."""
SIGN_IN_DOORS: Final = ("portal", "code", "passkey", "eid", "desk", "machine", "pin-check", "door", "supplier")
"""PIN on the portal, code of a new device, a patron's passkey, national sign-in, staff, a machine's password (refusals
alone), and PINs that machines check: for a library's system or kiosk, a door, a supplier."""
OUTCOMES: Final = ("right", "wrong", "budget", "busy")
"""Let in; refused; refused because a budget is used up, or because too many slow hashes wait."""
TIMED: Final = {("POST", "v1.scan"): "scan", ("GET", "card.show"): "card_page"}
"""The two with a promise of time. All others are gathered by their blueprint."""
ANSWERS: Final = ("ok", "refused", "failed")
SECONDS: Final = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
_NOWHERE: Final = "nowhere"

_scans = Counter("lanekort_scans", "Codes that were scanned, by door and result", ("door", "result"))
_SCANS: Final = {each: _scans.labels(*each) for each in product(SCAN_DOORS, (ACCEPTED, *(one.value for one in Reason)))}
_sign_ins = Counter("lanekort_sign_ins", "Tries to sign in, by door and outcome", ("door", "outcome"))
_SIGN_INS: Final = {each: _sign_ins.labels(*each) for each in product(SIGN_IN_DOORS, OUTCOMES)}
_seconds = Histogram(
    "lanekort_request_seconds", "From a request's arrival to its answer", ("part", "answer"), buckets=SECONDS
)
_SECONDS: Final = {each: _seconds.labels(*each) for each in product(TIMED.values(), ANSWERS)}


def count_scan(door: str, outcome: object) -> None:
    """Count a scan's outcome (`scans.Accepted` or `rules.card.scan.Refused`) at one of SCAN_DOORS."""
    _SCANS[door, outcome.reason.value if isinstance(outcome, Refused) else ACCEPTED].inc()


def count_sign_in(door: str, attempt: Callable[[], T]) -> T:
    """Make an attempt at one of SIGN_IN_DOORS, and count how it ended; False is wrong. Returns and raises its own."""
    outcome = ""
    try:
        done = attempt()
        outcome = "wrong" if done is False else "right"
    except RuleBroken as error:
        outcome = "budget" if isinstance(error, TooManyAttempts) else "busy" if isinstance(error, TooBusy) else "wrong"
        raise
    finally:
        # A fault of ours is neither.
        if outcome:
            _SIGN_INS[door, outcome].inc()
    return done


def count_wrong_sign_in(door: str) -> None:
    """Count an attempt that was refused at one of SIGN_IN_DOORS."""
    _SIGN_INS[door, "wrong"].inc()


def is_timed(method: str, endpoint: str | None) -> bool:
    """Tell whether a request is one of the two with a promise of time."""
    return (method, endpoint) in TIMED


def observe(method: str, endpoint: str | None, *, status: int, seconds: float) -> None:
    """Note how long a request took, in seconds, and whether it was answered, refused (4xx) or failed (5xx)."""
    answer = ANSWERS[0] if status < 400 else ANSWERS[1] if status < 500 else ANSWERS[2]
    part = TIMED.get((method, endpoint or ""))
    if part is None:
        part = endpoint.partition(".")[0] if endpoint else _NOWHERE
    child = _SECONDS.get((part, answer))
    if child is None:
        child = _SECONDS[part, answer] = _seconds.labels(part, answer)
    child.observe(seconds)
