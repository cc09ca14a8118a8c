"""What a kiosk's screen says where the gateway answers by itself: to the patron, who has no staff beside them."""

from collections.abc import Mapping
from enum import StrEnum

from flask import Flask
from flask_babel import force_locale
from flask_babel import gettext as _

from app.rules.card.scan import Reason
from app.web.pages.languages import LANGUAGES

# What a kiosk calls the languages that there are; of Norway's two, the library has chosen.
_ENGLISH = (b"001", b"024")
_SWEDISH, _NORWEGIAN = b"006", b"012"


class Trouble(StrEnum):
    """Why the gateway answers by itself, where it is not the card's fault. A refused card has a `Reason`."""

    NOT_SIGNED_ON = "NOT_SIGNED_ON"
    NO_SYSTEM = "NO_SYSTEM"
    NO_REGISTER = "NO_REGISTER"


Why = Reason | Trouble
Sentences = Mapping[tuple[str, Why], bytes]


def write_sentences(app: Flask, *, encoding: str) -> Sentences:
    """Return every sentence in every language, as bytes for a kiosk. A letter that the encoding has not becomes "?"."""
    written: dict[tuple[str, Why], bytes] = {}
    for language in LANGUAGES:
        with app.app_context(), force_locale(language):
            written |= {(language, why): text.encode(encoding, "replace") for why, text in _sentences().items()}
    return written


def choose_language(asked: bytes, *, default: str) -> str:
    """Return our language for the three digits that a message has for it. `default` is the library's."""
    if asked in _ENGLISH:
        return "en"
    if asked == _SWEDISH:
        return "sv"
    if asked == _NORWEGIAN and default not in ("nb", "nn"):
        return "nb"
    return default


def _sentences() -> dict[Why, str]:
    return {
        Reason.NOT_OURS: _("This is not a library card code."),
        Reason.MISREAD: _("The code was misread. Scan it again."),
        Reason.UNKNOWN: _("The card was not recognised. Scan again, or ask at the desk."),
        Reason.REVOKED: _("This card cannot be used. Ask at the desk."),
        Reason.EXPIRED: _("Log in again on the phone, then scan the card."),
        Reason.CLOCK: _("Wait for the next code. If that fails too, the phone's clock is wrong."),
        Reason.REPLAY: _("This code was used. Wait for the next one."),
        Reason.THROTTLED: _("Too many wrong codes. Wait ten minutes, or ask at the desk."),
        Reason.STATIC_FORBIDDEN: _("Show the card on the phone; its code changes every half minute."),
        Trouble.NOT_SIGNED_ON: _("This machine is not signed on. Tell the staff."),
        Trouble.NO_SYSTEM: _("The library's system does not answer. Try again soon, or ask at the desk."),
        Trouble.NO_REGISTER: _("The card cannot be checked just now. Try again soon, or ask at the desk."),
    }
