"""The personal data of a patron, each field declared once: forms, checks, pages and sentences are made from it.

A field has the same name as a column of `patrons`, in forms, in the export and in the API.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


def N_(text: str) -> str:  # noqa: N802 - Babel's name for a text that is translated later
    """Mark an English text for translation, and return it."""
    return text


class Editor(StrEnum):
    """Who may correct a field: the patron, a desk against papers, a library's system."""

    PATRON = "patron"
    DESK = "desk"
    SYSTEM = "system"


ANYBODY: Final = frozenset(Editor)
LIBRARY: Final = frozenset({Editor.DESK, Editor.SYSTEM})
NOBODY: Final = frozenset[Editor]()


@dataclass(frozen=True, slots=True, kw_only=True)
class PatronField:
    """A piece of personal data. `label` and the words of `choices`, by value, are English texts of the catalogs.

    `log_word` is its word in the access log, which may stand for several fields. `longest` is in characters; None: it
    is checked elsewhere, or no free text. `is_mark`: a correction sets it, and does not take it away. `on_page`: it is
    in the first part of My data. The export and the full list on My data have every column.
    """

    name: str
    label: str
    log_word: str
    editors: frozenset[Editor]
    longest: int | None = None
    choices: Mapping[str, str] | None = None
    is_day: bool = False
    is_library: bool = False
    is_mark: bool = False
    on_page: bool = True


FIELDS: Final = (
    PatronField(name="name", label=N_("Name"), log_word="name", editors=LIBRARY, longest=120),
    PatronField(name="birth_date", label=N_("Birth date"), log_word="birth date", editors=LIBRARY, is_day=True),
    PatronField(
        name="gender",
        label=N_("Gender"),
        log_word="gender",
        editors=LIBRARY,
        choices={"unknown": N_("Not stated"), "female": N_("Female"), "male": N_("Male")},
    ),
    PatronField(name="card_number", label=N_("Card number"), log_word="card number", editors=NOBODY),
    PatronField(name="address", label=N_("Address"), log_word="address", editors=ANYBODY, longest=200),
    PatronField(name="postcode", label=N_("Postcode"), log_word="address", editors=ANYBODY, longest=12, on_page=False),
    PatronField(name="place", label=N_("Post town"), log_word="address", editors=ANYBODY, longest=80, on_page=False),
    PatronField(
        name="address_hidden",
        label=N_("The address is hidden"),
        log_word="address",
        editors=ANYBODY,
        is_mark=True,
        on_page=False,
    ),
    PatronField(name="phone", label=N_("Telephone"), log_word="phone", editors=ANYBODY, longest=40),
    PatronField(name="email", label=N_("E-mail"), log_word="e-mail", editors=ANYBODY, longest=254),
    PatronField(
        name="preferred_contact",
        label=N_("Preferred contact"),
        log_word="preferred contact",
        editors=ANYBODY,
        choices={"email": N_("E-mail"), "sms": N_("SMS"), "letter": N_("Letter")},
    ),
    PatronField(
        name="home_library_id",
        label=N_("Home library"),
        log_word="home library",
        editors=frozenset({Editor.PATRON}),
        is_library=True,
    ),
    PatronField(
        name="language",
        label=N_("Language of messages"),
        log_word="language",
        editors=ANYBODY,
        choices={"nb": "Bokmål", "nn": "Nynorsk", "sv": "Svenska", "en": "English"},
    ),
)
"""In the order of the pages."""

FIELD: Final[Mapping[str, PatronField]] = {field.name: field for field in FIELDS}


def log_words(*, editor: Editor | None = None) -> str:
    """Return the words of the access log for what is stored of a person, or for what an editor may correct."""
    fields = FIELDS if editor is None else [field for field in FIELDS if editor in field.editors]
    return ", ".join(dict.fromkeys(field.log_word for field in fields))


def choices_of(name: str) -> Mapping[str, str]:
    """Return the values that a field may have, with their English words."""
    return FIELD[name].choices or {}
