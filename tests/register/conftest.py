"""Every test of the register runs on SQLite and on a real PostgreSQL."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from apiflask import APIFlask

from app import create_app
from app.register.store.transaction import db
from tests.conftest import Clock, settings_for
from tests.register.rotating import keep_everything


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(autouse=True)
def in_the_register(app: APIFlask) -> Iterator[None]:
    with app.app_context():
        yield


@pytest.fixture
def kept(app: APIFlask, clock: Clock) -> Callable[[], bool]:
    """One of everything that stands under a key, and how to see that each still works."""
    return keep_everything(clock)


@pytest.fixture
def open_restored(database_url: str, clock, post) -> Iterator[Callable[..., APIFlask]]:
    """Start the portal over a restored database. Its journal is the one of the register that was lost."""
    made = []

    def start(url: str, **changed: object) -> APIFlask:
        settings = replace(settings_for(database_url), database_url=url, **changed)
        app = create_app(settings, clock=clock, post=post)
        app.testing = True
        made.append(app)
        return app

    yield start
    for app in made:
        with app.app_context():
            db.session.remove()
            db.engine.dispose()
