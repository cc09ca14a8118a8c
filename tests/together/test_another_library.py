"""An administrator of one library, at every page of theirs with every object of another: nothing is told or changed.

Both buildings are there, so that the rules, the totals of loans and the day's lists are real. What is refused stands in
tests/wall/test_every_route.py.
"""

import re
import zipfile
from collections.abc import Iterator
from datetime import date, timedelta
from io import BytesIO
from itertools import product

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import inspect, select, text
from werkzeug.test import TestResponse

from app.demo.accounts import ADMINISTRATORS
from app.register.face.facts import add_branch
from app.register.face.opening import add_exception, list_exceptions
from app.register.library.webhooks import listen_at
from app.register.store.transaction import db, writing
from app.register.tables.moving import PatronImportLine
from app.register.totals.counting import Kind, add_totals
from app.rules.library.face import BranchFacts
from app.rules.library.opening import Exceptional
from app.web.access import Audience
from circulation.tables import Item, Loan
from tests.conftest import Clock
from tests.doors.visits import ADMINISTRATOR, csrf_token
from tests.town import Town
from tests.wall.callers import (
    MARKS,
    ULLENSAKER,
    Route,
    make_callers,
    make_victim,
    read_rows_of_library,
    routes_of,
)

OURS = "2023500"
ALSO = ("/desk/lists", "/desk/lists/fetched", "/desk/lists/claims/stop", "/desk/lists/claims/resume")
"""What all staff have, and is about one library's loans."""


def rows_of_circulation(town: Town) -> dict[str, list[str]]:
    with town.library(OURS).database.reading() as session:
        tables = inspect(session.connection()).get_table_names()
        return {each: sorted(map(repr, session.execute(text(f'SELECT * FROM "{each}"')))) for each in tables}


def rows_of_import(app: APIFlask, import_id: str) -> list[str]:
    with app.app_context():
        query = select(PatronImportLine.__table__).where(PatronImportLine.import_id == int(import_id))
        rows = [repr(tuple(row)) for row in db.session.execute(query)]
        db.session.remove()
    return sorted(rows)


def words_of(answer: TestResponse) -> str:
    """What an answer says; of a ZIP, what is in its files."""
    content = answer.get_data()
    if answer.mimetype == "application/zip":
        with zipfile.ZipFile(BytesIO(content)) as archive:
            content = b"\n".join(archive.read(name) for name in archive.namelist())
    return f"{answer.headers}\n{content.decode(errors='replace')}"


def is_told(mark: str, told: str) -> bool:
    """Whether an answer tells it. A number stands alone: a random token may have the same digits somewhere."""
    return re.search(rf"(?<![\w-]){mark}(?![\w-])", told) is not None if mark.isdigit() else mark in told


@pytest.fixture
def objects(app: APIFlask, town: Town, clock: Clock) -> dict[str, str]:
    """What belongs to the one library, by the names that addresses and forms have for it."""
    found = dict(make_victim(app).objects)
    last_month = clock().date().replace(day=1) - timedelta(days=1)
    with app.app_context():
        with writing():
            branch = add_branch(library_id=OURS, facts=BranchFacts(name="Merkefilialen"))
            add_totals({(OURS, last_month, Kind.CARD, ""): 67_891})
            listen_at(library_id=OURS, url="https://merke.example.org/hook", key=b"k" * 32, now=clock())
            add_exception(
                library_id=OURS,
                about=Exceptional(first=date(2027, 3, 3), last=date(2027, 3, 3), spans=(), note="Merkedagen"),
                today=clock().date(),
                now=clock(),
            )
        exception = next(each for each in list_exceptions(library_id=OURS) if each.about.note == "Merkedagen")
        db.session.remove()
    with town.library(OURS).database.writing() as session:
        wanted = select(Loan, Item).join(Item, Item.id == Loan.item_id).where(Item.barcode == "2012")
        loan, item = session.execute(wanted).one()
        # Its first claim goes out tomorrow.
        loan.due_on = clock().date() - timedelta(days=6)
    found |= {"id": str(branch), "branch": str(branch), "exception": str(exception.id)}
    return found | {"loan_id": str(loan.id), "barcode": item.barcode, "title": item.title}


@pytest.fixture
def marks(objects: dict[str, str], town: Town, administrator: FlaskClient) -> dict[str, str]:
    """What would tell of the one library, by what it is of; its own administrator has drafted rules too."""
    form = {"csrf_token": csrf_token(administrator, "/desk")}
    state = town.systems.lending(OURS).rulebook.state(staff=ADMINISTRATOR.username)
    document = administrator.get("/desk/library/rules/file").text.replace(
        "replacement_ore = 3000", "replacement_ore = 7791"
    )
    sent = {**form, "revision": str(state.revision), "file": (BytesIO(document.encode()), "rules.toml")}
    assert administrator.post("/desk/library/rules/import", data=sent).status_code == 302
    patron = {what: mark for what, mark in MARKS.items() if what != "birth date in words"}
    return patron | {
        "a colleague": ULLENSAKER.name,
        "an administrator": ADMINISTRATORS[0].name,
        "a machine": "2023500-kiosk1",
        "the webhook": "merke.example.org",
        "a branch": "Merkefilialen",
        "a day with other hours": "Merkedagen",
        "a total": "67,891",
        "a total in the file": "67891",
        "the draft of the rules": "7791",
        "the draft of the rules in the form": "77.91",
        "a loan": objects["title"],
    }


def pages_of_administrators(app: APIFlask) -> Iterator[Route]:
    for route in routes_of(app):
        if route.audience is Audience.ADMINISTRATOR or route.path in ALSO:
            yield route


def ways_to_name(objects: dict[str, str]) -> list[dict[str, str]]:
    """Every object in the fields of addresses and forms, with what a form wants besides."""
    besides = {"role": "desk", "email": "merke@example.org", "papers": "y", "reason": "searching", "revision": "1"}
    besides |= {"number": "1", "line": "2", "same_as": objects["patron_id"], "year": "2026", "month": "10"}
    besides |= {"valid_from": "2027-01-04", "from": "2027-01-04", "since": "2027-01-04", "first": "2027-03-03"}
    # By their ids; nothing is named that its own library is called.
    named = {key: value for key, value in objects.items() if key not in ("title", "exception", "card_number")}
    return [{}, besides | named, besides | named | {"id": objects["exception"], "branch": "", "number": "0"}]


def test_an_administrator_of_another_library_learns_and_changes_nothing(
    app: APIFlask, town: Town, objects: dict[str, str], marks: dict[str, str]
) -> None:
    there = make_callers(app)["administrator"]
    before = read_rows_of_library(app, OURS), rows_of_circulation(town), rows_of_import(app, objects["import_id"])
    asked = 0
    for route, fields in product(list(pages_of_administrators(app)), ways_to_name(objects)):
        said = f"{route.method} {route.path} with {sorted(fields)}"
        form = {"csrf_token": there.token()} | fields if route.method != "GET" else {}
        query = fields if route.method == "GET" else {}
        answer = there.client.open(route.address(objects), method=route.method, query_string=query, data=form or None)
        assert answer.status_code < 500, said
        told = words_of(answer)
        learnt = {what for what, mark in marks.items() if is_told(mark, told) and mark not in fields.values()}
        assert learnt == set(), said
        after = read_rows_of_library(app, OURS), rows_of_circulation(town), rows_of_import(app, objects["import_id"])
        assert after == before, said
        asked += 1
    assert asked > 100


def test_its_own_administrator_does_learn_it(
    app: APIFlask, administrator: FlaskClient, objects: dict[str, str], marks: dict[str, str]
) -> None:
    told, form = "", {"csrf_token": csrf_token(administrator, "/desk")}
    for route, fields in product(list(pages_of_administrators(app)), ways_to_name(objects)):
        if route.method == "GET":
            told += words_of(administrator.get(route.address(objects), query_string=fields))
    told += words_of(administrator.post("/desk/library/export", data=form))
    assert {what for what, mark in marks.items() if not is_told(mark, told)} == set()
