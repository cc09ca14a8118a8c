"""What a library tells the public about itself, checked."""

import hashlib
from dataclasses import astuple, dataclass, field, fields
from typing import Final, TypeVar
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email

from app.rules.errors import RuleBroken
from app.rules.typed import clean_text, turns_text

_LONGEST: Final = {
    "name": 120,
    "address": 200,
    "postcode": 12,
    "place": 80,
    "phone": 40,
    "email": 254,
    "website": 200,
    "hours": 300,
}
_FEWEST_DIGITS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What stands on a library's page beside its hours; what is not known is empty."""

    name: str
    address: str = ""
    postcode: str = ""
    place: str = ""
    phone: str = ""
    email: str = ""
    website: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchFacts:
    """Another place of a library. `hours` is what its opening hours do not say, in the library's own words."""

    name: str
    address: str = ""
    postcode: str = ""
    place: str = ""
    phone: str = ""
    hours: str = ""


F = TypeVar("F", Facts, BranchFacts)


@dataclass
class FaceNotValid(RuleBroken):
    """Some values are not valid. `faults` says why by field: missing, too-long, not-valid."""

    faults: dict[str, str] = field(default_factory=dict)


class ChangedMeanwhile(RuleBroken):
    """Somebody else changed it after it was shown."""


def check_facts(typed: F) -> F:
    """Return the facts cleaned; a website without `https://` gets it. Raises FaceNotValid with every fault."""
    faults: dict[str, str] = {}
    values: dict[str, str] = {}
    for each in fields(typed):
        text = getattr(typed, each.name)
        values[each.name] = value = clean_text(text)
        if len(value) > _LONGEST[each.name]:
            faults[each.name] = "too-long"
        elif turns_text(text) or (value and not _CHECKS.get(each.name, bool)(value)):
            faults[each.name] = "not-valid"
    if not values["name"]:
        faults["name"] = "missing"
    if website := values.get("website"):
        values["website"] = website if "://" in website else f"https://{website}"
    if faults:
        raise FaceNotValid(faults)
    return type(typed)(**values)


def version_of(shown: object) -> str:
    """Return a short text that differs where the values of a dataclass, or a sequence of them, do."""
    values = shown if isinstance(shown, tuple) else astuple(shown)  # type: ignore[call-overload]
    return hashlib.sha256(repr(values).encode()).hexdigest()[:16]


def number_to_call(phone: str) -> str:
    """Return a telephone number as `tel:` takes it (RFC 3966)."""
    return "".join(sign for sign in phone if sign.isdigit() or sign == "+")


def _is_email(text: str) -> bool:
    try:
        validate_email(text, check_deliverability=False)
    except EmailNotValidError:
        return False
    return True


def _is_phone(text: str) -> bool:
    digits = sum(sign.isdigit() for sign in text)
    return digits >= _FEWEST_DIGITS and all(sign.isdigit() or sign in "+ -()" for sign in text) and text.isascii()


def _is_website(text: str) -> bool:
    try:
        address = urlsplit(text if "://" in text else f"https://{text}")
        host = address.hostname or ""
    except ValueError:
        return False
    is_plain = address.username is None and "\\" not in text and " " not in text
    return address.scheme in ("http", "https") and "." in host.strip(".") and is_plain


_CHECKS: Final = {"email": _is_email, "phone": _is_phone, "website": _is_website}
