"""A library with its own database, on SQLite and on a real PostgreSQL, and a desk to act at."""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text
from werkzeug.test import TestResponse

from circulation.database import Database
from circulation.factory import create_circulation
from circulation.lending.interlibrary import match_key
from circulation.policy.library import Policy, load_policy
from circulation.settings import Settings
from circulation.tables import Base, Item
from tests.conftest import Clock, Databases
from tests.postgres import create_database

NOON = datetime(2026, 3, 2, 11, 0, tzinfo=UTC)
USER, PASSWORD = "portal", "a password for the tests"
ANNA, BERIT = "N000200001", "N000200002"
STAFF = {"role": "staff", "staff": "desk-1"}


class Building:
    """One library, its client and its clock. Amounts are in öre."""

    def __init__(self, url: str, clock: Clock, library: str = "Mull") -> None:
        self.url, self.clock, self.library = url, clock, library
        self.policy: Policy = load_policy(library)
        app = create_circulation(Settings({library: url}, USER, PASSWORD), clock=clock)
        self.app = app
        self.database: Database = app.extensions["circulation"][library].database
        self.client: FlaskClient = app.test_client()

    def stock(self, *barcodes: str, edition: str | None = None, **fields: Any) -> None:
        """Put copies on the shelf; books for adults unless told otherwise."""
        values: dict[str, Any] = {
            "title": "Gösta Berlings saga",
            "author": "Lagerlöf, Selma",
            "category": "book",
            "shelf_code": "Hc",
            "publication_year": 1891,
            "price": None,
            "interlibrary": False,
            "state": "stock",
            **fields,
        }
        with self.database.writing() as session:
            for barcode in barcodes:
                key = match_key(values["title"])
                session.add(Item(barcode=barcode, edition=edition or f"edition-{barcode}", match_key=key, **values))

    def post(self, call: str, **body: Any) -> TestResponse:
        path = f"/circulation/v1/{self.library}/{call}"
        return self.client.post(path, json=body, auth=(USER, PASSWORD))

    def act(self, call: str, **body: Any) -> dict[str, Any]:
        """Make a call that must succeed."""
        answer = self.post(call, **body)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        result: dict[str, Any] = answer.get_json()
        return result

    def refuse(self, call: str, **body: Any) -> str:
        """Make a call that must be refused and change nothing. Returns the code."""
        before = self.rows()
        answer = self.post(call, **body)
        assert 400 <= answer.status_code < 500, answer.get_data(as_text=True)
        assert answer.mimetype == "application/problem+json"
        assert self.rows() == before
        code: str = answer.get_json()["code"]
        return code

    def lend(self, barcode: str, to: str = ANNA) -> str:
        """Check out and give the loan's id."""
        loan_id: str = self.act("loans/checkout", card_number=to, barcode=barcode)["loan"]["loan_id"]
        return loan_id

    def patron(self, card_number: str = ANNA) -> dict[str, Any]:
        (patron,) = self.act("patrons/overview", card_numbers=[card_number])["patrons"]
        result: dict[str, Any] = patron
        return result

    def today(self) -> date:
        return self.clock().astimezone(self.policy.zone).date()

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything the database holds, by table."""
        with self.database.reading() as session:
            return {
                table.name: sorted(map(tuple, session.execute(select(table))), key=repr)
                for table in Base.metadata.sorted_tables
            }

    def column(self, statement: str) -> list[Any]:
        with self.database.reading() as session:
            return list(session.scalars(text(statement)))


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    result: str = request.param
    return result


@pytest.fixture(scope="session")
def circulation_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("circulation") / "template.sqlite"
    database = Database(library="Mull", url=f"sqlite:///{path}")
    database.migrate()
    database.close()
    return path


@pytest.fixture(scope="session")
def circulation_template_name(databases: Databases) -> Callable[[], str]:
    made: list[str] = []

    def name() -> str:
        if not made:
            made.append("template_circulation")
            database = Database(library="Mull", url=create_database(databases.server(), made[0]))
            database.migrate()
            database.close()
        return made[0]

    return name


@pytest.fixture
def url(
    engine: str,
    databases: Databases,
    tmp_path: Path,
    circulation_template: Path,
    circulation_template_name: Callable[[], str],
) -> Iterator[str]:
    """A migrated database of Mullsjö's own."""
    if engine == "sqlite":
        shutil.copyfile(circulation_template, tmp_path / "mull.sqlite")
        yield f"sqlite:///{tmp_path / 'mull.sqlite'}"
        return
    address = create_database(databases.server(), f"mull_{tmp_path.name}"[:60], template=circulation_template_name())
    yield address
    databases.drop(address)


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON)


@pytest.fixture
def mull(url: str, clock: Clock) -> Iterator[Building]:
    """Mullsjö at noon on Monday 2 March 2026."""
    building = Building(url, clock)
    yield building
    building.database.close()
