"""Whether a scanned code is accepted. The cheap checks come first."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.rules.card.code import CardCode, Kind, matching_step, step_at
from app.rules.card.status import State
from app.rules.clocks import is_ahead

SESSION_SECONDS = 300
FAILURES_PER_TERMINAL = 10
FAILURE_WINDOW_SECONDS = 600
FAILURES_PER_KEY = 100
CLOCK_STEPS = 20
_MOST_AHEAD = 2  # steps: one of the window, one of the drift


class Reason(StrEnum):
    """Why a code is refused. The API answers with these words, so they never change."""

    NOT_OURS = "NOT_OURS"
    MISREAD = "MISREAD"
    UNKNOWN = "UNKNOWN"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"
    CLOCK = "CLOCK"
    REPLAY = "REPLAY"
    THROTTLED = "THROTTLED"
    STATIC_FORBIDDEN = "STATIC_FORBIDDEN"


class Cause(StrEnum):
    """The cause behind a reason that has several. Staff see it, a kiosk does not."""

    NONE = ""
    WRONG_CODE = "wrong-code"
    CARD_LOST = "lost"
    DECEASED = "deceased"
    FROZEN = "frozen"
    LOCAL_CARD = "local"


@dataclass(frozen=True, slots=True)
class Known:
    """What the register knows of the credential in a code. `expires_at` is in UTC seconds.

    `state` is that of the card at this library. `last_presented_at` is when the last step was accepted; None where
    that was purged.
    """

    kind: int
    key: bytes
    revoked: bool
    expires_at: float
    state: State
    static_allowed: bool
    failures_here: int
    last_step: int
    last_terminal: str | None
    last_presented_at: datetime | None
    drift: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The code is not accepted."""

    reason: Reason
    cause: Cause = Cause.NONE


@dataclass(frozen=True, slots=True)
class Fresh:
    """The code is right, and its step was not used."""

    step: int
    drift: int


@dataclass(frozen=True, slots=True)
class Again:
    """The same terminal scanned the same step again, and gets the same answer again."""

    step: int


def judge(*, code: CardCode, known: Known | None, terminal: str, now: datetime) -> Fresh | Again | Refused:
    """Decide whether a parsed code is accepted at `terminal` at the aware instant `now`."""
    if known is None or known.kind != code.kind:
        return Refused(Reason.UNKNOWN)
    # The credential may be revoked as well; staff need the graver of the two.
    if known.state is not State.ACTIVE:
        return Refused(Reason.REVOKED, Cause(known.state.value))
    if known.revoked:
        return Refused(Reason.REVOKED)
    if known.expires_at <= now.timestamp():
        return Refused(Reason.EXPIRED)
    step_now = step_at(now)
    if code.kind is Kind.STATIC:
        if not known.static_allowed:
            return Refused(Reason.STATIC_FORBIDDEN)
        step = step_now
    else:
        if known.failures_here >= FAILURES_PER_TERMINAL:
            return Refused(Reason.THROTTLED)
        found = _matching_step(code=code, known=known, step_now=step_now)
        if isinstance(found, Refused):
            return found
        step = found
    if step == known.last_step:
        return Again(step) if terminal == known.last_terminal else Refused(Reason.REPLAY)
    if step < known.last_step and not _was_clock_ahead(known, step_now=step_now, now=now):
        return Refused(Reason.REPLAY)
    # At most one step: a drift that grew further would accept a code 90 seconds old.
    return Fresh(step, drift=max(-1, min(1, step - step_now)))


def _was_clock_ahead(known: Known, *, step_now: int, now: datetime) -> bool:
    # Whether the last step was accepted by a clock that was ahead: then earlier ones may be unused.
    if known.last_step > step_now + _MOST_AHEAD:
        return True
    return known.last_presented_at is not None and is_ahead(known.last_presented_at, now=now)


def _matching_step(*, code: CardCode, known: Known, step_now: int) -> int | Refused:
    window = range(step_now - 1 + min(known.drift, 0), step_now + 2 + max(known.drift, 0))
    step = matching_step(key=known.key, totp=code.totp, steps=window)
    if step is not None:
        return step
    wide = range(step_now - CLOCK_STEPS, step_now + CLOCK_STEPS + 1)
    if matching_step(key=known.key, totp=code.totp, steps=wide) is not None:
        return Refused(Reason.CLOCK)
    return Refused(Reason.UNKNOWN, Cause.WRONG_CODE)
