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
