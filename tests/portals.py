"""Portals that tests borrow one after another: to make one anew costs more than most tests take."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, Self

from apiflask import APIFlask
from sqlalchemy import Engine, create_engine, make_url
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache

from app import create_app, open_register
from app.config import Settings
from app.messages.channels import Inbox
from app.register.store.transaction import db
from app.web.faults.journal_watch import JournalWatch

_NOT_KEPT = ("config", "extensions", "test_client_class", "jinja_env", "jinja_loader")
"""What a borrowed portal gets anew (the first three), and what belongs to its templates, not to a test."""


class _SharedDialect:
    """One for all engines of a process: SQLAlchemy compiles a statement once for each."""

    _shared: Self | None = None

    def __new__(cls, **_options: Any) -> Self:
        if cls._shared is None:
            cls._shared = super().__new__(cls)
        return cls._shared

    def __init__(self, **options: Any) -> None:
        if not vars(self):
            super().__init__(**options)


class SharedSQLite(_SharedDialect, SQLiteDialect_pysqlite):
    supports_statement_cache = True


class SharedPostgreSQL(_SharedDialect, PGDialect_psycopg):
    supports_statement_cache = True


registry.register("sqlite.shared", __name__, SharedSQLite.__name__)
registry.register("postgresql.shared", __name__, SharedPostgreSQL.__name__)
_COMPILED: LRUCache[Any, Any] = LRUCache(2000)


def _connect(database_url: str, options: dict[str, Any]) -> Engine:
    url = make_url(database_url)
    shared = url.set(drivername=f"{url.get_backend_name()}+shared")
    return create_engine(shared, execution_options={"compiled_cache": _COMPILED}, **options)


class Portal:
    """A portal with one kind of settings, and what it was like before anybody borrowed it."""

    def __init__(self, settings: Settings) -> None:
        self.app = create_app(settings)
        self.app.testing = True
        # From the first request on Flask refuses further routes and hooks, whichever test comes first.
        self.app.test_client().get("/healthz")
        self._config, self._extensions = dict(self.app.config), dict(self.app.extensions)
        self._attributes = self._describe()
        self.close()

    def open(self, settings: Settings, *, clock: Callable[[], datetime], post: Inbox) -> APIFlask:
        """Connect it to a test's database."""
        app = self.app
        app.config.clear()
        app.config.update(self._config, CLOCK=clock, SQLALCHEMY_DATABASE_URI=settings.database_url)
        app.extensions.clear()
        app.extensions.update(self._extensions, journal_watch=JournalWatch(), post=post)
        app.test_client_class = None
        with app.app_context():
            db.engines[None] = _connect(settings.database_url, app.config["SQLALCHEMY_ENGINE_OPTIONS"])
            open_register(settings)
        return app

    def close(self) -> None:
        """End its connections."""
        close_portal(self.app)

    def is_unchanged(self) -> bool:
        """Tell whether the test left its routes, hooks and attributes as they were."""
        return self._describe() == self._attributes

    def _describe(self) -> dict[str, object]:
        known = {name: value for name, value in vars(self.app).items() if name not in _NOT_KEPT}
        return {name: _copy(value) for name, value in known.items()} | {
            "rules": len(list(self.app.url_map.iter_rules()))
        }


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        # Flask's defaultdicts get empty entries when they are read.
        return {key: copied for key, each in value.items() if (copied := _copy(each)) not in ({}, [])}
    return list(value) if isinstance(value, list) else value


def close_portal(app: APIFlask) -> None:
    """End an app's connections to its database."""
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


class Portals:
    """Those of one process."""

    def __init__(self) -> None:
        self._kinds: list[tuple[Settings, list[Portal]]] = []

    def borrow(
        self, settings: Settings, *, clock: Callable[[], datetime], post: Inbox
    ) -> tuple[APIFlask, Callable[[], None]]:
        """Return a portal that nobody else has, and what gives it back."""
        kind = replace(settings, database_url=settings.database_url.split(":")[0], erasure_journal="")
        free = next((free for known, free in self._kinds if known == kind), None)
        if free is None:
            free = []
            self._kinds.append((kind, free))
        portal = free.pop() if free else Portal(settings)

        def give_back() -> None:
            portal.close()
            if portal.is_unchanged():
                free.append(portal)

        return portal.open(settings, clock=clock, post=post), give_back
