"""Which library has which system, from a TOML file. Passwords stand in it or, better, in the environment.

[libraries.Mull]                        [libraries."2023500"]
kind = "circulation"                    kind = "koha"
url = "https://circulation.example"     url = "https://koha.example/api/v1"
user = "portal"                         user = "portal"
password_env = "MULL_PASSWORD"          password_env = "KOHA_SECRET"
                                        currency = "NOK"
                                        login = "oauth2"        (or "basic")

[libraries.Nba]
kind = "sip2"                           and, if needed: tls, user, password or password_env, location,
host = "sip2.example"                   institution, terminal_password or terminal_password_env,
port = 6002                             encoding, error_detection, due_date_format
currency = "SEK"
"""

import re
import tomllib
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import httpx

from app.ils.http import CirculationSystem
from app.ils.json_call import make_client
from app.ils.koha import KohaSystem
from app.ils.koha_login import BasicLogin, OAuthLogin
from app.ils.lending import LendingSystem
from app.ils.port import LibrarySystem
from app.ils.sip2 import Sip2System
from app.ils.sip2_session import Encoding, Sip2Settings

_LIBRARY_ID: Final = re.compile(r"[A-Za-z0-9-]{1,20}", re.ASCII)
_CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_ENCODINGS: Final[dict[str, Encoding]] = {"cp850": "cp850", "latin-1": "latin-1", "utf-8": "utf-8"}


class BadSystems(Exception):
    """The settings of the libraries' systems cannot be used. The text names every fault, one a line, and no secret."""


class Systems:
    """The libraries' systems by library id."""

    def __init__(self, systems: Mapping[str, LibrarySystem]) -> None:
        self._systems = dict(systems)

    def get(self, library_id: str) -> LibrarySystem | None:
        """Return the library's system, if the portal is connected to it."""
        return self._systems.get(library_id)

    def lending(self, library_id: str) -> LendingSystem | None:
        """Return the library's system if it lends by our circulation."""
        system = self._systems.get(library_id)
        return system if isinstance(system, LendingSystem) else None


def read_systems(text: str, *, environ: Mapping[str, str]) -> Systems:
    """Build the systems that a TOML text describes. BadSystems with every fault at once."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # Its own words may quote the text, and the text may hold a password.
        where = re.search(r"at (line \d+, column \d+|end of document)", str(error))
        raise BadSystems(f"no TOML{f': {where[0]}' if where else ''}") from None
    faults = [f"{name}: unknown" for name in document if name != "libraries"]
    libraries = document.get("libraries", {})
    if not isinstance(libraries, dict):
        raise BadSystems("libraries: must be tables, such as [libraries.Mull]")
    client = make_client()
    systems: dict[str, LibrarySystem] = {}
    for library_id, table in libraries.items():
        place = f"libraries.{library_id}"
        if not _LIBRARY_ID.fullmatch(library_id):
            faults.append(f"{place}: a library's id is 1 to 20 letters, digits or hyphens")
        elif not isinstance(table, dict):
            faults.append(f"{place}: must be a table")
        else:
            entry = _Entry(place, table, environ)
            system = _build(library_id, entry, client)
            faults += entry.finish()
            if system is not None:
                systems[library_id] = system
    if faults:
        client.close()
        raise BadSystems("\n".join(faults))
    return Systems(systems)


def _build(library_id: str, entry: "_Entry", client: httpx.Client) -> LibrarySystem | None:
    match entry.one_of("kind", ("circulation", "koha", "sip2")):
        case "circulation":
            return CirculationSystem(
                client=client,
                url=entry.address("url"),
                library_id=library_id,
                user=entry.text("user"),
                password=entry.secret("password"),
            )
        case "koha":
            user, secret = entry.text("user"), entry.secret("password")
            oauth = entry.one_of("login", ("basic", "oauth2")) == "oauth2"
            return KohaSystem(
                client=client,
                url=entry.address("url"),
                login=OAuthLogin(client_id=user, client_secret=secret)
                if oauth
                else BasicLogin(user=user, password=secret),
                currency=entry.currency("currency"),
            )
        case "sip2":
            return Sip2System(settings=_sip2_settings(entry))
    entry.forgive()
    return None


def _sip2_settings(entry: "_Entry") -> Sip2Settings:
    user = entry.text("user", default="")
    return Sip2Settings(
        host=entry.text("host"),
        port=entry.port("port"),
        currency=entry.currency("currency"),
        tls=entry.flag("tls", default=True),
        user=user,
        password=entry.secret("password") if user else "",
        location=entry.text("location", default=""),
        institution=entry.text("institution", default=""),
        terminal_password=entry.secret("terminal_password", default=""),
        encoding=_ENCODINGS[entry.one_of("encoding", tuple(_ENCODINGS), default="utf-8") or "utf-8"],
        error_detection=entry.flag("error_detection", default=True),
        due_date_format=entry.text("due_date_format", default=""),
    )


class _Entry:
    """One library's table. Each setting is taken once; faults are gathered and whatever is left is one too."""

    def __init__(self, place: str, table: Mapping[str, object], environ: Mapping[str, str]) -> None:
        self._place = place
        self._left = dict(table)
        self._environ = environ
        self._faults: list[str] = []

    def finish(self) -> list[str]:
        """Return every fault."""
        return [*self._faults, *(f"{self._place}.{name}: unknown" for name in self._left)]

    def forgive(self) -> None:
        """Ask no more: without its kind nothing can be said about the rest."""
        self._left.clear()

    def text(self, name: str, *, default: str | None = None) -> str:
        """Take a text of one line."""
        value = self._left.pop(name, default)
        if isinstance(value, str) and value.isprintable() and "|" not in value and (value or default is not None):
            return value
        return self._fault(name, "must be a text")

    def secret(self, name: str, *, default: str | None = None) -> str:
        """Take a secret, or the name of the variable that holds it, from NAME or NAME_env."""
        if (reference := f"{name}_env") not in self._left:
            return self.text(name, default=default)
        variable = self.text(reference)
        if name in self._left:
            self._left.pop(name)
            return self._fault(name, f"give either this or {reference}")
        if variable and not self._environ.get(variable):
            return self._fault(reference, f"the variable {variable} is not set")
        return self._environ.get(variable, "")

    def one_of(self, name: str, allowed: tuple[str, ...], *, default: str | None = None) -> str:
        """Take one of the words allowed; nothing where it is another."""
        value = self._left.pop(name, default)
        if isinstance(value, str) and value in allowed:
            return value
        return self._fault(name, f"must be one of {', '.join(allowed)}")

    def flag(self, name: str, *, default: bool) -> bool:
        """Take true or false."""
        value = self._left.pop(name, default)
        if not isinstance(value, bool):
            self._fault(name, "must be true or false")
            return default
        return value

    def port(self, name: str) -> int:
        """Take a port number."""
        value = self._left.pop(name, None)
        if type(value) is not int or not 1 <= value <= 65535:
            self._fault(name, "must be a number from 1 to 65535")
            return 1
        return value

    def currency(self, name: str) -> str:
        """Take an ISO 4217 code."""
        value = self._left.pop(name, None)
        if isinstance(value, str) and _CURRENCY.fullmatch(value):
            return value
        return self._fault(name, "must be a currency's code, such as NOK")

    def address(self, name: str) -> str:
        """Take an https address; http is for this machine only, since loans and passwords go there."""
        value = self._left.pop(name, None)
        try:
            parts = urlsplit(value) if isinstance(value, str) else urlsplit("")
            plain = not (parts.username or parts.password or parts.query or parts.fragment) and parts.port != 0
            safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
        except ValueError:
            plain = safe = False
        if plain and safe and parts.hostname:
            return parts.geturl()
        return self._fault(name, "must be an https address without user name and query")

    def _fault(self, name: str, what: str) -> str:
        self._faults.append(f"{self._place}.{name}: {what}")
        return ""
