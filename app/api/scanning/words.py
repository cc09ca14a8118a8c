"""A short sentence in English that staff can act on, for each reason a scan is refused."""

from app.rules.card.scan import Reason

MESSAGES = {
    Reason.NOT_OURS: "This is not a library card code.",
    Reason.MISREAD: "A digit was read wrongly. Scan again.",
    Reason.UNKNOWN: "Ask for photo id, then scan the plastic card.",
    Reason.REVOKED: "The card is blocked on this device. Ask at the desk.",
    Reason.EXPIRED: "Log in again on the phone to renew the card.",
    Reason.CLOCK: "Wait for the next code. If it is refused too, the phone's clock is wrong.",
    Reason.REPLAY: "Wait for the next code.",
    Reason.THROTTLED: "Too many wrong codes. Wait ten minutes.",
    Reason.STATIC_FORBIDDEN: "This library takes the rotating code only.",
}
