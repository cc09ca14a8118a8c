"""The tables come and go by migration, on both engines, and say the same as the code."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect

from circulation.database import Database, WrongLibrary
from circulation.tables import Base
from tests.conftest import Databases


@pytest.fixture
def empty(engine: str, databases: Databases) -> str:
    return databases.empty(engine)


def test_the_tables_come_and_go(empty: str) -> None:
    database = Database(library="Mull", url=empty)
    assert not database.is_ready()
    database.migrate()
    assert database.is_ready()
    database.migrate()
    assert database.is_ready()
    database.migrate("base")
    assert not database.is_ready()
    plain = create_engine(empty)
    assert inspect(plain).get_table_names() == ["alembic_version"]
    plain.dispose()
    database.migrate()
    assert database.is_ready()
    database.close()


def test_the_migrations_make_what_the_code_says(empty: str) -> None:
    database = Database(library="Mull", url=empty)
    database.migrate()
    plain = create_engine(empty)
    with plain.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    with plain.connect() as connection:
        for table in Base.metadata.sorted_tables:
            wanted = {str(c.name) for c in table.constraints if c.__class__.__name__ == "CheckConstraint"}
            assert {c["name"] for c in inspect(connection).get_check_constraints(table.name)} == wanted
    plain.dispose()
    database.close()


def test_a_database_serves_one_library_only(empty: str) -> None:
    database = Database(library="Mull", url=empty)
    database.migrate()
    database.close()
    stranger = Database(library="2023500", url=empty)
    assert not stranger.is_ready()
    with pytest.raises(WrongLibrary, match="belongs to library Mull"):
        stranger.migrate()
    stranger.close()
