"""The month of the last use: each library gets its own, and the patron sees all of them."""

from datetime import date

import pytest
from sqlalchemy import update

from app.register.store.transaction import db
from app.register.tables.patrons import Affiliation
from tests.doors.test_api_patrons import MULLSJO, ULLENSAKER
from tests.doors.visits import GUARDIAN, log_in

ADDRESS = f"/api/v1/patrons/{GUARDIAN[0]}"


@pytest.fixture(autouse=True)
def used(app):
    """Let the guardian have used one library in a month, and the other at no known time."""
    with app.app_context():
        db.session.execute(update(Affiliation).values(last_used_month=None))
        db.session.execute(
            update(Affiliation).where(Affiliation.library_id == "2023500").values(last_used_month=date(2026, 3, 1))
        )
        db.session.commit()


def test_each_library_gets_its_own_month(client):
    assert client.get(ADDRESS, auth=ULLENSAKER).json["last_used_month"] == "2026-03-01"
    assert client.get(ADDRESS, auth=MULLSJO).json["last_used_month"] is None


def test_a_library_that_was_not_joined_gets_none(client):
    assert "last_used_month" not in client.get("/api/v1/patrons/N000100002", auth=MULLSJO).json


def test_the_patron_sees_the_month_and_no_day(client):
    client.set_cookie("lang", "nb")
    log_in(client, *GUARDIAN)
    assert "Sist brukt i mars 2026" in client.get("/my/data").text
