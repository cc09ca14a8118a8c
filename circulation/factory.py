"""Builds the Flask application from settings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from flask import Flask
from flask.typing import ResponseReturnValue

from circulation.http import api
from circulation.libraries import open_libraries
from circulation.settings import Settings


def utc_now() -> datetime:
    """The present."""
    return datetime.now(UTC)


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
