"""Each kind of message to patrons, declared once: its words, the link or code in it, and how urgent it is.

Words are English texts of the catalogs. They may name `%(link)s` or `%(code)s`, which is drawn when the message is
sent, `%(name)s` or `%(library)s`, whom it is about, and `%(day)s`, on which something happens.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final, Literal

from app.rules.people.fields import N_


class Urgency(IntEnum):
    """In which order messages are sent: the least number first, however long the others have waited."""

    CODE = 1
    LINK = 2
    NOTICE = 3
    BULK = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageKind:
    """A kind of message: a subject and sentences for e-mail and letters, and all of it in one short text message.

    `opens`: it has a code of six digits for this purpose, which is never sent by letter, and never late. `by_letter`
    and `unnamed` replace sentences: on paper, and where the patron or library that it is about is gone; `unnamed`
    replaces the short text too.
    """

    subject: str
    sentences: tuple[str, ...]
    short: str
    urgency: Urgency = Urgency.NOTICE
    opens: Literal["new-device", "step-up"] | None = None
    by_letter: Mapping[str, str] = field(default_factory=dict)
    unnamed: Mapping[str, str] = field(default_factory=dict)


_LINK: Final = "%(link)s"
_CODE: Final = "%(code)s"
_ONCE: Final = N_("It works once, and only for a few minutes. Tell it to nobody, not even to your library.")
_AT_ONCE: Final = N_("Was it not you? Tell your library at once.")

KINDS: Final[dict[str, MessageKind]] = {}


def _declare(name: str, subject: str, short: str, *sentences: str, **rest: Any) -> str:  # noqa: ANN401
    KINDS[name] = MessageKind(subject=subject, short=short, sentences=sentences, **rest)
    return name


NEW_PIN: Final = _declare(
    "new-pin",
    N_("Choose a new PIN"),
    N_("Lånekort: choose a new PIN within an hour: %(link)s"),
    N_("Somebody, most likely you, has asked for a new PIN for your library card."),
    N_("Choose it here within an hour:"),
    _LINK,
    N_("Was it not you? Then do nothing: your PIN stays as it is."),
    urgency=Urgency.LINK,
    by_letter={"Choose it here within an hour:": N_("Choose it at this address within 14 days:")},
)
# No more urgent than a notice: a library may enrol a whole school at once.
WELCOME: Final = _declare(
    "welcome",
    N_("Welcome to Lånekort"),
    N_("Welcome to Lånekort. Choose your PIN within an hour: %(link)s"),
    N_("You now have a library card. Your library has told you its number."),
    N_("Choose your PIN here within an hour:"),
    _LINK,
    N_("Is it too late? On the page for logging in you can order a new PIN."),
    by_letter={"Choose your PIN here within an hour:": N_("Choose your PIN at this address within 14 days:")},
)
NEW_DEVICE_CODE: Final = _declare(
    "new-device-code",
    N_("Your code for logging in"),
    N_("Lånekort: %(code)s is your code for logging in on a new device. Tell it to nobody."),
    N_("With this code you log in on a new device:"),
    _CODE,
    _ONCE,
    N_("Was it not you? Then somebody knows your PIN. Order a new one on the page for logging in."),
    urgency=Urgency.CODE,
    opens="new-device",
)
CODE_FIRST: Final = _declare(
    "code-first",
    N_("Your code for logging in"),
    N_("Lånekort: %(code)s is your code for logging in on a new device. Tell it to nobody."),
    N_("With this code you log in on a new device:"),
    _CODE,
    _ONCE,
    N_("Was it not you? Then somebody typed your card number. Without this code nobody gets further."),
    urgency=Urgency.CODE,
    opens="new-device",
)
STEP_UP_CODE: Final = _declare(
    "step-up-code",
    N_("Your code"),
    N_("Lånekort: %(code)s confirms what you are doing on My page. Tell it to nobody."),
    N_("With this code you confirm what you are doing on My page:"),
    _CODE,
    _ONCE,
    N_("Was it not you? Then somebody knows your PIN. Order a new one on the page for logging in."),
    urgency=Urgency.CODE,
    opens="step-up",
)
REGISTRATION_CODE: Final = _declare(
    "registration-code",
    N_("Your code for getting a library card"),
    N_("Lånekort: %(code)s confirms your address. Tell it to nobody."),
    N_("With this code you confirm your e-mail address:"),
    _CODE,
    _ONCE,
    N_("Was it not you? Then do nothing. What was typed is deleted within a day."),
    urgency=Urgency.CODE,
)
INACTIVE_WARNING: Final = _declare(
    "inactive-warning",
    N_("Your library card is about to be deleted"),
    N_("Lånekort: your card is unused, and is deleted on %(day)s. Log in before that to keep it."),
    N_("You have not used your library card for a long time. We keep nobody's data without need."),
    N_("On %(day)s your card and all that is stored with it will be deleted."),
    N_("Do you want to keep it? Log in, or use the card at a library, before that day."),
    urgency=Urgency.BULK,
)
FAMILY_ADVICE_TO_CHILD: Final = _declare(
    "family-advice-to-child",
    N_("Who may see your loans"),
    N_("Lånekort: you are older than 12. We advise ending the family folder: My page, Settings."),
    N_("You are older than 12, and your loans are your own business. We advise ending the family folder."),
    N_("Nothing changes by itself. Under My page, Settings you can withdraw the permission."),
    urgency=Urgency.BULK,
)
FAMILY_ADVICE_TO_GUARDIAN: Final = _declare(
    "family-advice-to-guardian",
    N_("The family folder after the 12th year"),
    N_("Lånekort: a young person in your family folder is older than 12. We advise switching the view off."),
    N_(
        "%(name)s is older than 12. Out of respect for young people's privacy we advise you to switch off "
        "the view of their loans."
    ),
    N_("Nothing changes by itself. Under My page, Settings you can switch it off."),
    urgency=Urgency.BULK,
)
JOINED_BY_PROOF: Final = _declare(
    "joined-by-proof",
    N_("Your card at another library"),
    N_("Lånekort: your card was activated at %(library)s. Was it not you? Freeze it on My page."),
    N_("Your library card was activated at %(library)s, by its PIN or by papers."),
    N_("That library can now see your data. Who has looked at it stands under My page, My data."),
    N_("Was it not you? Freeze the card under My data, order a new PIN, and tell your library at once."),
    unnamed={
        "Your library card was activated at %(library)s, by its PIN or by papers.": N_(
            "Your library card was activated at another library, by its PIN or by papers."
        ),
        "Lånekort: your card was activated at %(library)s. Was it not you? Freeze it on My page.": N_(
            "Lånekort: your card was activated at another library. Was it not you? Freeze it on My page."
        ),
    },
)
CONTACT_CHANGED: Final = _declare(
    "contact-changed",
    N_("Your contact data was changed"),
    N_("Lånekort: your contact data was changed. Was it not you? Tell your library at once."),
    N_("The address, telephone number or e-mail address of your library card was changed."),
    _AT_ONCE,
)
CONTACT_UNPROVEN: Final = _declare(
    "contact-unproven",
    N_("Confirm your address"),
    N_(
        "Lånekort: your library has noted this number. Log in and confirm it under My data, or show photo id "
        "at the desk."
    ),
    N_("This address was noted for your library card. No code and no link to a new PIN comes here yet."),
    N_("Log in and confirm it under My page, My data, or show photo id at the desk of your library."),
    N_("Is it not your card? Then do nothing."),
)
PIN_CHANGED: Final = _declare(
    "pin-changed",
    N_("Your PIN was changed"),
    N_("Lånekort: your PIN was changed. Was it not you? Order a new one, and tell your library."),
    N_("The PIN of your library card was changed."),
    N_("Was it not you? Order a new PIN on the page for logging in, and tell your library."),
)
NEW_DEVICE: Final = _declare(
    "new-device",
    N_("A new device"),
    N_("Lånekort: login on a new device. Was it not you? Remove it on My page, and order a new PIN."),
    N_("Somebody, most likely you, has logged in with your library card on a new device."),
    N_("Was it not you? Remove the device under My page, Library card, and order a new PIN."),
)
NEW_WALLET: Final = _declare(
    "new-wallet",
    N_("Your library card in a wallet"),
    N_("Lånekort: your card was put into a wallet. Was it not you? Take it out on My page, Library card."),
    N_("Somebody, most likely you, has put your library card into Google Wallet or Apple Wallet."),
    N_("Was it not you? Take it out under My page, Library card, Lost phone, and order a new PIN."),
)
CARD_REPLACED: Final = _declare(
    "card-replaced",
    N_("Your card has a new number"),
    N_("Lånekort: your card was replaced and has a new number. Was it not you? Tell your library."),
    N_("Your library card was replaced. The old number no longer works; your library has the new one."),
    N_("Your PIN and your libraries are as before. Was it not you? Tell your library at once."),
)
CARD_FROZEN: Final = _declare(
    "card-frozen",
    N_("Your card is frozen"),
    N_("Lånekort: your card is frozen. You can thaw it on My page. Was it not you? Change your PIN there too."),
    N_("Your library card is frozen: it is kept, and cannot be used."),
    N_("Under My page, My data you can thaw it. Was it not you? Thaw it and change your PIN, or tell your library."),
)

LINKS: Final = tuple(name for name, kind in KINDS.items() if _LINK in kind.sentences)
CODES: Final = tuple(name for name, kind in KINDS.items() if kind.opens)


def urgency_of(kind: str) -> Urgency:
    """Return how urgent a message is; one that is not declared is a notice, and is not sent."""
    return KINDS[kind].urgency if kind in KINDS else Urgency.NOTICE
