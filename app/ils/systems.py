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

from collections.abc import Mapping
from typing import Final

import httpx

from app.ils.circulation.system import CirculationSystem
from app.ils.guard import Guard
from app.ils.json_call import make_client
from app.ils.koha.login import BasicLogin, OAuthLogin
from app.ils.koha.system import KohaSystem
from app.ils.port import LibrarySystem
from app.ils.sip2.system import Sip2System
from app.ils.sip2.wire import Encoding, Sip2Settings
from app.rules.circuit import State
from app.rules.settings_table import SettingsTable, parse_toml, read_libraries

_ENCODINGS: Final[dict[str, Encoding]] = {"cp850": "cp850", "latin-1": "latin-1", "utf-8": "utf-8"}


class BadSystems(Exception):
    """The settings of the libraries' systems cannot be used. The text names every fault, one a line, and no secret."""


class Systems:
    """The libraries' systems by library id."""

    def __init__(self, systems: Mapping[str, LibrarySystem]) -> None:
        self._systems = dict(systems)
        for library_id, system in self._systems.items():
            if isinstance(guard := getattr(system, "guard", None), Guard):
                guard.library_id = library_id

    def get(self, library_id: str) -> LibrarySystem | None:
        """Return the library's system, if the portal is connected to it."""
        return self._systems.get(library_id)

    def ids(self) -> list[str]:
        """Return the ids of the libraries that the portal is connected to."""
        return list(self._systems)

    def lending(self, library_id: str) -> CirculationSystem | None:
        """Return the library's system if it is our circulation, which alone lends and has agreements by its calls."""
        system = self._systems.get(library_id)
        return system if isinstance(system, CirculationSystem) else None

    def which_lend(self) -> list[str]:
        """Return the ids of the libraries whose system is our circulation."""
        return [library_id for library_id in self._systems if self.lending(library_id) is not None]

    def not_answering(self) -> list[str]:
        """Return the ids of the libraries whose circuit is open in this process, after time-outs."""
        return [library_id for library_id, state in self.circuits().items() if state is not State.CLOSED]

    def circuits(self) -> dict[str, State]:
        """Return the state of each library's circuit in this process, by library id."""
        guards = {library_id: getattr(system, "guard", None) for library_id, system in self._systems.items()}
        return {library_id: guard.state for library_id, guard in guards.items() if isinstance(guard, Guard)}


def read_systems(text: str, *, environ: Mapping[str, str]) -> Systems:
    """Build the systems that a TOML text describes. BadSystems with every fault at once."""
    document = parse_toml(text, error=BadSystems)
    faults = [f"{name}: unknown" for name in document if name != "libraries"]
    libraries = document.get("libraries", {})
    if not isinstance(libraries, dict):
        raise BadSystems("libraries: must be tables, such as [libraries.Mull]")
    client = make_client()
    systems: dict[str, LibrarySystem] = {}
    for library_id, entry in read_libraries(libraries, environ, faults):
        if (system := _build(library_id, entry, client)) is not None:
            systems[library_id] = system
    if faults:
        client.close()
        raise BadSystems("\n".join(faults))
    return Systems(systems)


def _build(library_id: str, entry: SettingsTable, client: httpx.Client) -> LibrarySystem | None:
    match entry.one_of("kind", ("circulation", "koha", "sip2")):
        case "circulation":
            url, user, secret = entry.address("url"), entry.text("user"), entry.secret("password")
            return CirculationSystem(client=client, url=url, library_id=library_id, user=user, password=secret)
        case "koha":
            user, secret = entry.text("user"), entry.secret("password")
            login: BasicLogin | OAuthLogin = BasicLogin(user=user, password=secret)
            if entry.one_of("login", ("basic", "oauth2")) == "oauth2":
                login = OAuthLogin(client_id=user, client_secret=secret)
            url, currency = entry.address("url"), entry.currency("currency")
            return KohaSystem(client=client, url=url, login=login, currency=currency)
        case "sip2":
            return Sip2System(settings=_sip2_settings(entry))
    entry.forgive()
    return None


def _sip2_settings(entry: SettingsTable) -> Sip2Settings:
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
