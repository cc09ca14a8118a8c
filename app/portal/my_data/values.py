"""The values of the register in the words of the patron who reads them: no code, no column's name, no True."""

import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

from flask_babel import LazyString, format_date, format_time, format_timedelta
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.messages.compose import subject_of
from app.portal.my_data.access_words import ACCESS_WORDS, ROLES
from app.portal.my_data.data_words import label_of
from app.register.leaving.own_data import LIBRARY_COLUMNS
from app.rules.card.code import Kind
from app.rules.people.fields import FIELD, choices_of
from app.rules.people.reminders import EMAIL, KINDS, NONE, PUSH, SMS
from app.web.pages.library_words import in_a_row
from app.web.sign_in.device_label import device_name

_VALUES: Final[Mapping[tuple[str, object], LazyString]] = {
    ("card_state", "active"): _l("works"),
    ("card_state", "lost"): _l("reported lost"),
    ("card_state", "deceased"): _l("a death was reported"),
    ("channel", "email"): _l("e-mail"),
    ("channel", "sms"): _l("SMS"),
    ("channel", "letter"): _l("letter"),
    ("erase_reason", "death"): _l("a death was reported"),
    ("erase_reason", "inactive"): _l("nobody has used the card for three years"),
    **{
        (f"{kind}_by", way): words
        for kind in KINDS
        for way, words in ((EMAIL, _l("e-mail")), (SMS, _l("SMS")), (PUSH, _l("notification")), (NONE, _l("not")))
    },
    ("purpose", "new-pin"): _l("a new PIN"),
    ("purpose", "new-device"): _l("a new device"),
    ("purpose", "step-up"): _l("a confirmation"),
    ("registrations", "own"): _l("for yourself"),
    ("registrations", "child"): _l("by a guardian"),
    ("library_notices", "joined"): _l("you joined"),
    ("library_notices", "changed"): _l("something was changed"),
    ("library_notices", "renumbered"): _l("the card has a new number"),
    ("library_notices", "left"): _l("you left"),
    ("library_notices", "erased"): _l("the card was deleted"),
    ("credentials", Kind.STATIC): _l("the code does not change"),
    ("credentials", Kind.ROTATING): _l("the code changes"),
}


def in_words(table: str, column: str, value: Any, libraries: Mapping[str, str]) -> str | None:  # noqa: ANN401
    """Return a value in the reader's language and local time, or None where there is none.

    `libraries` are the names, by id, of the libraries that the rows speak of.
    """
    match value:
        case None | "":
            return None
        case bool():
            return _("yes") if value else _("no")
        case datetime():
            return f"{format_date(value, 'long')}, {format_time(value, 'short')}"
        case date() if column == "last_used_month":
            return format_date(value, "MMMM y")
        case date():
            return format_date(value, "long")
        case _any:
            return _word(table, column, value, libraries)


def _word(table: str, column: str, value: Any, libraries: Mapping[str, str]) -> str | None:  # noqa: ANN401
    if column in LIBRARY_COLUMNS:
        return libraries.get(value, str(value))
    if column in FIELD and value in choices_of(column):
        return _(choices_of(column)[value])
    match table, column:
        case (("messages" | "messages_about_you"), "kind"):
            return subject_of(value)
        case "contact_changes", "fields":
            return in_a_row([label_of(name) for name in value.split(", ")])
        case _, ("sealed_former" | "sealed_form"):
            return _form_words(table, json.loads(value), libraries)
        case "access_log", ("role" | "purpose" | "fields"):
            return in_a_row([str(ACCESS_WORDS[column].get(part, part)) for part in value.split(", ")])
        case _, "sealed_address":
            return str(json.loads(value)["endpoint"])
        case "machine_answers", "username":
            return libraries.get(value, str(ROLES["system"]))
        case _, "terminal":
            return _("a desk") if value.startswith("desk") else str(ROLES["kiosk"])
        case "devices", "label":
            return device_name(value)
        case _, "idle_seconds":
            return format_timedelta(timedelta(seconds=value))
    return str(_VALUES.get((table if column == "kind" else column, value), value))


def _form_words(table: str, form: Mapping[str, Any], libraries: Mapping[str, str]) -> str | None:
    """Return what was filled in, or what stood before: each with its label, without what was left empty."""
    filled = [(name, in_words(table, name, value, libraries)) for name, value in form.items()]
    return "; ".join(f"{label_of(name)}: {text}" for name, text in filled if text) or None
