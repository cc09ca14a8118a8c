"""One table of a settings file in TOML: each setting is taken once, and every fault is gathered."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

from app.rules.web_address import UnsafeAddress, check_address

LIBRARY_ID: Final = re.compile(r"[A-Za-z0-9-]{1,20}", re.ASCII)
_CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)


def parse_toml(text: str, *, error: type[Exception]) -> dict[str, Any]:
    """Return the document. Raises `error` with the place of the fault; the text may have a password in it."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        where = re.search(r"at (line \d+, column \d+|end of document)", str(fault))
        raise error(f"no TOML{f': {where[0]}' if where else ''}") from None


def read_libraries(
    libraries: Mapping[str, object], environ: Mapping[str, str], faults: list[str]
) -> Iterator[tuple[str, "SettingsTable"]]:
    """Yield each library's id and settings, and add what is wrong with both to `faults`."""
    for library_id, table in libraries.items():
        place = f"libraries.{library_id}"
        if not LIBRARY_ID.fullmatch(library_id):
            faults.append(f"{place}: a library's id is 1 to 20 letters, digits or hyphens")
        elif not isinstance(table, dict):
            faults.append(f"{place}: must be a table")
        else:
            entry = SettingsTable(place, table, environ)
            yield library_id, entry
            faults += entry.finish()


class SettingsTable:
    """The settings at one `place` of a file. Whatever is left in the end is a fault too."""

    def __init__(self, place: str, table: Mapping[str, object], environ: Mapping[str, str]) -> None:
        self._at = f"{place}." if place else ""
        self._left = dict(table)
        self._environ = environ
        self._faults: list[str] = []

    def finish(self) -> list[str]:
        """Return every fault."""
        return [*self._faults, *(f"{self._at}{name}: unknown" for name in self._left)]

    def forgive(self) -> None:
        """Ask no more: without its kind nothing can be said about the rest."""
        self._left.clear()

    def text(self, name: str, *, default: str | None = None) -> str:
        """Take a text of one line."""
        value = self._left.pop(name, default)
        if isinstance(value, str) and value.isprintable() and "|" not in value and (value or default is not None):
            return value
        return self.fault(name, "must be a text")

    def secret(self, name: str, *, default: str | None = None) -> str:
        """Take a secret, or the name of the variable that holds it, from NAME or NAME_env."""
        if (reference := f"{name}_env") not in self._left:
            return self.text(name, default=default)
        variable = self.text(reference)
        if name in self._left:
            self._left.pop(name)
            return self.fault(name, f"give either this or {reference}")
        if variable and not self._environ.get(variable):
            return self.fault(reference, f"the variable {variable} is not set")
        return self._environ.get(variable, "")

    def one_of(self, name: str, allowed: tuple[str, ...], *, default: str | None = None) -> str:
        """Take one of the words allowed; nothing where it is another."""
        value = self._left.pop(name, default)
        if isinstance(value, str) and value in allowed:
            return value
        return self.fault(name, f"must be one of {', '.join(allowed)}")

    def flag(self, name: str, *, default: bool) -> bool:
        """Take true or false."""
        value = self._left.pop(name, default)
        if not isinstance(value, bool):
            self.fault(name, "must be true or false")
            return default
        return value

    def port(self, name: str) -> int:
        """Take a port number, which may not be missing."""
        self._left.setdefault(name, None)
        return self.number(name, least=1, most=65535, default=1)

    def number(self, name: str, *, least: int, most: int, default: int) -> int:
        """Take a whole number within limits."""
        value = self._left.pop(name, default)
        if type(value) is not int or not least <= value <= most:
            self.fault(name, f"must be a number from {least} to {most}")
            return default
        return value

    def table(self, name: str) -> Mapping[str, object]:
        """Take a table, which may be missing."""
        value = self._left.pop(name, {})
        if not isinstance(value, dict):
            self.fault(name, "must be a table")
            return {}
        return value

    def currency(self, name: str) -> str:
        """Take an ISO 4217 code."""
        value = self._left.pop(name, None)
        if isinstance(value, str) and _CURRENCY.fullmatch(value):
            return value
        return self.fault(name, "must be a currency's code, such as NOK")

    def address(self, name: str) -> str:
        """Take an https address; http is for this machine only, since loans and passwords go there."""
        value = self._left.pop(name, None)
        if isinstance(value, str) and "?" not in value:
            with suppress(UnsafeAddress):
                return check_address(value)
        return self.fault(name, "must be an https address without user name and query")

    def fault(self, name: str, what: str) -> str:
        """Add a fault, and return nothing in the setting's place."""
        self._faults.append(f"{self._at}{name}: {what}")
        return ""
