"""Each kind of message to patrons, declared once: its words, what it carries, and how urgent it is.

Words are English texts of the catalogs. They may name `%(link)s` or `%(code)s`, which is drawn when the message is
sent, `%(name)s` or `%(library)s`, whom it is about, and `%(day)s`, on which something happens.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Final

from app.rules.people.fields import N_


class Urgency(IntEnum):
    """In which order messages are sent: the least number first, however long the others have waited."""

    CODE = 1
    LINK = 2
    NOTICE = 3
    BULK = 4


class Opens(StrEnum):
    """What the code in a message is for: the purposes of one-time secrets."""

    NEW_DEVICE = "new-device"
    STEP_UP = "step-up"


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageKind:
    """A kind of message: a subject and sentences for e-mail and letters, and all of it in one short text message.

    `is_link`: it carries a one-time link, drawn when it is sent. `opens`: it carries six digits for somebody who waits
    for them now: never in a letter, and never late. `by_letter` and `unnamed` replace sentences: on paper, and where
    nobody is left whom it is about; `unnamed` replaces the short text too.
    """

    subject: str
    sentences: tuple[str, ...]
    short: str
    urgency: Urgency = Urgency.NOTICE
    is_link: bool = False
    opens: Opens | None = None
    by_letter: Mapping[str, str] = field(default_factory=dict)
    unnamed: Mapping[str, str] = field(default_factory=dict)


_LINK: Final = "%(link)s"
_CODE: Final = "%(code)s"
_ONCE: Final = N_("It works once, and only for a few minutes. Tell it to nobody, not even to your library.")
_AT_ONCE: Final = N_("Was it not you? Tell your library at once.")

CONTACT_CHANGED: Final = "contact-changed"
CONTACT_UNPROVEN: Final = "contact-unproven"
PIN_CHANGED: Final = "pin-changed"
NEW_PIN: Final = "new-pin"
NEW_DEVICE_CODE: Final = "new-device-code"
STEP_UP_CODE: Final = "step-up-code"
CODE_FIRST: Final = "code-first"
REGISTRATION_CODE: Final = "registration-code"
NEW_DEVICE: Final = "new-device"
WELCOME: Final = "welcome"
INACTIVE_WARNING: Final = "inactive-warning"
CARD_REPLACED: Final = "card-replaced"
CARD_FROZEN: Final = "card-frozen"
NEW_WALLET: Final = "new-wallet"
JOINED_BY_PROOF: Final = "joined-by-proof"
FAMILY_ADVICE_TO_CHILD: Final = "family-advice-to-child"
FAMILY_ADVICE_TO_GUARDIAN: Final = "family-advice-to-guardian"

KINDS: Final[Mapping[str, MessageKind]] = {
    NEW_PIN: MessageKind(
        urgency=Urgency.LINK,
        is_link=True,
        subject=N_("Choose a new PIN"),
        sentences=(
            N_("Somebody, most likely you, has asked for a new PIN for your library card."),
            N_("Choose it here within an hour:"),
            _LINK,
            N_("Was it not you? Then do nothing: your PIN stays as it is."),
        ),
        by_letter={"Choose it here within an hour:": N_("Choose it at this address within 14 days:")},
        short=N_("Lånekort: choose a new PIN within an hour: %(link)s"),
    ),
    # No more urgent than a notice: a library may enrol a whole school at once.
    WELCOME: MessageKind(
        is_link=True,
        subject=N_("Welcome to Lånekort"),
        sentences=(
            N_("You now have a library card. Your library has told you its number."),
            N_("Choose your PIN here within an hour:"),
            _LINK,
            N_("Is it too late? On the page for logging in you can order a new PIN."),
        ),
        by_letter={"Choose your PIN here within an hour:": N_("Choose your PIN at this address within 14 days:")},
        short=N_("Welcome to Lånekort. Choose your PIN within an hour: %(link)s"),
    ),
    NEW_DEVICE_CODE: MessageKind(
        urgency=Urgency.CODE,
        opens=Opens.NEW_DEVICE,
        subject=N_("Your code for logging in"),
        sentences=(
            N_("With this code you log in on a new device:"),
            _CODE,
            _ONCE,
            N_("Was it not you? Then somebody knows your PIN. Order a new one on the page for logging in."),
        ),
        short=N_("Lånekort: %(code)s is your code for logging in on a new device. Tell it to nobody."),
    ),
    CODE_FIRST: MessageKind(
        urgency=Urgency.CODE,
        opens=Opens.NEW_DEVICE,
        subject=N_("Your code for logging in"),
        sentences=(
            N_("With this code you log in on a new device:"),
            _CODE,
            _ONCE,
            N_("Was it not you? Then somebody typed your card number. Without this code nobody gets further."),
        ),
        short=N_("Lånekort: %(code)s is your code for logging in on a new device. Tell it to nobody."),
    ),
    STEP_UP_CODE: MessageKind(
        urgency=Urgency.CODE,
        opens=Opens.STEP_UP,
        subject=N_("Your code"),
        sentences=(
            N_("With this code you confirm what you are doing on My page:"),
            _CODE,
            _ONCE,
            N_("Was it not you? Then somebody knows your PIN. Order a new one on the page for logging in."),
        ),
        short=N_("Lånekort: %(code)s confirms what you are doing on My page. Tell it to nobody."),
    ),
    REGISTRATION_CODE: MessageKind(
        urgency=Urgency.CODE,
        subject=N_("Your code for getting a library card"),
        sentences=(
            N_("With this code you confirm your e-mail address:"),
            _CODE,
            _ONCE,
            N_("Was it not you? Then do nothing. What was typed is deleted within a day."),
        ),
        short=N_("Lånekort: %(code)s confirms your address. Tell it to nobody."),
    ),
    INACTIVE_WARNING: MessageKind(
        urgency=Urgency.BULK,
        subject=N_("Your library card is about to be deleted"),
        sentences=(
            N_("You have not used your library card for a long time. We keep nobody's data without need."),
            N_("On %(day)s your card and all that is stored with it will be deleted."),
            N_("Do you want to keep it? Log in, or use the card at a library, before that day."),
        ),
        short=N_("Lånekort: your card is unused, and is deleted on %(day)s. Log in before that to keep it."),
    ),
    FAMILY_ADVICE_TO_CHILD: MessageKind(
        urgency=Urgency.BULK,
        subject=N_("Who may see your loans"),
        sentences=(
            N_("You are older than 12, and your loans are your own business. We advise ending the family folder."),
            N_("Nothing changes by itself. Under My page, Settings you can withdraw the permission."),
        ),
        short=N_("Lånekort: you are older than 12. We advise ending the family folder: My page, Settings."),
    ),
    FAMILY_ADVICE_TO_GUARDIAN: MessageKind(
        urgency=Urgency.BULK,
        subject=N_("The family folder after the 12th year"),
        sentences=(
            N_(
                "%(name)s is older than 12. Out of respect for young people's privacy we advise you to "
                "switch off the view of their loans."
            ),
            N_("Nothing changes by itself. Under My page, Settings you can switch it off."),
        ),
        short=N_("Lånekort: a young person in your family folder is older than 12. We advise switching the view off."),
    ),
    JOINED_BY_PROOF: MessageKind(
        subject=N_("Your card at another library"),
        sentences=(
            N_("Your library card was activated at %(library)s, by its PIN or by papers."),
            N_("That library can now see your data. Who has looked at it stands under My page, My data."),
            N_("Was it not you? Freeze the card under My data, order a new PIN, and tell your library at once."),
        ),
        short=N_("Lånekort: your card was activated at %(library)s. Was it not you? Freeze it on My page."),
        unnamed={
            "Your library card was activated at %(library)s, by its PIN or by papers.": N_(
                "Your library card was activated at another library, by its PIN or by papers."
            ),
            "Lånekort: your card was activated at %(library)s. Was it not you? Freeze it on My page.": N_(
                "Lånekort: your card was activated at another library. Was it not you? Freeze it on My page."
            ),
        },
    ),
    CONTACT_CHANGED: MessageKind(
        subject=N_("Your contact data was changed"),
        sentences=(
            N_("The address, telephone number or e-mail address of your library card was changed."),
            _AT_ONCE,
        ),
        short=N_("Lånekort: your contact data was changed. Was it not you? Tell your library at once."),
    ),
    CONTACT_UNPROVEN: MessageKind(
        subject=N_("Confirm your address"),
        sentences=(
            N_("This address was noted for your library card. No code and no link to a new PIN comes here yet."),
            N_("Log in and confirm it under My page, My data, or show photo id at the desk of your library."),
            N_("Is it not your card? Then do nothing."),
        ),
        short=N_(
            "Lånekort: your library has noted this number. Log in and confirm it under My data, "
            "or show photo id at the desk."
        ),
    ),
    PIN_CHANGED: MessageKind(
        subject=N_("Your PIN was changed"),
        sentences=(
            N_("The PIN of your library card was changed."),
            N_("Was it not you? Order a new PIN on the page for logging in, and tell your library."),
        ),
        short=N_("Lånekort: your PIN was changed. Was it not you? Order a new one, and tell your library."),
    ),
    NEW_DEVICE: MessageKind(
        subject=N_("A new device"),
        sentences=(
            N_("Somebody, most likely you, has logged in with your library card on a new device."),
            N_("Was it not you? Remove the device under My page, Library card, and order a new PIN."),
        ),
        short=N_("Lånekort: login on a new device. Was it not you? Remove it on My page, and order a new PIN."),
    ),
    NEW_WALLET: MessageKind(
        subject=N_("Your library card in a wallet"),
        sentences=(
            N_("Somebody, most likely you, has put your library card into Google Wallet or Apple Wallet."),
            N_("Was it not you? Take it out under My page, Library card, Lost phone, and order a new PIN."),
        ),
        short=N_("Lånekort: your card was put into a wallet. Was it not you? Take it out on My page, Library card."),
    ),
    CARD_REPLACED: MessageKind(
        subject=N_("Your card has a new number"),
        sentences=(
            N_("Your library card was replaced. The old number no longer works; your library has the new one."),
            N_("Your PIN and your libraries are as before. Was it not you? Tell your library at once."),
        ),
        short=N_("Lånekort: your card was replaced and has a new number. Was it not you? Tell your library."),
    ),
    CARD_FROZEN: MessageKind(
        subject=N_("Your card is frozen"),
        sentences=(
            N_("Your library card is frozen: it is kept, and cannot be used."),
            N_(
                "Under My page, My data you can thaw it. Was it not you? "
                "Thaw it and change your PIN, or tell your library."
            ),
        ),
        short=N_(
            "Lånekort: your card is frozen. You can thaw it on My page. Was it not you? Change your PIN there too."
        ),
    ),
}

LINKS: Final = tuple(name for name, kind in KINDS.items() if kind.is_link)
CODES: Final = tuple(name for name, kind in KINDS.items() if kind.opens)


def urgency_of(kind: str) -> Urgency:
    """Return how urgent a message is; one that is not declared is a notice, and is not sent."""
    return KINDS[kind].urgency if kind in KINDS else Urgency.NOTICE
