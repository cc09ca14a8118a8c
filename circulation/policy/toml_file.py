"""A TOML file with the line of each key, so that a fault is reported by file, line and key."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

# Blanks within the brackets are cut off later: here, they could be read in too many ways.
_HEADER: Final = re.compile(r"^\s*\[(\[)?([^\[\]]+)\]{1,2}\s*(?:#.*)?$")
_KEY: Final = re.compile(r"""^\s*(?:"([^"]+)"|'([^']+)'|([A-Za-z0-9_-]+))\s*(?:=|\.)""")
_MOST_FAULTS: Final = 20
# A key in thousands of parts takes tomllib minutes.
_MOST_DOTS: Final = 500
_SYNTAX_LINE: Final = re.compile(r"at line (\d+)")

# pydantic's kinds of error -> what is wrong.
_FAULTS: Final = {
    "missing": "is missing",
    "unexpected_keyword_argument": "is not a key that the policy knows",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "string_type": "must be a text",
    "tuple_type": "must be a list",
    "frozen_set_type": "must be a list",
    "mapping_type": "must be a table",
    "dict_type": "must be a table",
    "dataclass_type": "must be a table",
    "date_from_datetime_parsing": "is not a date",
    "date_parsing": "is not a date",
}

Place = tuple[str | int, ...]
T = TypeVar("T")


class PolicyError(ValueError):
    """A policy file that cannot be used. The message names file, line and key; `others` are further faults in it."""

    others: Sequence[PolicyError] = ()

    def __init__(self, file: Path, line: int, key: str, fault: str) -> None:
        super().__init__(f"{file.name}, line {line}: {key}: {fault}" if key else f"{file.name}, line {line}: {fault}")
        self.file, self.line, self.key, self.fault = file, line, key, fault


class TomlFile:
    """The tables of a file, or of `text` that is to be one, as `values`. PolicyError for what is not UTF-8 or TOML."""

    def __init__(self, file: Path, text: str | None = None) -> None:
        self._file = file
        try:
            self.text = file.read_text(encoding="utf-8") if text is None else text
        except FileNotFoundError:
            raise PolicyError(file, 1, "", "there is no such policy file") from None
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            raise PolicyError(file, line, "", "the file is not UTF-8") from None
        self.values = _values_of(file, self.text)
        self._lines = _lines_of(self.text)

    def read_as(self, kind: TypeAdapter[T], *, joined: Sequence[str]) -> T:
        """The values as `kind`, with the keys of `joined` tables as "table.key". PolicyError for the faults."""
        values: dict[str, Any] = {}
        for key, value in self.values.items():
            is_joined = key in joined and isinstance(value, dict)
            values |= {f"{key}.{inner}": one for inner, one in value.items()} if is_joined else {key: value}
        try:
            return kind.validate_python(values, by_alias=True, by_name=False)
        except ValidationError as error:
            first, *others = [self._fault_of(each) for each in error.errors(include_url=False)]
            first.others = others[:_MOST_FAULTS]
            raise first from None

    def _fault_of(self, error: ErrorDetails) -> PolicyError:
        where = [part for part in error["loc"] if part != "[key]"]
        place = (*(str(where[0]).split(".") if where else ()), *where[1:])
        return self.fault(place, _words(error))

    def fault(self, place: Place, what: str) -> PolicyError:
        """The error for a key: at its own line, or at that of the table where it is missing."""
        found = place
        while found not in self._lines:
            found = found[:-1]
        key = ".".join(str(part + 1 if isinstance(part, int) else part) for part in place)
        return PolicyError(self._file, self._lines[found], key, what)


def _values_of(file: Path, text: str) -> dict[str, Any]:
    lines = text.splitlines()
    for number, line in enumerate(lines, start=1):
        if line.count(".") > _MOST_DOTS:
            raise PolicyError(file, number, "", "not TOML: too many dots in a line")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = _SYNTAX_LINE.search(str(error))
        raise PolicyError(file, int(place[1]) if place else len(lines), "", f"not TOML: {error}") from None
    except (ValueError, RecursionError):  # of what tomllib has no words for
        raise PolicyError(file, 1, "", "not TOML: a number is too long, or brackets are too deep") from None


def _words(error: ErrorDetails) -> str:
    context = error.get("ctx", {})
    return _FAULTS.get(error["type"]) or str(context.get("error", error["msg"]))


def _lines_of(text: str) -> dict[Place, int]:
    """Where each table and key begins. tomllib keeps no positions, so headers and keys are found line by line."""
    found: dict[Place, int] = {(): 1}
    here: Place = ()
    counts: dict[Place, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            here = tuple(part.strip().strip("\"'") for part in header[2].split("."))
            if header[1]:
                index = counts.get(here, 0)
                counts[here] = index + 1
                here = (*here, index)
            found.setdefault(here, number)
        elif key := _KEY.match(line):
            found.setdefault((*here, key[1] or key[2] or key[3]), number)
    return found
