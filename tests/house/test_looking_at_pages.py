"""Asking for a page writes nothing, but for what is written of looking, guessing and serving."""

import pytest
from sqlalchemy import select

from app.register.card.families import give_permission, switch
from app.register.store.transaction import db
from app.register.tables.columns import Base
from app.register.tables.patrons import FamilyPermission, Patron
from app.web.access import Audience
from tests.doors.visits import ADMINISTRATOR, CHILD, GUARDIAN, desk_log_in, log_in, scan_at_desk, shown_code
from tests.house.test_routes import pages

# Looking at somebody else's loans is an event: it is written down before the page is served (docs/adr/0004).
WRITTEN_BY_LOOKING = {path: {"access_log"} for path in ("/my", "/my/loans", "/my/loans.ics", "/my/loans/cost")}
# A wrong code is counted before it is looked for, by whatever method it is tried.
WRITTEN_BY_GUESSING = {path: {"attempt_counts"} for path in ("/receipt/NO-SUCH-CODE", "/calendar/NO-SUCH-SECRET.ics")}
# What everybody may ask for is counted by where it is asked from, which is stored as a keyed hash alone.
WRITTEN_BY_COUNTING = {path: {"attempt_counts"} for path in ("/api/v1/libraries", "/api/v1/libraries/2023500")}
WRITTEN_BY_GUESSING |= WRITTEN_BY_COUNTING
WRITTEN_BY_SERVING = {f"/desk/patron{page}": {"access_log"} for page in ("", "/contact", "/death")}
WRITTEN_BY_LISTING = {"/desk/lists": {"access_log"}}

EVERY_PAGE = [
    page
    for audience in (Audience.ANYONE, Audience.PATRON, Audience.STAFF, Audience.ADMINISTRATOR)
    for page in pages(audience)
]


@pytest.fixture
def read_register(app):
    """Read every row of every table, whoever else reads or writes."""

    def read() -> dict[str, list[str]]:
        with app.app_context(), db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            return {
                table.name: sorted(repr(tuple(row)) for row in connection.execute(select(table)))
                for table in Base.metadata.sorted_tables
            }

    return read


def written_by(browser, page, read_register) -> set[str]:
    before = read_register()
    assert browser.get(page).status_code < 500, page
    after = read_register()
    return {table for table in after if after[table] != before[table]}


@pytest.fixture
def guardian(app):
    """The guardian's browser, signed in, with a child's loans switched on."""
    with app.app_context():
        ids = dict(db.session.execute(select(Patron.card_number, Patron.id)).all())
        db.session.rollback()
        now = app.config["CLOCK"]()
        give_permission(patron_id=ids[CHILD[0]], guardian_card_number=GUARDIAN[0], now=now)
        db.session.flush()
        permission = db.session.scalars(select(FamilyPermission.id)).one()
        switch(guardian_id=ids[GUARDIAN[0]], permission_id=permission, on=True, now=now)
        db.session.commit()
    browser = app.test_client()
    assert log_in(browser, *GUARDIAN).status_code == 302
    return browser


@pytest.fixture
def desk(app, guardian):
    """A desk's browser, signed in, with the guardian's card just scanned."""
    browser = app.test_client()
    assert desk_log_in(browser).status_code == 302
    assert scan_at_desk(browser, shown_code(guardian)).status_code in (200, 302)
    return browser


def test_no_page_that_a_stranger_looks_at_writes(app, read_register):
    stranger = app.test_client()
    for page in EVERY_PAGE:
        assert written_by(stranger, page, read_register) == WRITTEN_BY_GUESSING.get(page, set()), page


def test_no_page_that_a_guardian_looks_at_writes_but_what_is_written_of_looking(guardian, read_register):
    written = {page: written_by(guardian, page, read_register) for page in EVERY_PAGE}
    assert {page: tables for page, tables in written.items() if tables} == WRITTEN_BY_LOOKING | WRITTEN_BY_GUESSING


def test_no_page_that_staff_look_at_writes_but_what_is_written_of_serving(desk, read_register):
    written = {page: written_by(desk, page, read_register) for page in EVERY_PAGE}
    assert {page: tables for page, tables in written.items() if tables} == (
        WRITTEN_BY_SERVING | WRITTEN_BY_LISTING | WRITTEN_BY_GUESSING
    )


def test_no_page_that_an_administrator_looks_at_writes(app, read_register):
    browser = app.test_client()
    assert desk_log_in(browser, ADMINISTRATOR).status_code == 302
    written = {page: written_by(browser, page, read_register) for page in EVERY_PAGE}
    assert {page: tables for page, tables in written.items() if tables} == WRITTEN_BY_LISTING | WRITTEN_BY_GUESSING
