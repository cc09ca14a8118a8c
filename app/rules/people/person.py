"""Who a patron is: each value checked and put into canonical form."""

import unicodedata
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from app.rules.errors import RuleBroken
from app.rules.people.ages import age_on
from app.rules.people.contact import LANGUAGES
from app.rules.people.fields import FIELD, PatronField, choices_of
from app.rules.typed import clean_text, turns_text

GENDERS: Final = tuple(choices_of("gender"))
LONGEST_NAME: Final = FIELD["name"].longest or 0
OLDEST: Final = 130


@dataclass
class PersonNotValid(RuleBroken):
    """Some values are not valid. `faults` says why by field: missing, too-long, not-valid."""

    faults: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Person:
    """A person, without the national id. `language` is that of messages: nb, nn, sv or en."""

    name: str
    birth_date: date
    gender: str
    language: str = "nb"


def check_person(person: Person, *, day: date) -> Person:
    """Return the person with the name cleaned. `day` is today. Raises PersonNotValid with every fault.

    A name with characters that turn the direction of text is not valid: it reads other than it is.
    """
    faults: dict[str, str] = {}
    name = clean_text(person.name)
    if not any(character.isalpha() for character in name):
        faults["name"] = "not-valid" if name else "missing"
    elif len(name) > LONGEST_NAME:
        faults["name"] = "too-long"
    elif turns_text(person.name) or any(unicodedata.category(character) in ("Co", "Cs", "Cn") for character in name):
        faults["name"] = "not-valid"
    if person.birth_date > day or age_on(birth_date=person.birth_date, day=day) >= OLDEST:
        faults["birth_date"] = "not-valid"
    if person.gender not in GENDERS:
        faults["gender"] = "not-valid"
    if person.language not in LANGUAGES:
        faults["language"] = "not-valid"
    if faults:
        raise PersonNotValid(faults)
    return Person(name=name, birth_date=person.birth_date, gender=person.gender, language=person.language)


def check_field(field: PatronField, value: str) -> str | None:
    """Return the value of a field that has no check of its own: trimmed, None if it is empty. Raises PersonNotValid."""
    text = clean_text(value)
    if field.longest is not None and len(text) > field.longest:
        raise PersonNotValid({field.name: "too-long"})
    if field.choices is not None and text not in field.choices:
        raise PersonNotValid({field.name: "not-valid"})
    return text or None
