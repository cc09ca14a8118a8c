"""The words of each message, in the language that is forced when they are made. About the card, never about loans."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from flask_babel import format_date, format_time, gettext
from flask_babel import gettext as _

from app.rules.library.messages import TO_STAFF
from app.rules.messages import CONTACT_CHANGED, KINDS


@dataclass(frozen=True, slots=True)
class _Text:
    """One kind's words: a subject and sentences for e-mail and letters, and all of it in one short text message."""

    subject: str
    sentences: tuple[str, ...]
    short: str


@dataclass(frozen=True, slots=True)
class ContactChange:
    """A change of contact data: which of `email`, `phone`, `address`, `preferred_contact`, by which library (None: the
    patron), and when (UTC)."""

    fields: Sequence[str]
    library: str | None
    at: datetime


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
    card_number: str = "",
) -> Words:
    """Return the words of a message of this kind to somebody by this name.

    `about` names another patron or a library, `secret` is a one-time link or code, `day` the one on which something
    happens, `change` what a message about contact data tells of, `card_number` the patron's. Raises KeyError for a kind
    that is not declared.
    """
    on_day = format_date(day, "long") if day else ""
    if kind == CONTACT_CHANGED and change is not None:
        text = _contact_changed(change, link=secret)
    else:
        whom = about or ""
        values = {"link": secret, "code": secret, "name": whom, "library": whom, "day": on_day, "number": card_number}
        text = _words(kind, values, by_letter=channel == "letter")
    link = secret if "://" in secret else ""
    if channel == "sms":
        return Words(subject="", paragraphs=(text.short,), link=link)
    greeting = _("Hello %(name)s", name=name)
    signature = _("Greetings from Lånekort. No library card message ever asks for your PIN.")
    return Words(subject=text.subject, paragraphs=(greeting, *text.sentences, signature), link=link)


def subject_of(kind: str) -> str:
    """Return the subject of messages of a kind, by which a desk tells its letters apart."""
    return str(gettext(KINDS[kind].subject))


def _words(kind: str, values: Mapping[str, str], *, by_letter: bool) -> _Text:
    declared = KINDS[kind] if kind in KINDS else TO_STAFF[kind]
    instead = {**(declared.by_letter if by_letter else {}), **({} if values["name"] else declared.unnamed)}

    def say(text: str) -> str:
        return str(gettext(instead.get(text, text), **values))

    return _Text(
        subject=gettext(declared.subject),
        sentences=tuple(
            str(values["link"]) if text in ("%(link)s", "%(code)s") else say(text) for text in declared.sentences
        ),
        short=say(declared.short),
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
    # The link undoes the change; there may be none.
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
