"""Tables are written anew, by VACUUM FULL here, for pg_repack is tried by `./manage drill rewrite`.

PostgreSQL's log begins a new file afterwards, where the role may ask for that.
"""

from collections.abc import Iterator

import pytest
from apiflask import APIFlask
from sqlalchemy import Connection, text

from app import create_app
from app.register.leaving import overwriting
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


def test_another_way_may_be_that_of_a_role_that_may_more(of_a_plain_owner, database_url):
    with of_a_plain_owner.app_context():
        before = log_file()
        assert rewrite_tables(url=database_url) == []
        assert log_file() > before


def test_a_table_that_is_in_use_is_left_and_named_and_all_others_are_written_anew(monkeypatch):
    monkeypatch.setattr(overwriting, "LOCK_WAIT", "20ms")
    told: list[str] = []
    with db.engine.connect() as reader, reader.begin():
        reader.execute(text("SELECT id FROM patrons LIMIT 1"))
        files = data_files(reader)
        assert rewrite_tables(tell=told.append) == ["patrons"]
        same = {name for name, file in data_files(reader).items() if file == files[name]}
    assert [line.partition(",")[0] for line in told if line.startswith("p")] == [
        "passkeys: locked meanwhile",
        "patron_import_batches: locked meanwhile",
        "patron_import_lines: locked meanwhile",
        "patron_imports: locked meanwhile",
        "patrons: left as it was",
        "pin_orders: locked meanwhile",
        "pin_verifiers: locked meanwhile",
        "presented_steps: locked meanwhile",
        "push_messages: locked meanwhile",
        "push_subscriptions: locked meanwhile",
        "pg_catalog.pg_statistic: locked meanwhile",
    ]
    assert "patrons" in same
    assert not {"access_log", "credentials", "library_notices", "pin_orders", "attempt_counts"} & same


def data_files(connection: Connection) -> dict[str, int]:
    return {row[0]: row[1] for row in connection.execute(text("SELECT relname, relfilenode FROM pg_class"))}


def test_pages_keep_room_for_what_changes_at_every_scan_and_use_of_a_card():
    with db.engine.connect() as connection:
        roomy = "SELECT relname FROM pg_class WHERE reloptions @> ARRAY['fillfactor=90'] ORDER BY relname"
        assert connection.scalars(text(roomy)).all() == ["credentials", "patrons"]
