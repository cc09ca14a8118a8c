"""Settings of this building, from the environment. One error names every fault."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self
from urllib.parse import unquote

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

POLICIES: Final = Path(__file__).parent / "policies"
DEMO_LIBRARIES: Final = ("Mull", "2023500")
SHORTEST_PASSWORD: Final = 16
FEWEST_SIGNS: Final = 8
PASSWORD_IN_URL: Final = re.compile(r"[a-z0-9+.-]+://[^/?#@]*?:([^/?#]*)@", re.IGNORECASE)
EXAMPLE: Final = re.compile(r"change[-_ ]?me", re.IGNORECASE)


class SettingsError(ValueError):
    """The environment does not say enough to start safely; the message lists every fault."""


def example_passwords(environ: Mapping[str, str], *names: str) -> list[str]:
    """A fault for each of these passwords, or URLs with one in them, that is the example's or one letter."""
    faults = []
    for name in names:
        value = environ.get(name, "")
        in_url = PASSWORD_IN_URL.match(value)
        if EXAMPLE.search(unquote(value)):
            faults.append(f"{name}: holds the password of the example")
        elif len(set(in_url[1] if in_url else "" if "://" in value else value)) == 1:
            faults.append(f"{name}: has a password of one letter")
    return faults


@dataclass(frozen=True, slots=True)
class Settings:
    """`database_urls` by library id; one user name and password for the whole building."""

    database_urls: Mapping[str, str] = field(repr=False)
    api_user: str
    api_password: str = field(repr=False)
    demo: bool = False
    policies: Path = POLICIES

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Read CIRCULATION_LIBRARIES (ids, comma-separated), CIRCULATION_DATABASE_URL ("{library}" in it becomes the
        id), CIRCULATION_API_USER, CIRCULATION_API_PASSWORD and, if it is set, CIRCULATION_POLICIES. With
        CIRCULATION_DEMO=1 the rest has defaults: SQLite files under LANEKORT_INSTANCE. SettingsError lists every
        fault."""
        if environ.get("CIRCULATION_DEMO") == "1":
            return cls.for_demo(instance=Path(environ.get("LANEKORT_INSTANCE") or "instance"))
        faults = []
        libraries = [name.strip() for name in environ.get("CIRCULATION_LIBRARIES", "").split(",") if name.strip()]
        if not libraries:
            faults.append("CIRCULATION_LIBRARIES: name at least one library id")
        url = environ.get("CIRCULATION_DATABASE_URL", "")
        try:
            if make_url(url).drivername not in ("sqlite", "postgresql+psycopg"):
                faults.append("CIRCULATION_DATABASE_URL: only sqlite and postgresql+psycopg are known")
        except (ArgumentError, ValueError):
            faults.append("CIRCULATION_DATABASE_URL: must be a database address")
        if len(libraries) > 1 and "{library}" not in url:
            faults.append("CIRCULATION_DATABASE_URL: with several libraries it needs {library}, a database for each")
        user, password = environ.get("CIRCULATION_API_USER", ""), environ.get("CIRCULATION_API_PASSWORD", "")
        if not user or ":" in user:
            faults.append("CIRCULATION_API_USER: must be set and without a colon")
        if len(password) < SHORTEST_PASSWORD:
            faults.append(f"CIRCULATION_API_PASSWORD: at least {SHORTEST_PASSWORD} characters")
        elif len(set(password)) < FEWEST_SIGNS:
            faults.append("CIRCULATION_API_PASSWORD: too few different characters to be a drawn one")
        policies = Path(environ.get("CIRCULATION_POLICIES") or POLICIES)
        if not policies.is_dir():
            faults.append("CIRCULATION_POLICIES: must be a folder that can be read")
        faults += example_passwords(environ, "CIRCULATION_DATABASE_URL", "CIRCULATION_API_PASSWORD")
        if faults:
            raise SettingsError("\n".join(faults))
        return cls({name: url.replace("{library}", name) for name in libraries}, user, password, policies=policies)

    @classmethod
    def for_demo(cls, *, instance: Path) -> Self:
        """Both libraries of the demo, one SQLite file each, with a password that is no secret."""
        urls = {name: f"sqlite:///{(instance / f'circulation-{name}.sqlite').resolve()}" for name in DEMO_LIBRARIES}
        return cls(urls, "portal", "demo-circulation", demo=True)
