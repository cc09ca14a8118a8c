"""Both buildings: pages that ask a library, and a library that answers."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from app.ils.overview import ask_libraries
from tests.conftest import Clock
from tests.doors.conftest import administrator, desk, new_browser, read_database  # noqa: F401 - fixtures that are used here too
from tests.doors.visits import CHILD, GUARDIAN, log_in, scan_at_desk, shown_code
from tests.town import PATIENCE_SECONDS, Town, build_town


@pytest.fixture
def town(tmp_path: Path, clock: Clock) -> Iterator[Town]:
    """Two libraries that lend."""
    built = build_town(tmp_path / "libraries", clock=clock)
    yield built
    built.close()


@pytest.fixture
def app(app: APIFlask, town: Town, monkeypatch: pytest.MonkeyPatch) -> APIFlask:
    """The portal, connected to them, and patient."""
    app.extensions["ils"] = town.systems
    monkeypatch.setitem(ask_libraries.__kwdefaults__, "timeout", PATIENCE_SECONDS)
    monkeypatch.setattr("app.web.gate.DESK_PATIENCE_SECONDS", PATIENCE_SECONDS)
    return app


@pytest.fixture
def child(new_browser: Callable[..., FlaskClient]) -> FlaskClient:  # noqa: F811
    """The child's phone, signed in."""
    browser = new_browser()
    log_in(browser, *CHILD)
    return browser


@pytest.fixture
def guardian(new_browser: Callable[..., FlaskClient]) -> FlaskClient:  # noqa: F811
    """The guardian's phone, signed in."""
    browser = new_browser()
    log_in(browser, *GUARDIAN)
    return browser


@pytest.fixture
def served(desk: FlaskClient, child: FlaskClient) -> FlaskClient:  # noqa: F811
    """The desk at Ullensaker, with the child before it."""
    scan_at_desk(desk, shown_code(child))
    return desk
