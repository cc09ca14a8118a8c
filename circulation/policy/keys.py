"""The kinds of value in a policy file: bounds, place in the file, name on the rules page."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Annotated, Any, Final, TypeVar

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StrictStr
from pydantic.fields import FieldInfo

T = TypeVar("T")

# A key that no rule reads is refused: a misspelt one would have no effect.
TABLE: Final = ConfigDict(extra="forbid", validate_by_name=True, validate_by_alias=True)


LONGEST_TEXT: Final = 300

# Signs that make a text read other than it is stored (Unicode annex 9).
_TURNING: Final = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")


def is_one_line(text: str) -> bool:
    """Whether a text has no line breaks, control characters, half surrogates or turned text."""
    return not any(
        unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") or unicodedata.bidirectional(c) in _TURNING for c in text
    )


def _not_empty(text: str) -> str:
    text = text.strip()
    if not text:
        raise ValueError("must not be empty")
    if len(text) > LONGEST_TEXT or not is_one_line(text):
        raise ValueError("must be one line of text")
    return text


Text = Annotated[StrictStr, AfterValidator(_not_empty)]


def key(path: str) -> FieldInfo:
    """Where a value stands in the file. The rules page has the same name, without `_ore`."""
    field: FieldInfo = Field(validation_alias=path, serialization_alias=path.removesuffix("_ore"))
    return field


def whole(least: int = 0, most: int = 10_000_000) -> AfterValidator:
    """A whole number within its bounds."""

    def check(value: int) -> int:
        if not least <= value <= most:
            raise ValueError(f"must be from {least} to {most}")
        return value

    return AfterValidator(check)


def written_as(read: Callable[[str], Any]) -> BeforeValidator:
    """A value that the file has as text; `read` raises ValueError with the reason. What is read already stays."""
    return BeforeValidator(lambda value: read(value) if isinstance(value, str) else value)


def one_of(*words: str) -> AfterValidator:
    """One of these words."""

    def check(value: str) -> str:
        if value not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return value

    return AfterValidator(check)
