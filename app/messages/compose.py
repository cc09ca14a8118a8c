"""The words of each message, in the language that is forced when they are made. About the card, never about loans."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from flask_babel import format_date, format_time
from flask_babel import gettext as _


@dataclass(frozen=True, slots=True)
class Words:
    """A message's subject, which a text message has none of, and its paragraphs. `link` is one of them, or empty."""

    subject: str
    paragraphs: tuple[str, ...]
    link: str = ""

    @property
    def body(self) -> str:
        """The paragraphs as one text."""
        return "\n\n".join(self.paragraphs)


@dataclass(frozen=True, slots=True)
class _Text:
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


def compose(
    *,
    kind: str,
    name: str,
    channel: str,
    about: str | None = None,
    secret: str = "",
    day: date | None = None,
    change: ContactChange | None = None,
) -> Words:
    """Return the words of a message of this kind to somebody by this name.

    `about` names another patron or a library, `secret` is a one-time link or code, `day` the one on which something
    happens, `change` what a message about contact data tells of. Raises ValueError for a kind that has no words.
    """
    on_day = format_date(day, "long") if day else ""
    if kind == "contact-changed" and change is not None:
        text = _contact_changed(change, link=secret)
    else:
        text = _words(kind, about=about or "", secret=secret, by_letter=channel == "letter", on_day=on_day)
    link = secret if "://" in secret else ""
    if channel == "sms":
        return Words(subject="", paragraphs=(text.short,), link=link)
    greeting = _("Hello %(name)s", name=name)
    signature = _("Greetings from Lånekort. No library card message ever asks for your PIN.")
    return Words(subject=text.subject, paragraphs=(greeting, *text.sentences, signature), link=link)


def subject_of(kind: str) -> str:
    """Return the subject of messages of a kind, by which a desk tells its letters apart."""
    return _words(kind, about="", secret="", by_letter=True, on_day="").subject


def _words(kind: str, *, about: str, secret: str, by_letter: bool, on_day: str) -> _Text:
    match kind:
        case "new-pin":
            return _new_pin(link=secret, by_letter=by_letter)
        case "welcome":
            return _welcome(link=secret, by_letter=by_letter)
        case "new-device-code" | "step-up-code":
            return _code(kind, code=secret)
        case "registration-code":
            return _registration_code(code=secret)
        case "inactive-warning":
            return _inactive_warning(on_day)
        case "joined-by-proof":
            return _joined_by_proof(library=about)
        case "family-advice-to-child" | "family-advice-to-guardian":
            return _family_advice(kind, about=about)
        case _kind:
            return _event(kind)


def _new_pin(*, link: str, by_letter: bool) -> _Text:
    return _Text(
        subject=_("Choose a new PIN"),
        sentences=(
            _("Somebody, most likely you, has asked for a new PIN for your library card."),
            _("Choose it at this address within 14 days:") if by_letter else _("Choose it here within an hour:"),
            link,
            _("Was it not you? Then do nothing: your PIN stays as it is."),
        ),
        short=_("Lånekort: choose a new PIN within an hour: %(link)s", link=link),
    )


def _welcome(*, link: str, by_letter: bool) -> _Text:
    return _Text(
        subject=_("Welcome to Lånekort"),
        sentences=(
            _("You now have a library card. Your library has told you its number."),
            _("Choose your PIN at this address within 14 days:")
            if by_letter
            else _("Choose your PIN here within an hour:"),
            link,
            _("Is it too late? On the page for logging in you can order a new PIN."),
        ),
        short=_("Welcome to Lånekort. Choose your PIN within an hour: %(link)s", link=link),
    )


def _code(kind: str, *, code: str) -> _Text:
    if kind == "new-device-code":
        subject = _("Your code for logging in")
        purpose = _("With this code you log in on a new device:")
        short = _("Lånekort: %(code)s is your code for logging in on a new device. Tell it to nobody.", code=code)
    else:
        subject = _("Your code")
        purpose = _("With this code you confirm what you are doing on My page:")
        short = _("Lånekort: %(code)s confirms what you are doing on My page. Tell it to nobody.", code=code)
    advice = _("It works once, and only for a few minutes. Tell it to nobody, not even to your library.")
    warning = _("Was it not you? Then somebody knows your PIN. Order a new one on the page for logging in.")
    return _Text(subject=subject, sentences=(purpose, code, advice, warning), short=short)


def _registration_code(*, code: str) -> _Text:
    return _Text(
        subject=_("Your code for getting a library card"),
        sentences=(
            _("With this code you confirm your e-mail address:"),
            code,
            _("It works once, and only for a few minutes. Tell it to nobody, not even to your library."),
            _("Was it not you? Then do nothing. What was typed is deleted within a day."),
        ),
        short=_("Lånekort: %(code)s confirms your address. Tell it to nobody.", code=code),
    )


def _inactive_warning(on_day: str) -> _Text:
    return _Text(
        subject=_("Your library card is about to be deleted"),
        sentences=(
            _("You have not used your library card for a long time. We keep nobody's data without need."),
            _("On %(day)s your card and all that is stored with it will be deleted.", day=on_day),
            _("Do you want to keep it? Log in, or use the card at a library, before that day."),
        ),
        short=_("Lånekort: your card is unused, and is deleted on %(day)s. Log in before that to keep it.", day=on_day),
    )


def _family_advice(kind: str, *, about: str) -> _Text:
    if kind == "family-advice-to-child":
        return _Text(
            subject=_("Who may see your loans"),
            sentences=(
                _("You are older than 12, and your loans are your own business. We advise ending the family folder."),
                _("Nothing changes by itself. Under My page, Settings you can withdraw the permission."),
            ),
            short=_("Lånekort: you are older than 12. We advise ending the family folder: My page, Settings."),
        )
    return _Text(
        subject=_("The family folder after the 12th year"),
        sentences=(
            _(
                "%(name)s is older than 12. Out of respect for young people's privacy we advise you to "
                "switch off the view of their loans.",
                name=about,
            ),
            _("Nothing changes by itself. Under My page, Settings you can switch it off."),
        ),
        short=_("Lånekort: a young person in your family folder is older than 12. We advise switching the view off."),
    )


def _joined_by_proof(*, library: str) -> _Text:
    if library:
        done = _("Your library card was activated at %(library)s, by its PIN or by papers.", library=library)
        short = _(
            "Lånekort: your card was activated at %(library)s. Was it not you? Freeze it on My page.",
            library=library,
        )
    else:
        done = _("Your library card was activated at another library, by its PIN or by papers.")
        short = _("Lånekort: your card was activated at another library. Was it not you? Freeze it on My page.")
    return _Text(
        subject=_("Your card at another library"),
        sentences=(
            done,
            _("That library can now see your data. Who has looked at it stands under My page, My data."),
            _("Was it not you? Freeze the card under My data, order a new PIN, and tell your library at once."),
        ),
        short=short,
    )


def field_words(fields: Sequence[str]) -> str:
    """Return which kinds of contact data were changed, in a row."""
    words = {
        "email": _("e-mail address"),
        "phone": _("telephone number"),
        "address": _("postal address"),
        "preferred_contact": _("preferred contact"),
    }
    return ", ".join(words.get(field, field) for field in fields)


def _contact_changed(change: ContactChange, *, link: str) -> _Text:
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
    return _Text(subject=_("Your contact data was changed"), sentences=tuple(sentences), short=short)


def _event(kind: str) -> _Text:
    """Return the words of what has happened to a card, and of what to do if that was somebody else's doing."""
    match kind:
        case "contact-changed":
            return _Text(
                subject=_("Your contact data was changed"),
                sentences=(
                    _("The address, telephone number or e-mail address of your library card was changed."),
                    _("Was it not you? Tell your library at once."),
                ),
                short=_("Lånekort: your contact data was changed. Was it not you? Tell your library at once."),
            )
        case "contact-unproven":
            return _Text(
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
            return _Text(
                subject=_("Your PIN was changed"),
                sentences=(
                    _("The PIN of your library card was changed."),
                    _("Was it not you? Order a new PIN on the page for logging in, and tell your library."),
                ),
                short=_("Lånekort: your PIN was changed. Was it not you? Order a new one, and tell your library."),
            )
        case "new-device":
            return _Text(
                subject=_("A new device"),
                sentences=(
                    _("Somebody, most likely you, has logged in with your library card on a new device."),
                    _("Was it not you? Remove the device under My page, Library card, and order a new PIN."),
                ),
                short=_("Lånekort: login on a new device. Was it not you? Remove it on My page, and order a new PIN."),
            )
        case "new-wallet":
            return _Text(
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
            return _Text(
                subject=_("Your card has a new number"),
                sentences=(
                    _("Your library card was replaced. The old number no longer works; your library has the new one."),
                    _("Your PIN and your libraries are as before. Was it not you? Tell your library at once."),
                ),
                short=_("Lånekort: your card was replaced and has a new number. Was it not you? Tell your library."),
            )
        case "card-frozen":
            return _Text(
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
