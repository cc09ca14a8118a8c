"""What every test may use: a register of its own on a chosen engine, a clock to turn, and the demo's people."""

import shutil
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import flask_migrate
import hypothesis
import pytest
from apiflask import APIFlask

from app import create_app
from app.config import Settings
from app.demo.seed import seed_register
from app.messages.channels import Inbox
from app.register.keys import vault as vault_module
from app.register.store.transaction import db
from tests.needs import (  # noqa: F401 - hooks
    pytest_addoption,
    pytest_collection_finish,
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_runtest_setup,
    pytest_runtest_teardown,
    pytest_sessionfinish,
    pytest_terminal_summary,
    pytest_testnodedown,
    pytest_xdist_auto_num_workers,
)
from tests.portals import Portals, close_portal
from tests.postgres import create_database, drop_database, running_postgres

# Properties are checked without a stopwatch: a slow machine breaks no rule.
hypothesis.settings.register_profile(
    "unhurried", deadline=None, max_examples=50, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("unhurried")

# A slow hash is there for whoever guesses; what it costs is for tests of that alone, which ask for true_argon2.
TRUE_ARGON2 = vault_module.ARGON2ID
vault_module.ARGON2ID = TRUE_ARGON2.using(memory_cost=8, time_cost=1)


def _no_adapter(value: date) -> str:
    raise TypeError(f"A {type(value).__name__} for SQLite needs its type in the statement (bindparam).")


# Python 3.12 and later warn of sqlite3's own adapters, and will have none: the tests have none with any Python.
for each in (date, datetime):
    sqlite3.register_adapter(each, _no_adapter)

START = datetime(2026, 11, 22, 9, 0, 0, tzinfo=UTC)
_TEMPLATE = "template_register"
VAULT_KEYS = {1: bytes(range(32))}


class Clock:
    """A clock that stands still until it is turned."""

    def __init__(self, instant: datetime = START) -> None:
        self.instant = instant

    def __call__(self) -> datetime:
        return self.instant

    def turn(self, *, seconds: float = 0, days: float = 0) -> datetime:
        self.instant += timedelta(seconds=seconds, days=days)
        return self.instant


def journal_for(database_url: str) -> str:
    """Return where a test's journal of erasures is: beside the file, and otherwise in the test's one database."""
    path = database_url.removeprefix("sqlite:///")
    return f"{path}.journal" if path != database_url else database_url


MakeApp = Callable[..., APIFlask]


def settings_for(database_url: str) -> Settings:
    return Settings(
        database_url=database_url,
        secret_key="a secret key for tests that is long enough",
        vault_keys=VAULT_KEYS,
        public_url="https://card.example.org",
        erasure_journal=journal_for(database_url),
        new_device="pin",
        demo=True,
        secure_cookies=False,
        allow_synthetic_ids=True,
    )


class Databases:
    """Registers with the demo's people, migrated and seeded once an engine and copied for each test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self._server = ""
        self._has_template = False

    def copy(self, engine: str) -> str:
        return self._copy_sqlite() if engine == "sqlite" else self._copy_postgresql()

    def drop(self, url: str) -> None:
        if url.startswith("postgresql"):
            drop_database(url)
        else:
            for path in self._folder.glob(f"{Path(url).name}*"):
                path.unlink()

    def server(self) -> str:
        if not self._server:
            self._server = self._stack.enter_context(running_postgres(in_memory=True))
        return self._server

    def empty(self, engine: str) -> str:
        name = uuid.uuid4().hex
        if engine == "sqlite":
            return f"sqlite:///{self._folder / name}.sqlite"
        return create_database(self.server(), name)

    def close(self) -> None:
        self._stack.close()

    def _copy_sqlite(self) -> str:
        template = self._folder / "template.sqlite"
        if not template.exists():
            _seed(f"sqlite:///{template}")
        target = self._folder / f"{uuid.uuid4().hex}.sqlite"
        shutil.copyfile(template, target)
        return f"sqlite:///{target}"

    def _copy_postgresql(self) -> str:
        if not self._has_template:
            _seed(create_database(self.server(), _TEMPLATE))
            self._has_template = True
        return create_database(self.server(), uuid.uuid4().hex, template=_TEMPLATE)


def _seed(url: str) -> None:
    app = create_app(settings_for(url), clock=Clock())
    with app.app_context():
        flask_migrate.upgrade()
        seed_register(now=START)
        db.session.remove()
        db.engine.dispose()


@pytest.fixture(scope="session")
def programs() -> None:
    """Asked for by tests that start programs of their own; the fast tests leave those out."""


@pytest.fixture(scope="session")
def run_postgres() -> Callable[..., AbstractContextManager[str]]:
    """Run a PostgreSQL of the test's own, with settings of its own (tests/postgres.py)."""
    return running_postgres


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    made = Databases(tmp_path_factory.mktemp("databases"))
    yield made
    made.close()


@pytest.fixture
def true_argon2(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash as slowly as the portal does."""
    monkeypatch.setattr(vault_module, "ARGON2ID", TRUE_ARGON2)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def engine() -> str:
    """The engine a test runs on. tests/register/ runs every test on both."""
    return "sqlite"


@pytest.fixture
def database_url(databases: Databases, engine: str) -> Iterator[str]:
    url = databases.copy(engine)
    yield url
    databases.drop(url)


@pytest.fixture
def post(tmp_path: Path) -> Inbox:
    """Where the test's messages land."""
    return Inbox(tmp_path / "inbox")


@pytest.fixture(scope="session")
def portals() -> Portals:
    return Portals()


@pytest.fixture
def make_app(database_url: str, clock: Clock, post: Inbox, portals: Portals) -> Iterator[Callable[..., APIFlask]]:
    """Make the portal again over the same database, as a restart does, with settings such as `new_device="code"`.

    `own=True` makes one that no test has had or will have, which takes routes and hooks.
    """
    with ExitStack() as made:

        def make(*, own: bool = False, **changes: Any) -> APIFlask:
            settings = replace(settings_for(database_url), **changes)
            if own:
                app = create_app(settings, clock=clock, post=post)
                app.testing = True
                made.callback(close_portal, app)
            else:
                app, give_back = portals.borrow(settings, clock=clock, post=post)
                made.callback(give_back)
            return app

        yield make


@pytest.fixture
def app(make_app: MakeApp) -> APIFlask:
    return make_app()
