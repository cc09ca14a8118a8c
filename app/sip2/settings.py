"""The gateway's settings, from a TOML file: ports for kiosks, and their libraries' systems. See docs/kiosks.md."""

import ipaddress
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

from app.rules.settings_table import SettingsTable, parse_toml, read_libraries

_ENCODINGS = ("utf-8", "cp850", "latin-1")
_LANGUAGES = ("nb", "nn", "sv", "en")
_LINE_ENDS = ("as sent", "CR")
_MOST_SECONDS = 60


class BadGateway(Exception):
    """The settings cannot be used. The text names every fault, one a line, and no secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryGateway:
    """One library: the address for its kiosks, and that of its own system.

    `kiosks_by_address` and `kiosks_by_login` (the login in its bytes on the wire) give the register's user name of
    kiosks that do not sign on with it. `seconds` is how long the system may take for an answer.
    """

    library_id: str
    host: str
    port: int
    ils_host: str
    ils_port: int
    kiosk_tls: ssl.SSLContext | None = None
    ils_tls: ssl.SSLContext | None = None
    ils_user: bytes = b""
    ils_password: bytes = field(default=b"", repr=False)
    always_cr: bool = False
    encoding: str = "utf-8"
    language: str = "nb"
    seconds: float = 10.0
    kiosks_by_address: Mapping[str, str] = field(default_factory=dict)
    kiosks_by_login: Mapping[bytes, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySettings:
    """The whole gateway. `status_port` is on the loopback address; None for no status page. `connections` is in all."""

    libraries: tuple[LibraryGateway, ...]
    status_port: int | None = None
    connections: int = 1000


def read_gateway(text: str, *, environ: Mapping[str, str]) -> GatewaySettings:
    """Return the settings that a TOML text describes. BadGateway with every fault at once."""
    top = SettingsTable("", parse_toml(text, error=BadGateway), environ)
    libraries, status = top.table("libraries"), top.table("status")
    connections = top.number("connections", least=1, most=20_000, default=1000)
    faults = top.finish()
    status_port = None
    if status:
        place = SettingsTable("status", status, environ)
        status_port = place.port("port")
        faults += place.finish()
    read = [_read_library(library_id, entry) for library_id, entry in read_libraries(libraries, environ, faults)]
    if not libraries:
        faults.append("libraries: there is none")
    places = [(library.host, library.port) for library in read]
    faults += [
        f"{host}:{port}: two libraries listen there" for host, port in {p for p in places if places.count(p) > 1}
    ]
    if faults:
        raise BadGateway("\n".join(faults))
    return GatewaySettings(libraries=tuple(read), status_port=status_port, connections=connections)


def _read_library(library_id: str, entry: SettingsTable) -> LibraryGateway:
    encoding = entry.one_of("encoding", _ENCODINGS, default="utf-8")
    user = entry.text("ils_user", default="")
    by_address, by_login = _read_kiosks(entry, encoding or "utf-8")
    return LibraryGateway(
        library_id=library_id,
        host=entry.text("listen", default="127.0.0.1"),
        port=entry.port("port"),
        kiosk_tls=_kiosk_tls(entry),
        ils_host=entry.text("ils_host"),
        ils_port=entry.port("ils_port"),
        ils_tls=_ils_tls(entry),
        ils_user=_encode(entry, "ils_user", user, encoding),
        ils_password=_encode(entry, "ils_password", entry.secret("ils_password") if user else "", encoding),
        always_cr=entry.one_of("ils_line_end", _LINE_ENDS, default="as sent") == "CR",
        encoding=encoding,
        language=entry.one_of("language", _LANGUAGES, default="nb"),
        seconds=entry.number("seconds", least=1, most=_MOST_SECONDS, default=10),
        kiosks_by_address=by_address,
        kiosks_by_login=by_login,
    )


def _encode(entry: SettingsTable, name: str, value: str, encoding: str) -> bytes:
    try:
        return value.encode(encoding or "utf-8")
    except UnicodeEncodeError:
        entry.fault(name, f"has letters that {encoding} has not")
        return b""


def _kiosk_tls(entry: SettingsTable) -> ssl.SSLContext | None:
    certificate, key = entry.text("certificate", default=""), entry.text("certificate_key", default="")
    if not certificate and not key:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ValueError):
        entry.fault("certificate", "this and certificate_key must be a certificate and its key, in PEM files")
    return context


def _ils_tls(entry: SettingsTable) -> ssl.SSLContext | None:
    authority = entry.text("ils_authority", default="")
    if not entry.flag("ils_tls", default=True):
        return None
    try:
        return ssl.create_default_context(cafile=authority or None)
    except (OSError, ValueError):
        entry.fault("ils_authority", "must be a PEM file of certificates")
        return None


def _read_kiosks(entry: SettingsTable, encoding: str) -> tuple[dict[str, str], dict[bytes, str]]:
    """Return the kiosks that are identified by address, and those by their login at the system."""
    by_address: dict[str, str] = {}
    by_login: dict[bytes, str] = {}
    for kiosk, known_by in entry.table("kiosks").items():
        match known_by:
            case {"address": str(address), **others} if not others and _address(address):
                fresh = by_address.setdefault(_address(address), kiosk) == kiosk
            case {"login": str(login), **others} if not others and login.isprintable() and login and "|" not in login:
                fresh = by_login.setdefault(_encode(entry, f"kiosks.{kiosk}", login, encoding), kiosk) == kiosk
            case _:
                entry.fault(f"kiosks.{kiosk}", 'must be { address = "10.0.0.11" } or { login = "selfcheck1" }')
                continue
        if not fresh:
            entry.fault(f"kiosks.{kiosk}", "another kiosk has the same")
    return by_address, by_login


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""
