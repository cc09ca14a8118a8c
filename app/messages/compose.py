"""The words of each message, in the language that is forced when they are made. About the card, never about loans."""

from dataclasses import dataclass
from datetime import date

from flask_babel import format_date
from flask_babel import gettext as _

from app.messages.events import ContactChange, Text, contact_changed, event


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
        text = contact_changed(change, link=secret)
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


def _words(kind: str, *, about: str, secret: str, by_letter: bool, on_day: str) -> Text:
    match kind:
        case "new-pin":
            return _new_pin(link=secret, by_letter=by_letter)
        case "welcome":
            return _welcome(link=secret, by_letter=by_letter)
        case "new-device-code" | "step-up-code" | "code-first":
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
            return event(kind)


def _new_pin(*, link: str, by_letter: bool) -> Text:
    return Text(
        subject=_("Choose a new PIN"),
        sentences=(
            _("Somebody, most likely you, has asked for a new PIN for your library card."),
            _("Choose it at this address within 14 days:") if by_letter else _("Choose it here within an hour:"),
            link,
            _("Was it not you? Then do nothing: your PIN stays as it is."),
        ),
        short=_("Lånekort: choose a new PIN within an hour: %(link)s", link=link),
    )


def _welcome(*, link: str, by_letter: bool) -> Text:
    return Text(
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


def _code(kind: str, *, code: str) -> Text:
    if kind in ("new-device-code", "code-first"):
        subject = _("Your code for logging in")
        purpose = _("With this code you log in on a new device:")
        short = _("Lånekort: %(code)s is your code for logging in on a new device. Tell it to nobody.", code=code)
    else:
        subject = _("Your code")
        purpose = _("With this code you confirm what you are doing on My page:")
        short = _("Lånekort: %(code)s confirms what you are doing on My page. Tell it to nobody.", code=code)
    advice = _("It works once, and only for a few minutes. Tell it to nobody, not even to your library.")
    warning = _("Was it not you? Then somebody knows your PIN. Order a new one on the page for logging in.")
    if kind == "code-first":
        warning = _("Was it not you? Then somebody typed your card number. Without this code nobody gets further.")
    return Text(subject=subject, sentences=(purpose, code, advice, warning), short=short)


def _registration_code(*, code: str) -> Text:
    return Text(
        subject=_("Your code for getting a library card"),
        sentences=(
            _("With this code you confirm your e-mail address:"),
            code,
            _("It works once, and only for a few minutes. Tell it to nobody, not even to your library."),
            _("Was it not you? Then do nothing. What was typed is deleted within a day."),
        ),
        short=_("Lånekort: %(code)s confirms your address. Tell it to nobody.", code=code),
    )


def _inactive_warning(on_day: str) -> Text:
    return Text(
        subject=_("Your library card is about to be deleted"),
        sentences=(
            _("You have not used your library card for a long time. We keep nobody's data without need."),
            _("On %(day)s your card and all that is stored with it will be deleted.", day=on_day),
            _("Do you want to keep it? Log in, or use the card at a library, before that day."),
        ),
        short=_("Lånekort: your card is unused, and is deleted on %(day)s. Log in before that to keep it.", day=on_day),
    )


def _family_advice(kind: str, *, about: str) -> Text:
    if kind == "family-advice-to-child":
        return Text(
            subject=_("Who may see your loans"),
            sentences=(
                _("You are older than 12, and your loans are your own business. We advise ending the family folder."),
                _("Nothing changes by itself. Under My page, Settings you can withdraw the permission."),
            ),
            short=_("Lånekort: you are older than 12. We advise ending the family folder: My page, Settings."),
        )
    return Text(
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


def _joined_by_proof(*, library: str) -> Text:
    if library:
        done = _("Your library card was activated at %(library)s, by its PIN or by papers.", library=library)
        short = _(
            "Lånekort: your card was activated at %(library)s. Was it not you? Freeze it on My page.",
            library=library,
        )
    else:
        done = _("Your library card was activated at another library, by its PIN or by papers.")
        short = _("Lånekort: your card was activated at another library. Was it not you? Freeze it on My page.")
    return Text(
        subject=_("Your card at another library"),
        sentences=(
            done,
            _("That library can now see your data. Who has looked at it stands under My page, My data."),
            _("Was it not you? Freeze the card under My data, order a new PIN, and tell your library at once."),
        ),
        short=short,
    )
