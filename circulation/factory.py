"""The plug board: settings in, a Flask application out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from flask import Flask
from flask.typing import ResponseReturnValue
from sqlalchemy.engine import make_url

from circulation import api
from circulation.database import Database
from circulation.policy import Policy, load_policy
from circulation.settings import Settings


@dataclass(frozen=True, slots=True)
class Library:
    """One library that this process serves: its rules and its database."""

    policy: Policy
    database: Database


def utc_now() -> datetime:
    """The clock of production."""
    return datetime.now(UTC)


def open_libraries(settings: Settings) -> dict[str, Library]:
    """The libraries of the settings by id. PolicyError where a policy file is wrong."""
    for url in settings.database_urls.values():
        address = make_url(url)
        if address.get_backend_name() == "sqlite" and address.database:
            file = Path(address.database)
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file.touch(mode=0o600)  # for nobody else on the machine; SQLite gives its log the same mode
    return {
        library: Library(load_policy(library), Database(library=library, url=url))
        for library, url in settings.database_urls.items()
    }


def migrate_all(settings: Settings) -> None:
    """Bring every library's database to the newest tables."""
    for library in open_libraries(settings).values():
        library.database.migrate()
        library.database.close()


def create_circulation(settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> Flask:
    """The loans system of the settings' libraries. `clock` gives the present as an aware datetime."""
    app = Flask("circulation", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = api.MAX_BODY
    libraries = open_libraries(settings)
    app.extensions["circulation"] = libraries
    api.install(app, libraries=libraries, user=settings.api_user, password=settings.api_password, clock=clock)

    @app.get("/healthz")
    def healthz() -> ResponseReturnValue:
        return {"status": "ok"}

    @app.get("/readyz")
    def readyz() -> ResponseReturnValue:
        waiting = [name for name, library in libraries.items() if not library.database.is_ready()]
        return ({"status": "not ready", "libraries": waiting}, 503) if waiting else {"status": "ok"}

    return app
