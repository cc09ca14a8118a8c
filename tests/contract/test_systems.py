"""The settings that say which library has which system."""

import pytest

from app.ils.circulation.system import CirculationSystem
from app.ils.koha.system import KohaSystem
from app.ils.sip2.system import Sip2System
from app.ils.systems import BadSystems, read_systems

GOOD = """
[libraries.Mull]
kind = "circulation"
url = "https://circulation.example"
user = "portal"
password_env = "MULL_PASSWORD"

[libraries."2023500"]
kind = "koha"
url = "https://koha.example/api/v1"
user = "portal"
password = "koha-secret"
login = "oauth2"
currency = "NOK"

[libraries.Nba]
kind = "sip2"
host = "sip2.example"
port = 6002
currency = "SEK"
user = "gate"
password = "sip2-secret"
terminal_password = "terminal-secret"
encoding = "cp850"
due_date_format = "%d.%m.%Y"
"""
SECRETS = ("mull-secret", "koha-secret", "sip2-secret", "terminal-secret")


def faults(text: str, **environ: str) -> list[str]:
    with pytest.raises(BadSystems) as bad:
        read_systems(text, environ=environ)
    return str(bad.value).splitlines()


def test_each_library_gets_the_system_of_its_kind():
    systems = read_systems(GOOD, environ={"MULL_PASSWORD": "mull-secret"})
    kinds = [type(systems.get(library)) for library in ("Mull", "2023500", "Nba", "Elsewhere")]
    assert kinds == [CirculationSystem, KohaSystem, Sip2System, type(None)]


def test_only_libraries_with_our_circulation_lend():
    systems = read_systems(GOOD, environ={"MULL_PASSWORD": "mull-secret"})
    assert systems.lending("Mull") is systems.get("Mull")
    assert systems.lending("2023500") is systems.lending("Nba") is systems.lending("Elsewhere") is None


def test_no_libraries_are_no_fault():
    assert read_systems("", environ={}).get("Mull") is None


def test_every_fault_is_told_at_once():
    text = """
    surprise = 1
    [libraries.Mull]
    kind = "circulation"
    url = "http://circulation.example"
    user = 7
    password_env = "MISSING"
    colour = "blue"
    [libraries.Koha]
    kind = "koha"
    url = "https://user:pass@koha.example"
    user = "portal"
    password = "a"
    password_env = "B"
    login = "magic"
    currency = "kr"
    [libraries.Sip]
    kind = "sip2"
    host = ""
    port = 70000
    currency = "SEK"
    tls = "yes"
    encoding = "ebcdic"
    [libraries.Other]
    kind = "aleph"
    anything = 1
    [libraries."a/b"]
    kind = "sip2"
    """
    assert faults(text) == [
        "surprise: unknown",
        "libraries.Mull.url: must be an https address without user name and query",
        "libraries.Mull.user: must be a text",
        "libraries.Mull.password_env: the variable MISSING is not set",
        "libraries.Mull.colour: unknown",
        "libraries.Koha.password: give either this or password_env",
        "libraries.Koha.login: must be one of basic, oauth2",
        "libraries.Koha.url: must be an https address without user name and query",
        "libraries.Koha.currency: must be a currency's code, such as NOK",
        "libraries.Sip.host: must be a text",
        "libraries.Sip.port: must be a number from 1 to 65535",
        "libraries.Sip.tls: must be true or false",
        "libraries.Sip.encoding: must be one of cp850, latin-1, utf-8",
        "libraries.Other.kind: must be one of circulation, koha, sip2",
        "libraries.a/b: a library's id is 1 to 20 letters, digits or hyphens",
    ]


@pytest.mark.parametrize("text", ["libraries = 1", "[libraries]\nMull = 1", 'password = "koha-secret', "[["])
def test_what_is_no_table_of_libraries_is_a_fault_that_quotes_nothing(text):
    assert "koha-secret" not in "".join(faults(text))


@pytest.mark.parametrize("url", ["http://localhost:8001", "http://127.0.0.1:8001", "http://[::1]:8001"])
def test_plain_http_is_for_this_machine_only(url):
    systems = read_systems(GOOD.replace("https://circulation.example", url), environ={"MULL_PASSWORD": "mull-secret"})
    assert systems.get("Mull") is not None


@pytest.mark.parametrize("url", ["ftp://x", "https://", "https://x?card=1", "https://[::1", "//x", "", "https://x:0"])
def test_an_address_must_be_one(url):
    text = GOOD.replace("https://circulation.example", url)
    assert len(faults(text, MULL_PASSWORD="mull-secret")) == 1


def test_no_secret_is_shown_by_repr():
    systems = read_systems(GOOD, environ={"MULL_PASSWORD": "mull-secret"})
    shown = [repr(systems), repr(vars(systems))]
    shown += [repr(vars(system)) for system in map(systems.get, ("Mull", "2023500", "Nba"))]
    assert not [secret for secret in SECRETS if any(secret in text for text in shown)]
