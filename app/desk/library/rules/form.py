"""The form of the rules: its fields by subject, and the way from a policy's document to it and back.

What the form does not ask for stays as the document has it: library, time zone and currency, which cannot be changed,
and hours and closed weekdays, which hold only until the library has set its opening hours.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final, Protocol

from flask_babel import gettext as _

from app.desk.library.rules.fields import Field, Unreadable

Document = Mapping[str, Any]
LANGUAGES: Final = {"nb": "bokmål", "nn": "nynorsk", "sv": "svenska", "en": "English"}
MOST_CLAIMS: Final = 9
NEW: Final = "new"
"""Stands for the id of a kind of media that is added."""
_KIND: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")


class Typed(Protocol):
    """A form that was sent in."""

    def getlist(self, key: str, /) -> list[str]:
        """Return what was sent by this name."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Rules that belong together. `key` names the sentences that patrons read about them; `of` a kind of media."""

    key: str
    title: str
    fields: tuple[Field, ...]
    of: str = ""


def subjects(*, kinds: Mapping[str, str], claims: int) -> Iterator[Subject]:
    """Yield the subjects of a form with these kinds of media (names by id) and so many claims."""
    for kind, name in {**kinds, NEW: _("Another kind of media")}.items():
        yield Subject("category", name, tuple(_category(kind)), of=kind)
    yield Subject(
        "late",
        _("Late, and reminders"),
        (
            Field("overdue.grace_days", _("Days after the due date that cost nothing"), "number"),
            Field("overdue.charge_closed_days", _("Days when the library is closed cost too"), "flag"),
            Field(
                "reminders.days_before_due",
                _("Reminders: days before the due date"),
                "numbers",
                _("Numbers with commas between them. Empty: no reminders."),
            ),
        ),
    )
    yield Subject(
        "renewals",
        _("Renewing and reserving"),
        (
            Field("renewals.max", _("How often a loan can be renewed"), "number"),
            Field("holds.max_open", _("Reservations that a patron can have at a time"), "number"),
            Field("holds.fetch_days", _("Days that a reserved item is kept for the patron"), "number"),
        ),
    )
    yield Subject("claims", _("If you do not return it"), tuple(_claims(claims)))
    yield Subject(
        "blocks",
        _("When the card is blocked"),
        (Field("blocks.debt_above_ore", _("The card is blocked by a debt above"), "amount"),),
    )
    yield Subject(
        "card", _("Your card"), (Field("cards.replacement_ore", _("A new card instead of a lost one"), "amount"),)
    )
    yield Subject("interlibrary", _("Interlibrary loans"), tuple(_interlibrary(kinds)))
    yield Subject(
        "closed",
        _("When the library is closed"),
        (
            Field(
                "calendar.closed_dates",
                _("Days when the library is closed, besides its opening hours"),
                "days",
                _(
                    "With commas between them: %(every_year)s is every year, %(once)s is once.",
                    every_year="17.5.",
                    once="18.5.2027",
                ),
            ),
        ),
    )
    yield Subject("agreements", _("With an agreement"), tuple(_agreements()))
    yield Subject("letters", _("The library's letters"), tuple(_letters()))
    yield Subject(
        "kept",
        _("Nobody is told what you borrow"),
        (Field("retention.settled_debts_days", _("Days until a settled debt loses the card number"), "number"),),
    )


def _category(kind: str) -> Iterator[Field]:
    at = f"categories.{kind}"
    if kind == NEW:
        hint = _("Small letters, digits and _, as in the catalogue. Empty: none is added.")
        yield Field(f"{at}.id", _("Code in the catalogue"), "text", hint)
    yield Field(f"{at}.loan_days", _("Days of a loan"), "number")
    yield Field(f"{at}.overdue_per_day_ore", _("Each late day costs"), "amount")
    most = _("Empty: without limit.")
    yield Field(f"{at}.overdue_max_ore", _("At most, for one loan"), "amount_or_none", most)
    shelves = _("Beginnings of shelf marks, with commas between them.")
    yield Field(f"{at}.exempt_shelf_prefixes", _("Shelves where late days cost nothing"), "words", shelves)
    yield Field(f"{at}.replacement_charge_ore", _("If it is lost or destroyed"), "amount")
    for code, language in LANGUAGES.items():
        yield Field(f"{at}.names.{code}", _("Name") + f" ({language})", "text")


def _claims(number: int) -> Iterator[Field]:
    for level in range(1, number + 1):
        at, named = f"claims.{level}", {"level": level}
        empty = _("Empty: no such claim.")
        yield Field(f"{at}.after_days", _("Claim %(level)s: days after the due date", **named), "number", empty)
        yield Field(f"{at}.fee_ore", _("Claim %(level)s: fee", **named), "amount")
        invoice = _("It also bills what it costs to replace, and blocks the card.")
        yield Field(f"{at}.invoice", _("Claim %(level)s is an invoice", **named), "flag", invoice)


def _interlibrary(kinds: Mapping[str, str]) -> Iterator[Field]:
    yield Field("interlibrary", _("The library fetches from other libraries"), "flag")
    yield Field("interlibrary.fee_ore", _("Each interlibrary loan costs"), "amount")
    yield Field("interlibrary.categories", _("What is fetched"), "choices", choices=tuple(kinds.items()))
    years = _("1: this year's. 2: this and last year's. 0: everything is fetched.")
    yield Field("interlibrary.refuse_newest_years", _("Newest years that are not fetched"), "number", years)
    yield Field("interlibrary.refuse_owned", _("What the library owns itself is not fetched"), "flag")
    summer = _("All three empty: the same rules all year.")
    yield Field("interlibrary.summer.first", _("Summer limit: first day"), "day", summer)
    yield Field("interlibrary.summer.last", _("Summer limit: last day"), "day")
    yield Field("interlibrary.summer.max_open_requests", _("Requests that a patron can have then"), "number")


def _agreements() -> Iterator[Field]:
    kinds = {"door": _("Unstaffed opening"), "tablet": _("Tablets"), "ebook": _("E-books")}
    yield Field(
        "self_service.kinds", _("What patrons can make an agreement about"), "choices", choices=tuple(kinds.items())
    )
    yield Field("self_service.door_min_age", _("Unstaffed opening: youngest age"), "number")
    yield Field("self_service.entries_days", _("Days until it is forgotten who came in"), "number")


def _letters() -> Iterator[Field]:
    yield Field("name", _("The library's name in its letters"), "text")
    yield Field("language", _("Language of its letters"), "choice", choices=tuple(LANGUAGES.items()))
    example = _("Patrons read that the library has not published these rules, and that nobody is charged by them.")
    yield Field("example", _("The rules are an example"), "flag", example)


def subjects_of(document: Document, *, lang: str) -> list[Subject]:
    """Return the subjects of the form for a document, with a row for one claim more."""
    names = {kind: str(category["names"].get(lang, kind)) for kind, category in document["categories"].items()}
    return list(subjects(kinds=names, claims=min(MOST_CLAIMS, len(document.get("claims", ())) + 1)))


def values_of(document: Document, form: Sequence[Subject]) -> dict[str, list[str]]:
    """Return what stands in each field for a document."""
    return {field.name: field.show(_find(document, field.name)) for subject in form for field in subject.fields}


def sent_values(typed: Typed, form: Sequence[Subject]) -> dict[str, list[str]]:
    """Return what was typed into each field."""
    return {field.name: typed.getlist(field.name) for subject in form for field in subject.fields}


@dataclass(frozen=True, slots=True)
class Read:
    """What was typed, as a document; what cannot be read, by the field's name; and where in the form a part of the
    document comes from, if its key is another."""

    document: dict[str, Any]
    faults: dict[str, str]
    places: dict[str, str]


def read_form(typed: Typed, *, base: Document, form: Sequence[Subject], currency: str) -> Read:
    """Return what was typed, beginning with the document `base`."""
    values, faults, places = sent_values(typed, form), dict[str, str](), dict[str, str]()

    def read(fields: Sequence[Field]) -> dict[str, Any]:
        found = {}
        for field in fields:
            try:
                if (value := field.read(values[field.name], currency=currency)) is not None:
                    found[field.name] = value
            except Unreadable as error:
                faults[field.name] = error.sentence
        return found

    document: dict[str, Any] = {**deepcopy(dict(base)), "categories": {}, "claims": []}
    for subject in form:
        fields = subject.fields
        match subject.key:
            case "category" if not _is_wanted(subject, typed, values):
                continue
            case "category":
                kind = values[fields[0].name][0].strip() if subject.of == NEW else subject.of
                if subject.of == NEW and (fault := _fault_of_kind(kind, document["categories"])):
                    faults[fields[0].name] = fault
                places[f"categories.{kind}"] = f"categories.{subject.of}"
                found = {name: value for name, value in read(fields).items() if not name.endswith(f".{NEW}.id")}
                document["categories"][kind] = _unfolded(found).get("categories", {}).get(subject.of, {})
            case "claims":
                rows = [fields[first : first + 3] for first in range(0, len(fields), 3)]
                for level, row in enumerate((row for row in rows if _is_filled(row[0], values)), start=1):
                    places[f"claims.{level}"] = row[0].name.rpartition(".")[0]
                    document["claims"].append(_claim(read(row)))
            case "interlibrary":
                document.pop("interlibrary", None)
                if values["interlibrary"]:
                    summer = [field for field in fields if ".summer." in field.name]
                    has_summer = any(_is_filled(field, values) for field in summer)
                    asked = [field for field in fields[1:] if has_summer or field not in summer]
                    found = _unfolded(read(asked)).get("interlibrary", {})
                    fetched = [kind for kind in found["categories"] if kind in document["categories"]]
                    document["interlibrary"] = {**found, "categories": fetched}
            case "agreements" if "self_service" not in base and not any(_is_filled(each, values) for each in fields):
                continue
            case _:
                for table, found in _unfolded(read(fields)).items():
                    document[table] = {**document.get(table, {}), **found} if isinstance(found, dict) else found
    return Read(document, faults, places)


def _claim(found: Mapping[str, Any]) -> dict[str, Any]:
    return {name.rpartition(".")[2]: value for name, value in found.items()}


def _is_filled(field: Field, values: Mapping[str, list[str]]) -> bool:
    return any(text.strip() for text in values[field.name])


def _is_wanted(subject: Subject, typed: Typed, values: Mapping[str, list[str]]) -> bool:
    if subject.of == NEW:
        return any(_is_filled(field, values) for field in subject.fields)
    return subject.of not in typed.getlist("remove")


def _fault_of_kind(kind: str, others: Mapping[str, Any]) -> str:
    if kind in others:
        return _("There is a kind with this code already.")
    return "" if _KIND.fullmatch(kind) else _("Use small letters, digits and _ only, a letter first.")


def _find(document: Document, name: str) -> object:
    value: Any = document
    for part in name.split("."):
        match value:
            case list() if part.isdigit():
                value = value[int(part) - 1] if int(part) <= len(value) else None
            case dict():
                value = value.get(part)
            case _:
                return None
    return value


def _unfolded(found: Mapping[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for name, value in found.items():
        *tables, key = name.split(".")
        place = document
        for table in tables:
            place = place.setdefault(table, {})
        place[key] = value
    return document


def field_of(key: str, form: Sequence[Subject], places: Mapping[str, str]) -> str:
    """Return the name of the field that a fault of the library's system is about; empty where the form has none.

    `places` are those of what was read."""
    table = ".".join(key.split(".")[:2])
    key = places.get(table, table) + key.removeprefix(table)
    names = [field.name for subject in form for field in subject.fields]
    return max((name for name in names if key == name or key.startswith(f"{name}.")), key=len, default="")
