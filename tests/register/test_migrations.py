"""The migrations build what the tables say, step by step and back, on both engines."""

import flask_migrate
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect

from app import create_app
from app.register.patron.numbers import NumberWasIssued, note_number
from app.register.store.transaction import db
from app.register.tables.register import Base
from tests.conftest import settings_for


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


def test_a_register_in_use_keeps_its_people_and_what_is_still_to_be_told(migrated):
    flask_migrate.upgrade(revision="0002")
    with migrated.begin() as connection:
        for statement in IN_USE:
            connection.exec_driver_sql(statement)
    flask_migrate.upgrade()
    with migrated.connect() as connection:
        number, told = connection.exec_driver_sql(
            "SELECT p.card_number, n.seq FROM patrons p JOIN affiliations a ON a.patron_id = p.id"
            " JOIN library_notices n ON n.patron_id = p.id"
        ).one()
    assert (number, told) == ("N000000007", 1)
    with pytest.raises(NumberWasIssued):
        note_number("N000000006")


IN_USE = (
    "INSERT INTO libraries (id, name, kind, static_codes, desks_share_scans)"
    " VALUES ('2023500', 'Ullensaker', 'folkbib', false, false)",
    "INSERT INTO patrons (id, card_number, card_state, name, birth_date, gender, preferred_contact, home_library_id,"
    " registered_at) VALUES (1, 'N000000007', 'active', 'Kari', '1990-05-17', 'female', 'email', '2023500',"
    " '2026-01-01 00:00:00')",
    "INSERT INTO affiliations VALUES (1, '2023500', '2026-01-01 00:00:00')",
    "INSERT INTO issued_numbers VALUES ('N000000006'), ('N000000007')",
    "INSERT INTO library_notices (library_id, patron_id, old_card_number, new_card_number, asked_at, due_at, attempts)"
    " VALUES ('2023500', 1, 'N000000006', 'N000000007', '2026-01-01 00:00:00', '2026-01-01 00:00:00', 0)",
)
