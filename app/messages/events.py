"""The words of messages about what has happened to a card, such as a new device or a change of contact data."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import format_date, format_time
from flask_babel import gettext as _


@dataclass(frozen=True, slots=True)
class Text:
    """One kind's words: a subject and sentences for e-mail and letters, and all of it in one short text message."""

    subject: str
    sentences: tuple[str, ...]
    short: str


@dataclass(frozen=True, slots=True)
class ContactChange:
    """A change of contact data: which of `email`, `phone`, `address`, `preferred_contact`, by which library, and when.

    `library` None: the patron did it. `at` is UTC.
    """

    fields: Sequence[str]
    library: str | None
    at: datetime


def field_words(fields: Sequence[str]) -> str:
    """Return which kinds of contact data were changed, in a row."""
    words = {
        "email": _("e-mail address"),
        "phone": _("telephone number"),
        "address": _("postal address"),
        "preferred_contact": _("preferred contact"),
    }
    return ", ".join(words.get(field, field) for field in fields)


def contact_changed(change: ContactChange, *, link: str) -> Text:
    """Return the words of a message about changed contact data. `link` undoes the change; it may be empty."""
    what, when = field_words(change.fields), f"{format_date(change.at, 'long')}, {format_time(change.at, 'short')}"
    if change.library is not None:
        done = _("%(library)s changed this on your library card: %(what)s.", library=change.library, what=what)
        short = _("Lånekort: %(library)s changed: %(what)s.", library=change.library, what=what)
    else:
        done = _("This was changed on your library card by somebody logged in as you: %(what)s.", what=what)
        short = _("Lånekort: changed by somebody logged in as you: %(what)s.", what=what)
    sentences = [done, _("It was done on %(when)s.", when=when)]
    if link:
        sentences += [
            _("Was it not you, and did you not ask for it? Undo it here within 14 days. Your card is frozen then:"),
            link,
            _("Was it you? Then you need not do anything."),
        ]
        short = _("%(what)s Was it not you? Undo it within 14 days: %(link)s", what=short, link=link)
    else:
        sentences.append(_("Was it not you? Tell your library at once."))
        short = _("%(what)s Was it not you? Tell your library at once.", what=short)
    return Text(subject=_("Your contact data was changed"), sentences=tuple(sentences), short=short)


def event(kind: str) -> Text:
    """Return the words of what has happened to a card, and of what to do if that was somebody else's doing."""
    match kind:
        case "contact-changed":
            return Text(
                subject=_("Your contact data was changed"),
                sentences=(
                    _("The address, telephone number or e-mail address of your library card was changed."),
                    _("Was it not you? Tell your library at once."),
                ),
                short=_("Lånekort: your contact data was changed. Was it not you? Tell your library at once."),
            )
        case "contact-unproven":
            return Text(
                subject=_("Confirm your address"),
                sentences=(
                    _("This address was noted for your library card. No code and no link to a new PIN comes here yet."),
                    _("Log in and confirm it under My page, My data, or show photo id at the desk of your library."),
                    _("Is it not your card? Then do nothing."),
                ),
                short=_(
                    "Lånekort: your library has noted this number. Log in and confirm it under My data, "
                    "or show photo id at the desk."
                ),
            )
        case "pin-changed":
            return Text(
                subject=_("Your PIN was changed"),
                sentences=(
                    _("The PIN of your library card was changed."),
                    _("Was it not you? Order a new PIN on the page for logging in, and tell your library."),
                ),
                short=_("Lånekort: your PIN was changed. Was it not you? Order a new one, and tell your library."),
            )
        case "new-device":
            return Text(
                subject=_("A new device"),
                sentences=(
                    _("Somebody, most likely you, has logged in with your library card on a new device."),
                    _("Was it not you? Remove the device under My page, Library card, and order a new PIN."),
                ),
                short=_("Lånekort: login on a new device. Was it not you? Remove it on My page, and order a new PIN."),
            )
        case "new-wallet":
            return Text(
                subject=_("Your library card in a wallet"),
                sentences=(
                    _("Somebody, most likely you, has put your library card into Google Wallet or Apple Wallet."),
                    _("Was it not you? Take it out under My page, Library card, Lost phone, and order a new PIN."),
                ),
                short=_(
                    "Lånekort: your card was put into a wallet. Was it not you? Take it out on My page, Library card."
                ),
            )
        case "card-replaced":
            return Text(
                subject=_("Your card has a new number"),
                sentences=(
                    _("Your library card was replaced. The old number no longer works; your library has the new one."),
                    _("Your PIN and your libraries are as before. Was it not you? Tell your library at once."),
                ),
                short=_("Lånekort: your card was replaced and has a new number. Was it not you? Tell your library."),
            )
        case "card-frozen":
            return Text(
                subject=_("Your card is frozen"),
                sentences=(
                    _("Your library card is frozen: it is kept, and cannot be used."),
                    _(
                        "Under My page, My data you can thaw it. Was it not you? "
                        "Thaw it and change your PIN, or tell your library."
                    ),
                ),
                short=_(
                    "Lånekort: your card is frozen. You can thaw it on My page. Was it not you? "
                    "Change your PIN there too."
                ),
            )
        case unknown:
            raise ValueError(f"no words for {unknown}")
