"""One way to a transaction: what is kept, what is undone, and what a wrong order comes to."""

from contextlib import suppress

import pytest
from sqlalchemy import select, text, update

from app.register.store.transaction import (
    NotWriting,
    TransactionIsOpen,
    UndoneWithin,
    autonomous,
    begin_reading,
    db,
    end_reading,
    reading,
    savepoint,
    writing,
)
from app.register.tables.library import Library
from app.rules.errors import RuleBroken
from tests.register.people import ULLENSAKER

RENAME = update(Library).where(Library.id == ULLENSAKER)


class AlreadyThere(RuleBroken):
    """What a violated constraint means here."""


@pytest.fixture(autouse=True)
def _reading(app):
    with app.app_context():
        begin_reading()
        yield
        end_reading()


def name() -> str:
    with autonomous() as connection:
        return connection.execute(select(Library.name).where(Library.id == ULLENSAKER)).scalar_one()


def rename(to: str) -> None:
    db.session.execute(RENAME.values(name=to))


@writing()
def rename_and_fail() -> None:
    rename("Renamed")
    raise RuleBroken


def test_what_is_written_is_kept_at_the_end():
    with writing():
        rename("Renamed")
    assert name() == "Renamed"
    assert not db.session().in_transaction()


def test_an_error_undoes_all_of_it():
    before = name()
    with pytest.raises(RuleBroken):
        rename_and_fail()
    assert name() == before


def test_within_another_it_is_part_of_that_one():
    before = name()
    with pytest.raises(RuleBroken):
        writing()(rename_and_fail)()
    assert name() == before


def test_what_is_part_of_another_is_kept_with_it():
    writing()(writing()(rename))("Within")
    assert name() == "Within"


def test_an_error_that_is_caught_within_the_transaction_keeps_no_half_of_it():
    before = name()

    @writing()
    def go_on_all_the_same() -> None:
        with suppress(RuleBroken):
            rename_and_fail()

    with pytest.raises(UndoneWithin):
        go_on_all_the_same()
    assert name() == before


def test_it_can_be_undone_without_an_error():
    before = name()
    with writing() as transaction:
        rename("Renamed")
        transaction.undo()
    assert name() == before


def test_it_decorates_a_function_each_time_anew():
    done = writing()(rename)
    done("Once")
    done("Twice")
    assert name() == "Twice"


def test_what_was_read_before_is_read_anew_under_the_lock():
    library = db.session.get_one(Library, ULLENSAKER)
    with autonomous() as connection:
        connection.execute(RENAME.values(name="Meanwhile"))
    with writing():
        assert library.name == "Meanwhile"


@pytest.mark.parametrize("sends_first", [False, True])
def test_what_outlives_a_refusal_cannot_be_asked_for_inside_a_transaction(sends_first):
    with writing() as transaction:
        if sends_first:
            db.session.execute(text("SELECT 1"))
        with pytest.raises(TransactionIsOpen), autonomous():
            pass
        transaction.undo()


def test_what_outlives_a_refusal_is_kept_beside_a_reading_one():
    assert db.session.get_one(Library, ULLENSAKER)
    with autonomous() as connection:
        connection.execute(RENAME.values(name="Kept"))
    assert name() == "Kept"


@pytest.mark.parametrize(
    "statement", [RENAME.values(name="X"), text("DELETE FROM libraries"), select(Library).with_for_update()]
)
def test_nothing_is_written_or_locked_while_reading(statement):
    with pytest.raises(NotWriting):
        db.session.execute(statement)


def test_nothing_is_flushed_while_reading():
    db.session.get_one(Library, ULLENSAKER).name = "X"
    with pytest.raises(NotWriting):
        db.session.flush()
    db.session.expire_all()


def test_nothing_stays_open_after_reading():
    with reading():
        assert db.session.get_one(Library, ULLENSAKER)
        assert db.session().in_transaction()
    assert not db.session().in_transaction()


def test_a_violated_constraint_is_the_refusal_that_its_name_stands_for():
    again = Library(id=ULLENSAKER, name="Again", kind="folkbib")
    with writing():
        with pytest.raises(AlreadyThere), savepoint({"pk_libraries": AlreadyThere}):
            db.session.add(again)
        rename("After it")
    assert name() == "After it"


def test_statements_are_prepared_where_no_pooler_is_in_between():
    with autonomous() as connection:
        driver = connection.connection.dbapi_connection
        assert getattr(driver, "prepare_threshold", 5) is not None
