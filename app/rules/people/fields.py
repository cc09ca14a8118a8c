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

    `longest` is in characters; None: it is checked elsewhere, or no free text. `on_page`: it is in the first part of
    My data. The export and the full list on My data have every column.
    """

    name: str
    label: str
    editors: frozenset[Editor]
    longest: int | None = None
    choices: Mapping[str, str] | None = None
    is_day: bool = False
    is_library: bool = False
    on_page: bool = True


FIELDS: Final = (
    PatronField(name="name", label=N_("Name"), editors=LIBRARY, longest=120),
    PatronField(name="birth_date", label=N_("Birth date"), editors=LIBRARY, is_day=True),
    PatronField(
        name="gender",
        label=N_("Gender"),
        editors=LIBRARY,
        choices={"unknown": N_("Not stated"), "female": N_("Female"), "male": N_("Male")},
    ),
    PatronField(name="card_number", label=N_("Card number"), editors=NOBODY),
    PatronField(name="address", label=N_("Address"), editors=ANYBODY, longest=200),
    PatronField(name="postcode", label=N_("Postcode"), editors=ANYBODY, longest=12, on_page=False),
    PatronField(name="place", label=N_("Post town"), editors=ANYBODY, longest=80, on_page=False),
    PatronField(name="phone", label=N_("Telephone"), editors=ANYBODY, longest=40),
    PatronField(name="email", label=N_("E-mail"), editors=ANYBODY, longest=254),
    PatronField(
        name="preferred_contact",
        label=N_("Preferred contact"),
        editors=ANYBODY,
        choices={"email": N_("E-mail"), "sms": N_("SMS"), "letter": N_("Letter")},
    ),
    PatronField(name="home_library_id", label=N_("Home library"), editors=frozenset({Editor.PATRON}), is_library=True),
    PatronField(
        name="language",
        label=N_("Language of messages"),
        editors=ANYBODY,
        choices={"nb": "Bokmål", "nn": "Nynorsk", "sv": "Svenska", "en": "English"},
    ),
)
"""In the order of the pages."""

FIELD: Final[Mapping[str, PatronField]] = {field.name: field for field in FIELDS}


def choices_of(name: str) -> Mapping[str, str]:
    """Return the values that a field may have, with their English words."""
    return FIELD[name].choices or {}
