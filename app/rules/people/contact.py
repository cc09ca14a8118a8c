"""Contact data, checked and in canonical form: e-mail by RFC 5321 and 6531, telephone numbers by ITU E.164."""

from dataclasses import dataclass, field, fields
from typing import Final, Self

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from app.rules.errors import RuleBroken
from app.rules.people.fields import FIELD, choices_of
from app.rules.typed import clean_text, clean_typed, turns_text

CHANNELS: Final = tuple(choices_of("preferred_contact"))
LANGUAGES: Final = tuple(choices_of("language"))
_HOME_REGION = "NO"
_WORDS: Final = ("address", "place")
_WITHOUT_SMS: Final = frozenset(
    getattr(phonenumbers.PhoneNumberType, kind)
    for kind in ("FIXED_LINE", "TOLL_FREE", "PREMIUM_RATE", "SHARED_COST", "VOIP", "PAGER", "UAN", "VOICEMAIL")
)


@dataclass(frozen=True, slots=True)
class Contact:
    """Contact data. A hidden address is left out, since it is never stored centrally."""

    email: str | None = None
    phone: str | None = None
    address: str | None = None
    postcode: str | None = None
    place: str | None = None
    preferred_contact: str = "letter"

    @classmethod
    def of(cls, source: object) -> Self:
        """Return the contact data of a patron, or of another object with attributes of the same names."""
        return cls(**{name: getattr(source, name) for name in CONTACT_FIELDS})


CONTACT_FIELDS: Final = tuple(each.name for each in fields(Contact))


@dataclass
class ContactNotValid(RuleBroken):
    """Some values are not valid. `faults` says why by field: not-valid, too-long, missing, no-sms, hidden."""

    faults: dict[str, str] = field(default_factory=dict)


def check_contact(contact: Contact, *, address_hidden: bool = False) -> Contact:
    """Return the contact data cleaned, with the number as E.164, and None for what is empty.

    A number without a country is Norwegian. The address of the preferred channel must be given and fit it, except for
    letters, whose address a library may keep. While the address is hidden there may be none. Raises ContactNotValid
    with every fault.
    """
    faults: dict[str, str] = {}
    typed = {name: getattr(contact, name) or "" for name in CONTACT_FIELDS if FIELD[name].longest}
    values = {name: (clean_text if name in _WORDS else clean_typed)(text) or None for name, text in typed.items()}
    for name, value in values.items():
        if len(value or "") > (FIELD[name].longest or 0):
            faults[name] = "too-long"
        elif name in _WORDS and turns_text(typed[name]):
            faults[name] = "not-valid"
    for name, canonical in (("email", _canonical_email), ("phone", _canonical_phone)):
        value = values[name]
        if value is not None and name not in faults:
            values[name] = canonical(value)
            if values[name] is None:
                faults[name] = "not-valid"
    if contact.preferred_contact not in CHANNELS:
        faults["preferred_contact"] = "not-valid"
    needed = {"email": "email", "sms": "phone"}.get(contact.preferred_contact)
    if needed is not None and values[needed] is None:
        faults.setdefault(needed, "missing")
    if needed == "phone" and not takes_sms(values["phone"]):
        faults.setdefault("phone", "no-sms")
    if address_hidden:
        faults |= {name: "hidden" for name in ("address", "postcode", "place") if values[name] is not None}
    elif values["address"] is not None:
        for name in ("postcode", "place"):
            if values[name] is None:
                faults.setdefault(name, "missing")
    if faults:
        raise ContactNotValid(faults)
    return Contact(**values, preferred_contact=contact.preferred_contact)


def takes_sms(phone: str | None) -> bool:
    """Tell whether a number (E.164) can take text messages: false for landlines, service numbers and no number."""
    if phone is None:
        return False
    try:
        return phonenumbers.number_type(phonenumbers.parse(phone)) not in _WITHOUT_SMS
    except phonenumbers.NumberParseException:
        return True


def _canonical_email(text: str) -> str | None:
    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError:
        return None


def _canonical_phone(text: str) -> str | None:
    try:
        number = phonenumbers.parse(text, _HOME_REGION)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
