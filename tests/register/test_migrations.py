"""The migrations build what the tables say, step by step and back, on both engines."""

import ast
from pathlib import Path

import flask_migrate
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect

from app import create_app
from app.register.store.transaction import db
from app.register.tables.columns import Base
from tests.conftest import settings_for

HOUSE = Path(__file__).parents[2]


@pytest.fixture
def empty_url(databases, engine):
    url = databases.empty(engine)
    yield url
    databases.drop(url)


@pytest.fixture
def migrated(empty_url, clock):
    """An empty database, with the portal's migrations at hand and a way to look at it."""
    portal = create_app(settings_for(empty_url), clock=clock)
    watcher = create_engine(empty_url)
    with portal.app_context():
        yield watcher
        db.session.remove()
        db.engine.dispose()
    watcher.dispose()


def revisions() -> list[str]:
    return [script.revision for script in ScriptDirectory("migrations").walk_revisions()][::-1]


def tables_in(watcher) -> set[str]:
    return set(inspect(watcher).get_table_names()) - {"alembic_version"}


def differences(watcher):
    with watcher.connect() as connection:
        return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), Base.metadata)


def test_the_migrations_build_what_the_tables_say(migrated):
    flask_migrate.upgrade()
    assert differences(migrated) == []
    assert tables_in(migrated) == set(Base.metadata.tables)


def test_a_missing_column_would_be_found(migrated):
    flask_migrate.upgrade()
    with migrated.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE patrons DROP COLUMN place")
    assert differences(migrated) != []


def test_every_rule_of_a_table_bears_its_name_in_the_database(migrated):
    flask_migrate.upgrade()
    inspector = inspect(migrated)
    for table in Base.metadata.sorted_tables:
        rules = table.constraints - {table.primary_key} | table.indexes
        named = {str(rule.name) for rule in rules}
        found = {
            entry["name"]
            for entries in (
                inspector.get_unique_constraints(table.name),
                inspector.get_foreign_keys(table.name),
                inspector.get_check_constraints(table.name),
                inspector.get_indexes(table.name),
            )
            for entry in entries
        }
        assert named <= found


def test_there_is_one_line_of_revisions():
    assert len(ScriptDirectory("migrations").get_heads()) == 1


def test_each_step_goes_up_down_and_up_again(migrated):
    before = tables_in(migrated)
    assert before == set()
    for revision in revisions():
        flask_migrate.upgrade(revision=revision)
        after = tables_in(migrated)
        flask_migrate.downgrade(revision="-1")
        assert tables_in(migrated) == before
        flask_migrate.upgrade(revision=revision)
        assert tables_in(migrated) == after
        before = after
    assert differences(migrated) == []


def test_all_the_way_down_leaves_nothing(migrated):
    flask_migrate.upgrade()
    flask_migrate.downgrade(revision="base")
    assert tables_in(migrated) == set()


def test_a_first_migration_needs_nothing_of_the_program():
    program = ("app", "circulation", "bench", "tests")
    for path in (*HOUSE.glob("migrations/versions/*.py"), *HOUSE.glob("circulation/migrations/versions/*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not [name for name in names if name.partition(".")[0] in program], path.name


def test_a_register_in_use_comes_down_and_goes_up_again(database_url):
    """With the demonstration's people in it, which no foreign key may hold back."""
    flask_migrate.downgrade(revision="base")
    watcher = create_engine(database_url)
    assert tables_in(watcher) == set()
    flask_migrate.upgrade()
    assert differences(watcher) == []
    with watcher.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM patrons").scalar_one() == 0
        assert connection.exec_driver_sql("SELECT id, seq, unproved_to FROM access_log_head").all() == [(1, 0, 0)]
    watcher.dispose()
