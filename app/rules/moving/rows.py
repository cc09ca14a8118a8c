"""One row of a library's file as a person: dates, numbers and words in the forms that other systems write."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from app.rules.csv_text import RowFault, clean_cell
from app.rules.errors import RuleBroken
from app.rules.moving.columns import NUMBER, OTHER_PHONE
from app.rules.people.contact import CHANNELS, Contact, ContactNotValid, check_contact, takes_sms
from app.rules.people.names import fold_words
from app.rules.people.national_id import NationalId, NotANationalId, SyntheticNationalId, parse_national_id
from app.rules.people.person import Person, PersonNotValid, check_person
from app.rules.typed import clean_identifier, read_day

LONGEST_NUMBER: Final = 40
_GENDERS: Final = {"m": "male", "f": "female", "k": "female"} | dict.fromkeys(
    ("mann", "man", "male", "gutt", "pojke", "hane"), "male"
)
_GENDERS_OF_WOMEN: Final = dict.fromkeys(("kvinne", "kvinna", "female", "jente", "flicka", "woman"), "female")
_LANGUAGES: Final = {
    "nb": "nb", "no": "nb", "nor": "nb", "nob": "nb", "bokmal": "nb", "norsk": "nb", "norwegian": "nb",
    "nn": "nn", "nno": "nn", "nynorsk": "nn",
    "sv": "sv", "swe": "sv", "svenska": "sv", "svensk": "sv", "swedish": "sv",
    "en": "en", "eng": "en", "engelsk": "en", "engelska": "en", "english": "en",
}  # fmt: skip
_WAYS: Final = {"epost": "email", "email": "email", "mail": "email", "sms": "sms", "mobil": "sms"} | dict.fromkeys(
    ("brev", "post", "letter"), "letter"
)
_NO: Final = frozenset(("", "nei", "nej", "no", "n", "0", "false", "usann", "falsk", "ugradert", "ingen"))
_HIDDEN: Final = "sperret"
_HIDES: Final = re.compile(r"\b(sperret|fortrolig|hemmelig|hemlig|skjermet|skyddad|kode [67])\b", re.I)
_TIME: Final = re.compile(r"[T ]+\d{1,2}[:.]\d{2}([:.]\d{2})?([.,]\d+)?Z?$")
_SHORT_YEAR: Final = re.compile(r"\d{1,2}[-./ ]+\d{1,2}[-./ ]+\d{2}|\d{6}")
_POSTCODE_AND_PLACE: Final = re.compile(r"((?:[NS]-?)?[0-9]{3} ?[0-9]{1,2}) +(\D.*)")
_SWEDISH_PHONE: Final = re.compile(r"0[1-9]\d{5,9}")


@dataclass
class RowNotValid(RuleBroken):
    """Some values are not valid. `faults` says why by field: as PersonNotValid and ContactNotValid, and short-year."""

    faults: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, repr=False)
class PatronRow:
    """A person as the file has them; of a hidden address nothing is left. `number` is that of their card until now."""

    person: Person
    contact: Contact
    address_hidden: bool
    national_id: NationalId | None
    number: str

    @property
    def key(self) -> str:
        """What the row is known by when the file comes again: the card number, or else all that it says."""
        if self.number:
            return f"number {self.number.casefold()}"
        named = f"{' '.join(self.name_words)} {self.person.birth_date}"
        return f"row {self.national_id.canonical if self.national_id else named} {self.contact}"

    @property
    def name_words(self) -> tuple[str, ...]:
        """The words of the name."""
        return words_of(self.person.name)


def words_of(name: str) -> tuple[str, ...]:
    """Return the words of a name in one order, folded: Moe, Kari is Kari Moe."""
    return tuple(sorted(fold_words(name)))


def read_row(
    cells: Sequence[str], fields: Sequence[str], *, language: str, today: date, allow_synthetic: bool
) -> PatronRow:
    """Return the person of a row, whose `cells` are the `fields` in the same order; "" is a column without use.

    `language` is that of messages where the file says nothing. A birth date is never taken from a national number.
    Raises RowNotValid with every fault.
    """
    faults: dict[str, str] = {}
    values: dict[str, str] = {}
    for name, cell in zip(fields, cells, strict=True):
        try:
            values[name] = clean_cell(cell)
        except RowFault:
            if name:
                faults[name], values[name] = "not-valid", ""
    person = _person(values, faults, language=language, today=today)
    hidden = _is_hidden(values)
    contact = _contact(values, faults, hidden=hidden)
    born = person.birth_date if person else None
    national_id = _national_id(values, faults, born=born, today=today, allow_synthetic=allow_synthetic)
    number = clean_identifier(values.get(NUMBER, ""))
    if len(number) > LONGEST_NUMBER:
        faults[NUMBER] = "too-long"
    if faults or person is None or contact is None:
        raise RowNotValid(faults)
    return PatronRow(person, contact, hidden, national_id, number)


def hide_address(cells: Sequence[str], fields: Sequence[str]) -> list[str]:
    """Return the cells of a row whose address is hidden without it; read again, they say that it is."""
    told = dict.fromkeys(("address", "care_of", "place"), _HIDDEN) | {"postcode": ""}
    return [told.get(name, cell) for name, cell in zip(fields, cells, strict=True)]


def _person(values: Mapping[str, str], faults: dict[str, str], *, language: str, today: date) -> Person | None:
    birth_date = _birth_date(values.get("birth_date", ""), faults)
    gender = _plain(values.get("gender", ""))
    spoken = _plain(re.split("[-_]", values.get("language", ""))[0])
    person = Person(
        name=_name(values),
        birth_date=birth_date or today,
        gender=(_GENDERS | _GENDERS_OF_WOMEN).get(gender, "unknown"),
        language=_LANGUAGES.get(spoken, language),
    )
    try:
        return check_person(person, day=today)
    except PersonNotValid as error:
        faults.update({name: fault for name, fault in error.faults.items() if name not in faults})
        return None


def _name(values: Mapping[str, str]) -> str:
    if "last_name" in values and (values.get("first_name") or values["last_name"]):
        return f"{values.get('first_name', '')} {values['last_name']}".strip()
    last, comma, first = values.get("name", "").partition(",")
    return f"{first} {last}".strip() if comma and first.strip() else last


def _birth_date(text: str, faults: dict[str, str]) -> date | None:
    without_time = _TIME.sub("", text)
    day = read_day(without_time)
    if day is None and "birth_date" not in faults:
        is_short = _SHORT_YEAR.fullmatch(without_time)
        faults["birth_date"] = "missing" if not text else "short-year" if is_short else "not-valid"
    return day


def _is_hidden(values: Mapping[str, str]) -> bool:
    marked = values.get("address_hidden", "").casefold() not in _NO
    return marked or any(_HIDES.search(values.get(name, "")) for name in ("address", "care_of", "place"))


def _contact(values: Mapping[str, str], faults: dict[str, str], *, hidden: bool) -> Contact | None:
    lines = [values.get(name, "") for name in ("care_of", "address")]
    postcode, place = values.get("postcode", ""), values.get("place", "")
    if not postcode and (both := _POSTCODE_AND_PLACE.fullmatch(place)):
        postcode, place = both.groups()
    # Without a street nothing can be sent there, and a spreadsheet eats the zero before 150 Oslo.
    address = ", ".join(line for line in lines if line) if not hidden else ""
    if re.fullmatch(r"\d{3}", postcode):
        postcode = f"0{postcode}"
    phone = values.get("phone") or values.get(OTHER_PHONE, "")
    digits = re.sub(r"[^\d+]", "", phone)
    # A number within Norway has no zero before it, and one within Sweden has.
    phone = f"+46{digits[1:]}" if _SWEDISH_PHONE.fullmatch(digits) else phone
    typed = Contact(
        email=values.get("email") or None,
        phone=phone or None,
        address=address or None,
        postcode=postcode if address else None,
        place=place if address else None,
    )
    try:
        contact = check_contact(typed, address_hidden=hidden)
    except ContactNotValid as error:
        faults.update({name: fault for name, fault in error.faults.items() if name not in faults})
        return None
    can = {"email": bool(contact.email), "sms": takes_sms(contact.phone), "letter": True}
    wanted = _WAYS.get(_plain(values.get("preferred_contact", "")), "")
    way = wanted if can.get(wanted) else next(channel for channel in CHANNELS if can[channel])
    return Contact(contact.email, contact.phone, contact.address, contact.postcode, contact.place, way)


def _national_id(
    values: Mapping[str, str], faults: dict[str, str], *, born: date | None, today: date, allow_synthetic: bool
) -> NationalId | None:
    text = values.get("national_id", "")
    if not text:
        return None
    year = f"{born:%y}" if born else ""
    if re.fullmatch("[0-9]{10}", text) and text[3:5] == year != text[:2]:
        # A spreadsheet eats the zero before 1 January. A Swedish number has ten digits too, and begins with the year.
        text = f"0{text}"
    try:
        return parse_national_id(text, today=today, allow_synthetic=allow_synthetic)
    except SyntheticNationalId:
        faults.setdefault("national_id", "synthetic")
    except NotANationalId:
        faults.setdefault("national_id", "not-valid")
    return None


def _plain(text: str) -> str:
    return "".join(fold_words(text))
