"""Read JSON bodies. Whatever does not fit is refused with the field's name, and never a 5xx."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from datetime import date
from functools import cache
from inspect import signature
from typing import Annotated, Any, Final, NoReturn, cast, get_type_hints

from pydantic import AfterValidator, BeforeValidator, Field, StrictInt, ValidationError, ValidationInfo, create_model

from circulation.errors import Refused
from circulation.policy.keys import LONGEST_TEXT, is_one_line

_STRING_OR_BRACKET: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)

_EDGE: Final = r"[\s\x00-\x1f\x7f-\x9f]"
_ADDED: Final = re.compile(rf"\A{_EDGE}*(?:\][A-Za-z][0-9A-Za-z]{_EDGE}*)?|{_EDGE}+\Z")
_IGNORED: Final = "\u034f\u115f\u1160\u2800\u3164\uffa0\ufe0e\ufe0f"

DEEPEST: Final = 64
"""How many lists and objects may stand inside one another. What a call takes needs two."""
# Two years ahead is farther than any due date; a bound keeps calendar sums small.
MAX_DAYS_AHEAD: Final = 731


def _line(text: str) -> str:
    text = unicodedata.normalize("NFC", text).strip()
    if not 1 <= len(text) <= LONGEST_TEXT or not is_one_line(text):
        raise ValueError("not a line of text")
    return text


def _scanned(value: object) -> object:
    """What a code says, without what a scanner adds: control characters, blanks, a symbology prefix (ISO/IEC 15424)."""
    if not isinstance(value, str) or (value.isascii() and value.isalnum()):
        return value
    seen = "".join(_seen(character) for character in value)
    return _ADDED.sub("", seen)


def _seen(character: str) -> str:
    if unicodedata.category(character) == "Nd":
        return str(unicodedata.decimal(character))
    if unicodedata.category(character) == "Cf" or character in _IGNORED:
        return ""
    is_wide = unicodedata.decomposition(character).startswith(("<wide>", "<narrow>"))
    return unicodedata.normalize("NFKC", character) if is_wide else character


def _any_day(value: object, info: ValidationInfo) -> date:
    day = read_day(value if isinstance(value, str) else "", field=info.field_name or "")
    if (day - cast(date, info.context)).days > MAX_DAYS_AHEAD:
        raise ValueError("too far ahead")
    return day


def _day(value: object, info: ValidationInfo) -> date:
    day = _any_day(value, info)
    if day < cast(date, info.context):
        raise Refused("date_in_past", field=info.field_name)
    return day


# A national or local card number; an id of this building's; a copy's barcode; the caller's own key for one act.
CardNumber = Annotated[str, Field(pattern=r"^[A-Z0-9]{4,20}$")]
Identifier = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
Barcode = Annotated[str, BeforeValidator(_scanned), Field(pattern=r"^[!-~]{1,40}$")]
IdempotencyKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
CardNumbers = Annotated[list[CardNumber], Field(min_length=1, max_length=50)]
# 1 to 300 characters, composed (NFC), without control characters, half surrogates or turned text.
Text = Annotated[str, AfterValidator(_line)]
# In the smallest unit.
Amount = Annotated[StrictInt, Field(ge=1, le=100_000_000)]
# From today to two years ahead. Refused: date_in_past.
Day = Annotated[date, BeforeValidator(_day)]
# The same, or past.
AnyDay = Annotated[date, BeforeValidator(_any_day)]


def parse_body(raw: bytes) -> dict[str, Any]:
    """The JSON object in `raw`. Refused: invalid_json."""

    def refuse_constant(name: str) -> NoReturn:
        raise ValueError(name)

    def refuse_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(result := dict(pairs)) != len(pairs):
            raise ValueError("a name stands twice")
        return result

    try:
        text = raw.decode("utf-8")
        _check_depth(text)
        body = json.loads(text, parse_constant=refuse_constant, object_pairs_hook=refuse_twins)
    except ValueError:
        raise Refused("invalid_json") from None
    if not isinstance(body, dict):
        raise Refused("invalid_json")
    return body


def _check_depth(text: str) -> None:
    # Python's own bound is how deep it can call, which differs between its versions.
    depth = 0
    for part in _STRING_OR_BRACKET.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(part[0], 0)
        if depth > DEEPEST:
            raise ValueError("nests too deep")


def read_day(text: str, *, field: str) -> date:
    """A day as YYYY-MM-DD. Refused: invalid_field."""
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise Refused("invalid_field", field=field)


def take_staff(body: dict[str, Any], *, required: bool) -> str:
    """Take `role` and `staff` out of a body: the user name of a member of staff, or empty for a patron.

    Refused: invalid_field, staff_only where staff are required.
    """
    role = body.pop("role", "patron")
    if role == "staff":
        name = body.pop("staff", None)
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9._@-]{1,64}", name, re.ASCII):
            raise Refused("invalid_field", field="staff")
        return name
    if role != "patron":
        raise Refused("invalid_field", field="role")
    if required:
        raise Refused("staff_only")
    return ""


@cache
def reader_for(act: Callable[..., object]) -> Callable[[dict[str, Any], date], dict[str, Any]]:
    """A function that checks a body against the parameters of `act` after the first, and returns its arguments.

    Refused: invalid_field, also for a field that `act` does not know, since a misspelt one would have no effect.
    """
    hints = get_type_hints(act, include_extras=True)
    _, *parameters = signature(act).parameters.values()
    fields = {p.name: (hints[p.name], ... if p.default is p.empty else p.default) for p in parameters}
    model = create_model("Body", __config__={"extra": "forbid"}, **fields)  # type: ignore[call-overload]

    def read(body: dict[str, Any], today: date) -> dict[str, Any]:
        faults = [name for name, value in body.items() if value is None]
        try:
            checked = model.model_validate(body, context=today)
        except ValidationError as error:
            faults.append(str(error.errors()[0]["loc"][0]))
        if faults:
            # The sender's own word is not sent back: it might hold anything.
            raise Refused("invalid_field", field=faults[0] if re.fullmatch(r"[a-z_]{1,40}", faults[0], re.A) else "?")
        return {name: getattr(checked, name) for name in fields}

    return read
