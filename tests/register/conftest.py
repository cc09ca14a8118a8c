"""Every test of the register runs on SQLite and on a real PostgreSQL."""

from collections.abc import Iterator

import pytest
from apiflask import APIFlask


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(autouse=True)
def in_the_register(app: APIFlask) -> Iterator[None]:
    with app.app_context():
        yield
