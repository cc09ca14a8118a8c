"""PostgreSQL's log begins a new file after tables were written anew, where the role may ask for that."""

from collections.abc import Iterator

import pytest
from apiflask import APIFlask
from sqlalchemy import text

from app import create_app
from app.register.leaving.overwriting import rewrite_tables
from app.register.store.transaction import db
from tests.conftest import settings_for

OWNER = "a_role_that_owns_the_tables"


def log_file() -> str:
    with db.engine.connect() as connection:
        return str(connection.scalar(text("SELECT pg_walfile_name(pg_current_wal_insert_lsn())")))


@pytest.fixture(params=["postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_log_with_what_is_gone_is_ended():
    before = log_file()
    assert rewrite_tables() == []
    assert log_file() > before


@pytest.fixture
def of_a_plain_owner(app: APIFlask, database_url: str, clock) -> Iterator[APIFlask]:
    """The portal as a role that owns its tables, and is no superuser."""
    with app.app_context(), db.engine.begin() as connection:
        role = f"{OWNER}_{connection.scalar(text('SELECT oid FROM pg_database WHERE datname = current_database()'))}"
        connection.execute(text(f"CREATE ROLE {role} LOGIN"))
        for name in connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all():
            connection.execute(text(f"ALTER TABLE {name} OWNER TO {role}"))
    made = create_app(settings_for(database_url.replace("postgres@", f"{role}@")), clock=clock)
    yield made
    with made.app_context():
        db.session.remove()
        db.engine.dispose()
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text(f"REASSIGN OWNED BY {role} TO postgres"))
        connection.execute(text(f"DROP ROLE {role}"))


def test_a_role_that_may_not_end_it_rewrites_all_the_same(of_a_plain_owner):
    with of_a_plain_owner.app_context():
        assert "patrons" not in rewrite_tables()
