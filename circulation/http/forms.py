"""Read JSON bodies field by field. Whatever does not fit is refused with the field's name, and never a 5xx."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from datetime import date
from typing import Any, Final, NoReturn

from circulation.errors import Refused

_CARD: Final = re.compile(r"[A-Z0-9]{4,20}", re.ASCII)
_ID: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_KEY: Final = re.compile(r"[A-Za-z0-9_-]{8,64}", re.ASCII)
_STAFF: Final = re.compile(r"[A-Za-z0-9._@-]{1,64}", re.ASCII)
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_BARCODE: Final = re.compile(r"[!-~]{1,40}", re.ASCII)

# Signs that make a title read other than it is stored (Unicode annex 9).
_TURNING: Final = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")

_STRING_OR_BRACKET: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)

DEEPEST: Final = 64
"""How many lists and objects may stand inside one another. What a call takes needs two."""
MAX_AMOUNT: Final = 100_000_000
MAX_CARDS: Final = 50
# Two years ahead is farther than any due date; a bound keeps calendar sums small.
MAX_DAYS_AHEAD: Final = 731


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


class Form:
    """The fields of one body. Each is taken once; `finish` refuses what the call does not know."""

    def __init__(self, body: dict[str, Any]) -> None:
        self._left = dict(body)

    def __contains__(self, name: str) -> bool:
        return self._left.get(name) is not None

    def finish(self) -> None:
        """Refuse what the call does not know, so that a misspelt field is not silently without effect."""
        for name in self._left:
            # The sender's own word is not sent back: it might hold anything.
            known = name if re.fullmatch(r"[a-z_]{1,40}", name, re.ASCII) else "?"
            raise Refused("invalid_field", field=known)

    def _matching(self, name: str, pattern: re.Pattern[str]) -> str:
        value = self._left.pop(name, None)
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise Refused("invalid_field", field=name)
        return value

    def card_number(self, name: str = "card_number") -> str:
        """A national or local card number."""
        return self._matching(name, _CARD)

    def card_numbers(self) -> list[str]:
        """Up to MAX_CARDS card numbers, each once."""
        values = self._left.pop("card_numbers", None)
        if not isinstance(values, list) or not 1 <= len(values) <= MAX_CARDS:
            raise Refused("invalid_field", field="card_numbers")
        if not all(isinstance(value, str) and _CARD.fullmatch(value) for value in values):
            raise Refused("invalid_field", field="card_numbers")
        return list(dict.fromkeys(values))

    def identifier(self, name: str) -> str:
        """An id that this building gave out."""
        return self._matching(name, _ID)

    def barcode(self) -> str:
        """A copy's barcode."""
        return self._matching("barcode", _BARCODE)

    def idempotency_key(self) -> str:
        """The caller's own key for one act."""
        return self._matching("idempotency_key", _KEY)

    def staff(self, *, required: bool) -> str:
        """The acting member of staff's user name, or nothing for a patron. Refused: staff_only where it is required."""
        role = self.choice("role", ("patron", "staff")) if "role" in self._left else "patron"
        if role == "staff":
            return self._matching("staff", _STAFF)
        if required:
            raise Refused("staff_only")
        return ""

    def choice(self, name: str, allowed: Sequence[str]) -> str:
        """One of the words allowed."""
        value = self._left.pop(name, None)
        if not isinstance(value, str) or value not in allowed:
            raise Refused("invalid_field", field=name)
        return value

    def text(self, name: str) -> str:
        """A line of 1 to 300 characters, composed (NFC), without control characters, half surrogates or turned text."""
        value = self._left.pop(name, None)
        if not isinstance(value, str):
            raise Refused("invalid_field", field=name)
        value = unicodedata.normalize("NFC", value).strip()
        if not 1 <= len(value) <= 300 or any(
            unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") or unicodedata.bidirectional(c) in _TURNING
            for c in value
        ):
            raise Refused("invalid_field", field=name)
        return value

    def integer(self, name: str, *, least: int, most: int) -> int:
        """A whole number within its bounds."""
        value = self._left.pop(name, None)
        if type(value) is not int or not least <= value <= most:
            raise Refused("invalid_field", field=name)
        return value

    def boolean(self, name: str) -> bool:
        """true or false, nothing that resembles them."""
        value = self._left.pop(name, None)
        if type(value) is not bool:
            raise Refused("invalid_field", field=name)
        return value

    def day(self, name: str, *, today: date) -> date:
        """A day from today to two years ahead. Refused: date_in_past, invalid_field."""
        try:
            day = date.fromisoformat(self._matching(name, _DATE))
        except ValueError:
            raise Refused("invalid_field", field=name) from None
        if day < today:
            raise Refused("date_in_past", field=name)
        if (day - today).days > MAX_DAYS_AHEAD:
            raise Refused("invalid_field", field=name)
        return day
