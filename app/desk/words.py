"""What staff read for each outcome of a scan: what it is, and what to do now."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from flask_babel import gettext as _

from app.register.card.scans import Accepted, ScannedPatron
from app.rules.card.scan import Cause, Reason, Refused
from app.rules.people.ages import AgeBand
from app.web.pages.library_words import block_words


@dataclass(frozen=True, slots=True)
class ShownResult:
    """A scan's outcome as the desk page shows it."""

    accepted: bool
    headline: str
    advice: str
    reason: str = ""
    name: str = ""
    age_band: str = ""
    home_library: str = ""
    activated_here: bool = False
    device: str = ""
    blocks: list[str] = field(default_factory=list)


def describe(outcome: Accepted | Refused, *, blocks: Sequence[str] = ()) -> ShownResult:
    """Return the outcome in the reader's language. `blocks` are this library's, by its own system's word."""
    return _describe_refused(outcome) if isinstance(outcome, Refused) else _describe_accepted(outcome.patron, blocks)


def _describe_accepted(patron: ScannedPatron, blocks: Sequence[str]) -> ShownResult:
    if patron.activated_here and blocks:
        headline, advice = _("Blocked here"), _("Nothing can be lent until it is settled. The counter shows what.")
    elif patron.activated_here:
        headline, advice = _("Accepted"), _("The card can be used here.")
    else:
        headline = _("Not activated here")
        advice = _("Ask whether the patron accepts the library's rules, and activate the card here.")
    return ShownResult(
        accepted=True,
        headline=headline,
        advice=advice,
        name=patron.name,
        age_band=age_words(patron.age_band),
        home_library=patron.home_library,
        activated_here=patron.activated_here,
        device=_device(patron),
        blocks=[block_words(reason) for reason in blocks],
    )


def _device(patron: ScannedPatron) -> str:
    if patron.carried_by_guardian:
        return _("%(device)s, a guardian's phone", device=patron.device_label)
    return patron.device_label


def age_words(band: AgeBand) -> str:
    """Return an age band as staff read it."""
    return {AgeBand.CHILD: _("Child"), AgeBand.YOUTH: _("Youth"), AgeBand.ADULT: _("Adult")}[band]


def _describe_refused(refused: Refused) -> ShownResult:
    headline, advice = _refusal(refused)
    return ShownResult(accepted=False, headline=headline, advice=advice, reason=refused.reason.value)


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
            return _("Card is frozen"), _("The patron has frozen the card, and can thaw it under My data.")
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
    """Return what a library's system is told by a notice of this kind."""
    match kind:
        case "joined":
            return _("Card activated here")
        case "renumbered":
            return _("New card number")
        case "left":
            return _("Card ended here")
        case "erased":
            return _("Patron deleted")
        case _changed:
            return _("Data corrected")


def fault_words(fault: str) -> str:
    """Return what went wrong when a library's system was told something, by the code of the fault."""
    match fault:
        case "no_answer":
            return _("The system does not answer.")
        case "too_slow":
            return _("The system answers too slowly.")
        case "bad_answer":
            return _("The system's answer could not be understood.")
        case "not_admitted":
            return _("The system does not let us in: user name, password or signature is wrong there.")
        case "busy":
            return _("The system is busy and asked us to wait.")
        case _code:
            return _("The system refused it, with the code %(code)s.", code=fault)
