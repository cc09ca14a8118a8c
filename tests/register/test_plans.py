"""What is asked about one patron goes by an index, so that it costs the same in a register of any size."""

import pytest
from sqlalchemy import Select, exists, select, text

from app.register.leaving.own_data import OWN_TABLES
from app.register.patron.presence import has_joined, is_present, was_notified
from app.register.store.transaction import db
from app.register.tables.patrons import Patron
from tests.register.people import GUARDIAN, ULLENSAKER


def plan_of(query: Select) -> str:
    """Return how the engine would find the rows, where it reads a whole table only if there is no other way."""
    sql = str(query.compile(db.engine, compile_kwargs={"literal_binds": True})).replace("%%", "%")
    connection = db.session.connection()
    if db.engine.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        return "\n".join(str(row[0]) for row in connection.exec_driver_sql(f"EXPLAIN {sql}"))
    return "\n".join(str(row[3]) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}"))


def reads_whole_tables(plan: str) -> list[str]:
    return [line for line in plan.splitlines() if "Seq Scan" in line or line.startswith("SCAN ")]


@pytest.mark.parametrize("name", OWN_TABLES)
def test_everything_about_a_patron_is_found_by_an_index(name):
    patron = db.session.scalars(select(Patron).where(Patron.card_number == GUARDIAN)).one()
    own = OWN_TABLES[name]
    key = next(iter(own.table.__table__.primary_key))
    assert reads_whole_tables(plan_of(select(key).where(own.rows(patron)))) == []


@pytest.mark.parametrize("condition", [has_joined, was_notified, is_present])
def test_what_a_library_is_to_a_patron_is_found_by_an_index(condition, clock):
    given = {"now": clock()} if condition is is_present else {}
    query = select(Patron.id).where(Patron.id == 1, condition(ULLENSAKER, **given))
    assert reads_whole_tables(plan_of(query)) == []


def test_a_whole_table_that_is_read_would_be_found():
    query = select(Patron.id).where(Patron.gender == "unknown", exists().where(Patron.name == "a"))
    assert len(reads_whole_tables(plan_of(query))) == 2
