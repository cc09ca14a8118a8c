"""What staff read for each outcome of a scan: what it is, and what to do now."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import gettext as _

from app.register.card.scans import Accepted, ScannedPatron
from app.rules.card.scan import Cause, Reason, Refused
from app.rules.people.ages import AgeBand
from app.web.pages.library_words import block_words


@dataclass(frozen=True, slots=True)
class ShownResult:
    """A scan's outcome as the desk page shows it; `patron` is None, and `reason` given, where the code was refused."""

    headline: str
    advice: str
    patron: ScannedPatron | None = None
    blocks: Sequence[str] = ()
    reason: str = ""


def describe(outcome: Accepted | Refused, *, blocks: Sequence[str] = ()) -> ShownResult:
    """Return the outcome in the reader's language. `blocks` are this library's, as its own system answered."""
    if isinstance(outcome, Refused):
        return ShownResult(*_refusal(outcome), reason=outcome.reason.value)
    if not outcome.patron.activated_here:
        advice = _("Ask whether the patron accepts the library's rules, and activate the card here.")
        return ShownResult(_("Not activated here"), advice, outcome.patron)
    if not blocks:
        return ShownResult(_("Accepted"), _("The card can be used here."), outcome.patron)
    advice = _("Nothing can be lent until it is settled.")
    return ShownResult(_("Blocked here"), advice, outcome.patron, [block_words(reason) for reason in blocks])


def age_words(band: AgeBand) -> str:
    """Return an age band as staff read it."""
    return {AgeBand.CHILD: _("Child"), AgeBand.YOUTH: _("Youth"), AgeBand.ADULT: _("Adult")}[band]


def _refusal(refused: Refused) -> tuple[str, str]:
    plastic = _("Ask for photo id, then scan the plastic card.")
    match refused.reason, refused.cause:
        case Reason.NOT_OURS, _cause:
            return _("Not a library card"), _("This is another kind of code. Ask for the card page on the phone.")
        case Reason.MISREAD, _cause:
            return _("Misread"), _("A digit was read wrongly. Scan again.")
        case Reason.UNKNOWN, Cause.WRONG_CODE:
            return _("Wrong code"), _("The code does not belong to this card. Scan again. ") + plastic
        case Reason.UNKNOWN, _cause:
            return _("Unknown card"), _("The register does not know this code. ") + plastic
        case Reason.REVOKED, Cause.CARD_LOST:
            return _("Card is blocked"), _("The card is reported lost. Ask for photo id, and issue a new card.")
        case Reason.REVOKED, Cause.DECEASED:
            return _("Card is blocked"), _(
                "A death was reported for this card. If that is wrong, it can be taken back."
            )
        case Reason.REVOKED, Cause.FROZEN:
            advice = _("The patron has frozen the card, and can unfreeze it under %(label)s.", label=_("My data"))
            return _("Card is frozen"), advice
        case Reason.REVOKED, Cause.LOCAL_CARD:
            return _("Local card of another library"), _(
                "It is valid there only. Ask whether the patron wants a national card."
            )
        case Reason.REVOKED, _cause:
            return _("Device was revoked"), _("Ask the patron to log in again on the phone. ") + plastic
        case Reason.EXPIRED, _cause:
            return _("Expired"), _("Ask the patron to log in again on the phone.")
        case Reason.CLOCK, _cause:
            return _("Old code, or a wrong clock"), _(
                "Wait for the next code. If it is refused too, the phone's clock is wrong."
            )
        case Reason.REPLAY, _cause:
            return _("Already used"), _("Wait for the next code, and scan that.")
        case Reason.THROTTLED, _cause:
            return _("Too many wrong codes"), _("Wait ten minutes. ") + plastic
        case Reason.STATIC_FORBIDDEN, _cause:
            return _("Not accepted here"), _(
                "This library takes the rotating code only. Ask for the card page on the phone."
            )


def notice_words(kind: str) -> str:
    """Return what a notice of this kind says to a library's system."""
    words = {
        "joined": _("Card activated here"),
        "renumbered": _("New card number"),
        "left": _("Card ended here"),
        "erased": _("Patron deleted"),
    }
    return words.get(kind, _("Data corrected"))


def fault_words(fault: str) -> str:
    """Return what went wrong when a library's system was sent a notice, by the code of the fault."""
    words = {
        "no_answer": _("The system does not answer."),
        "too_slow": _("The system answers too slowly."),
        "bad_answer": _("The system's answer could not be understood."),
        "not_admitted": _("The system does not let us in: user name, password or signature is wrong there."),
        "busy": _("The system is busy and asked us to wait."),
    }
    return words.get(fault) or _("The system refused it, with the code %(code)s.", code=fault)
