"""The words of each message, in the language that is forced when they are made. About the card, never about loans."""

from dataclasses import dataclass
from datetime import date

from flask_babel import format_date, gettext
from flask_babel import gettext as _

from app.messages.events import ContactChange, Text, contact_changed
from app.rules.messages import CONTACT_CHANGED, KINDS


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
    happens, `change` what a message about contact data tells of. Raises KeyError for a kind that is not declared.
    """
    on_day = format_date(day, "long") if day else ""
    if kind == CONTACT_CHANGED and change is not None:
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
    return str(gettext(KINDS[kind].subject))


def _words(kind: str, *, about: str, secret: str, by_letter: bool, on_day: str) -> Text:
    declared = KINDS[kind]
    instead = {**(declared.by_letter if by_letter else {}), **({} if about else declared.unnamed)}

    def say(text: str) -> str:
        return str(gettext(instead.get(text, text), link=secret, code=secret, name=about, library=about, day=on_day))

    return Text(
        subject=gettext(declared.subject),
        sentences=tuple(secret if text in ("%(link)s", "%(code)s") else say(text) for text in declared.sentences),
        short=say(declared.short),
    )
