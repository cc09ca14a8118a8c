"""Read a TOML table key by key, and name file, key and line when something is wrong."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self, TypeVar

_HEADER = re.compile(r"^\s*\[(\[)?\s*([^\[\]]+?)\s*\]{1,2}\s*(?:#.*)?$")
_KEY = re.compile(r"""^\s*(?:"([^"]+)"|'([^']+)'|([A-Za-z0-9_-]+))\s*(?:=|\.)""")
_SYNTAX_LINE = re.compile(r"at line (\d+)")

_TYPE_NAMES = {int: "a whole number", bool: "true or false", str: "a text", list: "a list", dict: "a table"}

Place = tuple[str | int, ...]
T = TypeVar("T")
K = TypeVar("K")


class PolicyError(ValueError):
    """A policy file that cannot be used. The message names file, line and key."""

    def __init__(self, file: Path, line: int, key: str, fault: str) -> None:
        super().__init__(f"{file.name}, line {line}: {key}: {fault}" if key else f"{file.name}, line {line}: {fault}")
        self.file, self.line, self.key = file, line, key


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


class Table:
    """One table of the file. Each value is taken by name and type; `finish` refuses what nobody took."""

    def __init__(self, file: Path, lines: dict[Place, int], path: Place, values: dict[str, object]) -> None:
        self._file, self._lines, self._path, self._values = file, lines, path, dict(values)

    @classmethod
    def read(cls, file: Path) -> Self:
        """The whole file as a table. PolicyError for text that is not UTF-8 or not TOML."""
        try:
            text = file.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise PolicyError(file, 1, "", "there is no such policy file") from None
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            raise PolicyError(file, line, "", "the file is not UTF-8") from None
        try:
            values = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            place = _SYNTAX_LINE.search(str(error))
            line = int(place[1]) if place else len(text.splitlines())
            raise PolicyError(file, line, "", f"not TOML: {error}") from None
        return cls(file, _lines_of(text), (), values)

    def fault(self, key: str, what: str) -> PolicyError:
        """The error for a key of this table: at its own line, or at the table's where it is missing."""
        path = (*self._path, key) if key else self._path
        while path not in self._lines:
            path = path[:-1]
        name = ".".join(str(part + 1 if isinstance(part, int) else part) for part in (*self._path, key) if part != "")
        return PolicyError(self._file, self._lines[path], name, what)

    def _take(self, key: str, kind: type[K]) -> K:
        if key not in self._values:
            raise self.fault(key, "is missing")
        value = self._values.pop(key)
        if not isinstance(value, kind) or type(value) is not kind:  # bool is an int to Python, not to a library
            raise self.fault(key, f"must be {_TYPE_NAMES[kind]}")
        return value

    def integer(self, key: str, *, least: int = 0, most: int = 10_000_000) -> int:
        """A whole number within its bounds."""
        value = self._take(key, int)
        if not least <= value <= most:
            raise self.fault(key, f"must be from {least} to {most}")
        return value

    def optional_integer(self, key: str, *, least: int = 0, most: int = 10_000_000) -> int | None:
        """The same, or None where the key is absent."""
        return self.integer(key, least=least, most=most) if key in self._values else None

    def boolean(self, key: str) -> bool:
        """true or false."""
        return self._take(key, bool)

    def text(self, key: str) -> str:
        """A text that is not empty."""
        value = self._take(key, str)
        if not value.strip():
            raise self.fault(key, "must not be empty")
        return value.strip()

    def each(self, key: str, kind: type[K], read: Callable[[K], T]) -> tuple[T, ...]:
        """A list whose members are of one type and pass `read` (which raises ValueError with the reason)."""
        result = []
        for value in self._take(key, list):
            if not isinstance(value, kind) or type(value) is not kind:
                raise self.fault(key, f"each of the list must be {_TYPE_NAMES[kind]}")
            try:
                result.append(read(value))
            except ValueError as error:
                raise self.fault(key, str(error)) from None
        return tuple(result)

    def table(self, key: str) -> Table:
        """A table within this one."""
        return Table(self._file, self._lines, (*self._path, key), self._take(key, dict))

    def optional_table(self, key: str) -> Table | None:
        """The same, or None where it is absent."""
        return self.table(key) if key in self._values else None

    def tables(self, key: str) -> Iterator[tuple[str, Table]]:
        """The tables inside a table, by name: `[categories.book]`, `[categories.dvd]`."""
        outer = self.table(key)
        for name in list(outer._values):
            yield name, outer.table(name)

    def array(self, key: str) -> list[Table]:
        """`[[claims]]`, in the order of the file; none at all is an empty list."""
        if key not in self._values:
            return []
        rows = self._take(key, list)
        if not all(type(row) is dict for row in rows):
            raise self.fault(key, "must be written as [[" + key + "]] tables")
        return [Table(self._file, self._lines, (*self._path, key, index), row) for index, row in enumerate(rows)]

    def finish(self) -> None:
        """Refuse keys that no rule reads: a misspelt key would otherwise be silently without effect."""
        for key in self._values:
            raise self.fault(key, "is not a key that the policy knows")
