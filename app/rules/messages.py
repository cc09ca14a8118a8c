"""Each kind of message to patrons, declared once: its words, the link or code in it, and how urgent it is.

Words are English texts of the catalogs. They may name `%(link)s` or `%(code)s`, which is drawn when the message is
sent, `%(name)s` or `%(library)s`, whom it is about, and `%(day)s`, on which something happens.
"""

from typing import Final

from app.rules.message_kind import KINDS as KINDS
from app.rules.message_kind import MessageKind as MessageKind
from app.rules.message_kind import Urgency as Urgency
from app.rules.message_kind import declare
from app.rules.people.fields import N_

_LINK: Final = "%(link)s"
_CODE: Final = "%(code)s"
_ONCE: Final = N_("It works once, and only for a few minutes. Tell it to nobody, not even to your library.")
_AT_ONCE: Final = N_("Was it not you? Tell your library at once.")

NEW_PIN: Final = declare(
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
WELCOME: Final = declare(
    "welcome",
    N_("Welcome to Lånekort"),
    N_("Welcome to Lånekort. Choose your PIN within an hour: %(link)s"),
    N_("You now have a library card. Your library has told you its number."),
    N_("Choose your PIN here within an hour:"),
    _LINK,
    N_("Is it too late? On the page for logging in you can order a new PIN."),
    by_letter={"Choose your PIN here within an hour:": N_("Choose your PIN at this address within 14 days:")},
)
_WITHIN_AN_HOUR: Final = N_("Choose your PIN here within an hour:")
MOVED_IN: Final = declare(
    "moved-in",
    N_("Your new library card number"),
    N_("Lånekort: your library has moved your card here. Your number is %(number)s. Choose a PIN: %(link)s"),
    N_("%(library)s now uses Lånekort, and has moved your library card here."),
    N_("Your new card number is %(number)s."),
    _WITHIN_AN_HOUR,
    _LINK,
    N_("Is it too late? On the page for logging in you can order a new PIN."),
    urgency=Urgency.BULK,
    by_letter={_WITHIN_AN_HOUR: N_("Choose your PIN at this address within 14 days:")},
    unnamed={
        "%(library)s now uses Lånekort, and has moved your library card here.": N_(
            "Your library now uses Lånekort, and has moved your library card here."
        )
    },
)
ASKED_TO_JOIN: Final = declare(
    "asked-to-join",
    N_("A library asks whether you borrow there"),
    N_("Lånekort: %(library)s asks whether you borrow there. If so, activate your card there on My page."),
    N_("%(library)s now uses Lånekort, and asks whether you borrow there."),
    N_("You have a library card already, and keep it. %(library)s sees nothing about you yet."),
    N_("Do you borrow there? Log in, and activate your card there under My page, Your libraries, or at its desk."),
    N_("Do you not borrow there? Then do nothing."),
    urgency=Urgency.BULK,
    unnamed={
        "%(library)s now uses Lånekort, and asks whether you borrow there.": N_(
            "A library that now uses Lånekort asks whether you borrow there."
        ),
        "You have a library card already, and keep it. %(library)s sees nothing about you yet.": N_(
            "You have a library card already, and keep it. That library sees nothing about you yet."
        ),
        "Lånekort: %(library)s asks whether you borrow there. If so, activate your card there on My page.": N_(
            "Lånekort: a library asks whether you borrow there. If so, activate your card there on My page."
        ),
    },
)
NEW_DEVICE_CODE: Final = declare(
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
CODE_FIRST: Final = declare(
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
STEP_UP_CODE: Final = declare(
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
REGISTRATION_CODE: Final = declare(
    "registration-code",
    N_("Your code for getting a library card"),
    N_("Lånekort: %(code)s confirms your address. Tell it to nobody."),
    N_("With this code you confirm your e-mail address:"),
    _CODE,
    _ONCE,
    N_("Was it not you? Then do nothing. What was typed is deleted within a day."),
    urgency=Urgency.CODE,
)
INACTIVE_WARNING: Final = declare(
    "inactive-warning",
    N_("Your library card is about to be deleted"),
    N_("Lånekort: your card is unused, and is deleted on %(day)s. Log in before that to keep it."),
    N_("You have not used your library card for a long time. We keep nobody's data without need."),
    N_("On %(day)s your card and all that is stored with it will be deleted."),
    N_("Do you want to keep it? Log in, or use the card at a library, before that day."),
    urgency=Urgency.BULK,
)
FAMILY_ADVICE_TO_CHILD: Final = declare(
    "family-advice-to-child",
    N_("Who may see your loans"),
    N_("Lånekort: you are older than 12. We advise ending the family folder: My page, Settings."),
    N_("You are older than 12, and your loans are your own business. We advise ending the family folder."),
    N_("Nothing changes by itself. Under My page, Settings you can withdraw the permission."),
    urgency=Urgency.BULK,
)
FAMILY_ADVICE_TO_GUARDIAN: Final = declare(
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
FAMILY_PERMISSION: Final = declare(
    "family-permission",
    N_("You may see somebody's loans"),
    N_("Lånekort: somebody lets you see their loans. Log in and switch it on under My page, if you want to."),
    N_("Somebody has given you permission to see what they have borrowed."),
    N_("Log in and open My page. There you see who it is, and can switch it on."),
    N_("Do you not want it? Then do nothing: nobody's loans are shown to you."),
)
FAMILY_ENDS_TO_YOUNG: Final = declare(
    "family-ends-to-young",
    N_("Who may see your loans when you are an adult"),
    N_("Lånekort: from %(day)s nobody sees your loans any more, unless you renew it under My page, Settings."),
    N_("You are about to decide as an adult who sees your loans."),
    N_("The permissions that you gave when you were younger end on %(day)s."),
    N_("Do you want somebody to see them after that? Renew the permission before that day, under My page, Settings."),
    N_("Do you not want it? Then do nothing."),
)
FAMILY_ENDS_TO_GUARDIAN: Final = declare(
    "family-ends-to-guardian",
    N_("A permission in the family folder ends"),
    N_("Lånekort: a permission in your family folder ends on %(day)s, since the young person becomes an adult."),
    N_("%(name)s is about to decide as an adult who sees their loans. Your view of them ends on %(day)s."),
    N_("It goes on only if %(name)s renews the permission before that day. You need not do anything."),
)
CONSENT_ENDS_TO_YOUNG: Final = declare(
    "consent-ends-to-young",
    N_("You decide about your library card yourself"),
    N_("Lånekort: from %(day)s you decide about your library card yourself. Then accept the rules on My page."),
    N_("From %(day)s you are old enough to decide about your library card yourself."),
    N_("A guardian agreed to the card when you were younger. We delete that on that day: your own word counts now."),
    N_("From that day, accept the rules of your libraries yourself on My page. The card works meanwhile."),
    N_("Do you not want the card any more? Delete it under My page, My data."),
)
CONSENT_ENDS_TO_GUARDIAN: Final = declare(
    "consent-ends-to-guardian",
    N_("A young person decides about the library card"),
    N_("Lånekort: from %(day)s a young person in your family folder decides about the library card alone."),
    N_("From %(day)s %(name)s is old enough to decide about the library card alone."),
    N_("The consent of a guardian that was noted for the card is deleted on that day. You need not do anything."),
)
JOINED_BY_PROOF: Final = declare(
    "joined-by-proof",
    N_("Your card at another library"),
    N_("Lånekort: your card was activated at %(library)s. Was it not you? Freeze it on My page."),
    N_("Your library card was activated at %(library)s, by its PIN or by papers."),
    N_("That library can now see your data. You see who has looked at it under My page, My data."),
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
CONTACT_CHANGED: Final = declare(
    "contact-changed",
    N_("Your contact data was changed"),
    N_("Lånekort: your contact data was changed. Was it not you? Tell your library at once."),
    N_("The address, telephone number or e-mail address of your library card was changed."),
    _AT_ONCE,
)
CONTACT_UNPROVEN: Final = declare(
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
PIN_CHANGED: Final = declare(
    "pin-changed",
    N_("Your PIN was changed"),
    N_("Lånekort: your PIN was changed. Was it not you? Order a new one, and tell your library."),
    N_("The PIN of your library card was changed."),
    N_("Was it not you? Order a new PIN on the page for logging in, and tell your library."),
)
NEW_DEVICE: Final = declare(
    "new-device",
    N_("A new device"),
    N_("Lånekort: login on a new device. Was it not you? Remove it on My page, and order a new PIN."),
    N_("Somebody, most likely you, has logged in with your library card on a new device."),
    N_("Was it not you? Remove the device under My page, Library card, and order a new PIN."),
)
NEW_WALLET: Final = declare(
    "new-wallet",
    N_("Your library card in a wallet"),
    N_("Lånekort: your card was put into a wallet. Was it not you? Take it out on My page, Library card."),
    N_("Somebody, most likely you, has put your library card into Google Wallet or Apple Wallet."),
    N_("Was it not you? Take it out under My page, Library card, Lost phone, and order a new PIN."),
)
PASSKEY_ADDED: Final = declare(
    "passkey-added",
    N_("New: log in with face or finger"),
    N_("Lånekort: a passkey was added, to log in with face, finger or screen lock. Was it not you? Order a new PIN."),
    N_("Somebody, most likely you, can now log in with your library card by face, finger or screen lock."),
    N_("Was it not you? Order a new PIN on the page for logging in. Then every passkey is removed."),
)
PASSKEY_REMOVED: Final = declare(
    "passkey-removed",
    N_("A passkey was removed"),
    N_("Lånekort: a passkey of yours was removed. Was it not you? Order a new PIN."),
    N_("A passkey was removed from your library card. Nobody can log in with it any more."),
    N_("Was it not you? Order a new PIN on the page for logging in. Then every passkey is removed."),
)
PASSKEY_COPIED: Final = declare(
    "passkey-copied",
    N_("A passkey was refused"),
    N_("Lånekort: a passkey of yours was refused. Somebody may have copied it. Remove it under My devices."),
    N_("Somebody tried to log in with one of your passkeys. We refused it, because it may have been copied."),
    N_("Log in with your PIN, and remove the passkey under My page, Settings, My devices. Then make a new one."),
)
CARD_REPLACED: Final = declare(
    "card-replaced",
    N_("Your card has a new number"),
    N_("Lånekort: your card was replaced and has a new number. Was it not you? Tell your library."),
    N_("Your library card was replaced. The old number no longer works; your library has the new one."),
    N_("Your PIN and your libraries are as before. Was it not you? Tell your library at once."),
)
CARD_FROZEN: Final = declare(
    "card-frozen",
    N_("Your card is frozen"),
    N_("Lånekort: your card is frozen. You can unfreeze it on My page. Was it not you? Change your PIN there too."),
    N_("Your library card is frozen: it cannot be used, and nothing is deleted."),
    N_(
        "Under My page, My data you can unfreeze it. Was it not you? "
        "Unfreeze it and change your PIN, or tell your library."
    ),
)
LINKS: Final = tuple(name for name, kind in KINDS.items() if _LINK in kind.sentences)
CODES: Final = tuple(name for name, kind in KINDS.items() if kind.opens)
FAMILY_ENDS: Final = (FAMILY_ENDS_TO_YOUNG, FAMILY_ENDS_TO_GUARDIAN)
CONSENT_ENDS: Final = (CONSENT_ENDS_TO_YOUNG, CONSENT_ENDS_TO_GUARDIAN)
DATED: Final = (INACTIVE_WARNING, *FAMILY_ENDS, *CONSENT_ENDS)
"""What is not sent any more when the day that it names was called off."""
CAN_WAIT: Final = (FAMILY_PERMISSION, *DATED, FAMILY_ADVICE_TO_CHILD, FAMILY_ADVICE_TO_GUARDIAN, ASKED_TO_JOIN)
"""What is not sent in the quiet hours that a patron chose. Of all else they want to know at once."""


def urgency_of(kind: str) -> Urgency:
    """Return how urgent a message is; one that is not declared is a notice, and is not sent."""
    return KINDS[kind].urgency if kind in KINDS else Urgency.NOTICE
