"""Browsers whose every answer is inspected, and a look at all that the database holds."""

from collections.abc import Callable
from pathlib import Path

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import text

from app.card.offers import Wallets
from app.messages.channels import Inbox
from app.register.store.transaction import db
from app.register.tables.columns import Base
from tests.doors.inspection import InspectingClient
from tests.doors.visits import GUARDIAN, MULLSJO, desk_log_in, log_in
from tests.doors.wallets import allow
from tests.wallets import apple_issuer, google_issuer


class CompiledTemplates(BytecodeCache):
    """Templates compiled once for all the apps that the tests make, which is half of a test's time."""

    def __init__(self) -> None:
        self._compiled: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._compiled:
            bucket.bytecode_from_string(self._compiled[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._compiled[bucket.key] = bucket.bytecode_to_string()


COMPILED_TEMPLATES = CompiledTemplates()
Contents = dict[str, list[tuple[object, ...]]]


@pytest.fixture
def app(app: APIFlask, tmp_path: Path) -> APIFlask:
    """The portal of the demonstration, with its inbox."""
    app.extensions["post"] = Inbox(tmp_path / "inbox")
    return app


@pytest.fixture
def new_browser(app: APIFlask) -> Callable[..., FlaskClient]:
    """Open another browser, with a jar of cookies of its own. `lang="en"`: the words tests read are the msgids."""
    app.test_client_class = InspectingClient
    app.jinja_env.bytecode_cache = COMPILED_TEMPLATES

    def open_browser(*, lang: str = "en") -> FlaskClient:
        client = app.test_client()
        client.set_cookie("lang", lang)
        return client

    return open_browser


@pytest.fixture
def client(new_browser: Callable[..., FlaskClient]) -> FlaskClient:
    """A browser of somebody who is not signed in."""
    return new_browser()


@pytest.fixture
def phone(new_browser: Callable[..., FlaskClient]) -> FlaskClient:
    """The guardian's own phone, signed in."""
    browser = new_browser()
    assert log_in(browser, *GUARDIAN, keep=True).status_code == 302
    return browser


@pytest.fixture
def both_wallets(app: APIFlask, tmp_path: Path) -> None:
    """Make it the portal of an operator that has both wallets, and of a home library that takes static codes."""
    app.extensions["wallets"] = Wallets(google=google_issuer(), apple=apple_issuer(tmp_path))
    allow(app)


@pytest.fixture
def mullsjo(new_browser: Callable[..., FlaskClient]) -> FlaskClient:
    """The desk of the other library, signed in."""
    browser = new_browser()
    assert desk_log_in(browser, MULLSJO).status_code == 302
    return browser


@pytest.fixture
def desk(new_browser: Callable[..., FlaskClient]) -> FlaskClient:
    """The computer at Ullensaker's desk, signed in."""
    browser = new_browser()
    assert desk_log_in(browser).status_code == 302
    return browser


@pytest.fixture
def read_database(app: APIFlask) -> Callable[[], Contents]:
    """Read every row of the register, but for the counters, which are there to change."""

    def read() -> Contents:
        with app.app_context(), db.engine.connect() as connection:
            return {
                table.name: sorted(map(tuple, connection.execute(text(f"SELECT * FROM {table.name}"))), key=repr)
                for table in Base.metadata.sorted_tables
                if table.name not in ("act_counts", "attempt_counts")
            }

    return read
