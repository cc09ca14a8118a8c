"""Every test of the register runs on SQLite and on a real PostgreSQL."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from apiflask import APIFlask

from app import create_app
from app.register.moving.imports import (
    DONE,
    begin_import,
    check_import,
    hash_of_file,
    list_columns,
    read_import,
    take_in,
)
from app.register.moving.known import Rules
from app.register.store.transaction import db, writing
from app.rules.moving.columns import read_patron_file
from tests.conftest import Clock, settings_for
from tests.register.moving import HEADINGS, lines_of, work_through
from tests.register.people import ULLENSAKER
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


@pytest.fixture
def rules(clock):
    return lambda: Rules(now=clock(), allow_synthetic=True)


@pytest.fixture
def upload(clock):
    def upload(*rows, library_id=ULLENSAKER, consent=True):
        content = "\r\n".join([HEADINGS, *rows, ""]).encode()
        with writing():
            import_id = begin_import(
                library_id=library_id,
                actor="admin",
                file=read_patron_file(content),
                file_hash=hash_of_file(content),
                language="nb",
                now=clock(),
            )
            columns = list_columns(import_id=import_id, library_id=library_id)
            fields = [column.field for column in columns]
            check_import(import_id=import_id, library_id=library_id, fields=fields, language="nb", consent=consent)
        return import_id

    return upload


@pytest.fixture
def move_in(upload, rules):
    """Check a file, take it in, and return what was told by line at first, and in the end."""

    def move_in(*rows, library_id=ULLENSAKER, by_day=200, **how):
        import_id = upload(*rows, library_id=library_id, **how)
        work_through(rules())
        told = lines_of(import_id)
        with writing():
            take_in(import_id=import_id, library_id=library_id, by_day=by_day)
        work_through(rules())
        assert read_import(import_id=import_id, library_id=library_id).state == DONE
        return told, lines_of(import_id)

    return move_in
