"""Moving in and out at the desk: a file is checked and taken in step by step, and everything comes out as files."""

import csv
import io
import json
import zipfile
from collections.abc import Callable

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.messages.channels import Inbox
from app.register.store.transaction import db
from app.register.tables.log import AccessLogEntry
from app.register.tables.patrons import Affiliation, Patron
from app.work.worker import import_patrons, work_once
from tests.conftest import Clock
from tests.doors.visits import ADMINISTRATOR, csrf_token, main_text, read_page, submit

PAGE, EXPORT = "/desk/library/import", "/desk/library/export"
TEN_MINUTES = 601
FILE = """Lånernr;Navn;Født;E-post;PIN;Postnr
1001;Kåre Flytt;01.03.2003;kare@example.org;4719;
1002;;01.03.2003;;4719;
1003;Åse Flytt;01.03.04;ase@;4719;
"""


def upload(client: FlaskClient, content: bytes | str, **fields: str) -> TestResponse:
    body = content.encode() if isinstance(content, str) else content
    data = {"csrf_token": csrf_token(client, "/desk/find"), "file": (io.BytesIO(body), "patrons.csv"), **fields}
    return client.post(PAGE, data=data, content_type="multipart/form-data")


def go_through(app: APIFlask) -> None:
    with app.app_context():
        while import_patrons():
            pass


def send_columns(client: FlaskClient, path: str, **more: str) -> TestResponse:
    page = read_page(client.get(path))
    (form,) = [form for form in page.select("form") if str(form["action"]).endswith("/check")]
    fields = []
    for control in form.select("[name=field]"):
        chosen = control.select_one("option[selected]") if control.name == "select" else None
        fields.append(str(chosen["value"]) if chosen else "")
    data = {"csrf_token": csrf_token(client, path), "field": fields, "language": "nb", **more}
    return client.post(f"{path}/check", data=data)


def check(app: APIFlask, client: FlaskClient, content: bytes | str = FILE) -> str:
    """Upload a file and check it; return the address of its page."""
    answer = upload(client, content)
    assert answer.status_code == 302, answer.text
    path = str(answer.location)
    assert send_columns(client, path).status_code == 302
    go_through(app)
    return path


def take_in(app: APIFlask, client: FlaskClient, path: str) -> None:
    assert submit(client, f"{path}/go", page=path, by_day="10").status_code == 302
    go_through(app)


def test_a_file_is_uploaded_checked_and_taken_in(
    app: APIFlask, administrator: FlaskClient, post: Inbox, clock: Clock
) -> None:
    path = str(upload(administrator, FILE).location)
    columns = main_text(administrator.get(path))
    assert "Kåre Flytt" in columns
    assert "Never taken in" in columns
    assert "4719" not in columns
    assert read_page(administrator.get(path)).select_one('footer a[lang="nn"]').get_text(strip=True) == "Nynorsk"  # type: ignore[union-attr]
    assert send_columns(administrator, path).status_code == 302
    working = administrator.get(path)
    assert (working.headers["Refresh"], "Being checked" in working.text) == ("5", True)
    go_through(app)
    checked = main_text(administrator.get(path))
    assert "Will be taken in 1" in checked
    assert "3 Name is missing" in checked
    assert "4 Birth date: the year needs four digits; E-mail is not valid" in checked
    take_in(app, administrator, path)
    done = main_text(administrator.get(path))
    assert "Done." in done
    assert "Taken in 1" in done
    with app.app_context():
        while work_once():
            pass
        number = db.session.scalar(select(Patron.card_number).where(Patron.name == "Kåre Flytt"))
        db.session.rollback()
    (letter,) = [letter for letter in post.read() if letter.to == "kare@example.org"]
    assert number is not None
    assert number in letter.body
    assert "/new-pin/" in letter.body
    assert "Moved patrons in from a file" in main_text(administrator.get("/desk/library/acts"))


def test_the_report_has_each_line_and_nothing_of_anybody(app: APIFlask, administrator: FlaskClient) -> None:
    path = check(app, administrator)
    for said in ("Will be taken in", "Taken in"):
        report = administrator.get(f"{path}/report.csv")
        assert report.mimetype == "text/csv"
        rows = list(csv.reader(io.StringIO(report.text.lstrip("\ufeff"))))
        assert [row[:2] for row in rows[1:]] == [["2", said], ["3", "Refused"], ["4", "Refused"]]
        take_in(app, administrator, path)
    assert not any(word in report.text for word in ("Flytt", "example.org", "1001", "2003"))


def test_taking_in_asks_once_more_who_it_is(app: APIFlask, administrator: FlaskClient, clock: Clock) -> None:
    path = check(app, administrator)
    clock.turn(seconds=TEN_MINUTES)
    asked = submit(administrator, f"{path}/go", page=path, by_day="10")
    assert "Confirm that it is you" in asked.text
    go_through(app)
    assert "Checked." in main_text(administrator.get(path))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "The file has no rows."),
        (b"\0" * 5000, "The first row must name the columns"),
        (b"navn," * 1_000_000, "The file has more than 100 columns."),
        (b"navn;fodt\n" + b'"a;b\n' * 5000, "More than 1,000 rows cannot be read."),
        ("navn;født\nKåre;1980-05-05\n".encode() + "Bjørk;1980-05-05\n".encode("cp1252"), "in which encoding"),
        (b"x" * (32 * 1024 * 1024 + 1), "The file is larger than 32 MB."),
    ],
)
def test_a_file_of_which_nothing_can_be_made_gets_a_clear_answer(
    administrator: FlaskClient, content: bytes, said: str
) -> None:
    answer = upload(administrator, content)
    assert (answer.status_code, said in main_text(answer)) == (422, True)


def test_a_file_of_a_hundred_megabytes_is_refused_and_somebody_elses_is_not_even_read(
    administrator: FlaskClient, desk: FlaskClient, client: FlaskClient
) -> None:
    assert upload(administrator, b"x" * 100_000_000).status_code == 413
    assert desk.post(PAGE, data=b"x" * 100_000).status_code == 404
    assert client.post(PAGE, data=b"x" * 100_000).location == "/desk/login"


def test_columns_are_corrected_and_the_file_checked_again(app: APIFlask, administrator: FlaskClient) -> None:
    path = str(upload(administrator, "navn;noe\nKåre Flytt;2003-03-01\n").location)
    refused = send_columns(administrator, path)
    assert (refused.status_code, "one for the birth date are needed" in refused.text) == (422, True)
    data = {"csrf_token": csrf_token(administrator, path), "language": "sv"}
    twice = read_page(administrator.post(f"{path}/check", data=data | {"field": ["birth_date", "birth_date"]}))
    assert [option["value"] for option in twice.select("[name=field] option[selected]")] == ["birth_date"] * 2
    assert administrator.post(f"{path}/check", data=data | {"field": ["name", "birth_date"]}).status_code == 302
    go_through(app)
    assert "Will be taken in 1" in main_text(administrator.get(path))
    assert administrator.get(f"{path}?columns=").text.count('name="field"') == 2


def test_one_import_at_a_time_and_it_can_be_deleted(app: APIFlask, administrator: FlaskClient) -> None:
    path = check(app, administrator)
    assert upload(administrator, FILE).status_code == 409
    assert submit(administrator, f"{path}/forget", page=path).status_code == 302
    assert administrator.get(path).status_code == 302
    assert upload(administrator, FILE).status_code == 302
    assert "Deleted the file of import" in main_text(administrator.get("/desk/library/acts"))


def test_a_person_decides_whether_two_are_one(app: APIFlask, administrator: FlaskClient, clock: Clock) -> None:
    first = check(
        app, administrator, "nr;navn;født\n1;Kåre Flytt;2003-03-01\n2;Åse Flytt;2004-03-01\n".replace("nr", "Id")
    )
    take_in(app, administrator, first)
    again = check(app, administrator, "Id;navn;født\n7;Flytt, Kåre;2003-03-01\n8;Åse Flytt;2004-03-01\n")
    take_in(app, administrator, again)
    page = read_page(administrator.get(f"{again}/people"))
    forms = page.select("main .tiles form")
    assert [form.button.get_text(strip=True) for form in forms if form.button] == [
        "Somebody else: make a card", "The same person",
    ] * 2  # fmt: skip
    logged = select(AccessLogEntry.purpose).where(AccessLogEntry.actor == ADMINISTRATOR.username)
    with app.app_context():
        assert set(db.session.scalars(logged)) == {"import"}
        db.session.rollback()
    for form in (forms[0], forms[3]):
        fields = {str(field["name"]): str(field["value"]) for field in form.select("input")}
        assert administrator.post(f"{again}/people", data=fields).status_code == 302
    assert "There is nothing more to decide." in main_text(administrator.get(f"{again}/people"))
    counts = main_text(administrator.get(again))
    assert "Taken in 1 Here already 1 To be decided by a person 0" in counts
    with app.app_context():
        assert len(db.session.scalars(select(Patron.id).where(Patron.name == "Kåre Flytt")).all()) == 2
        db.session.rollback()


def test_another_librarys_import_is_not_there(
    app: APIFlask, administrator: FlaskClient, make_elsewhere: Callable[[], str]
) -> None:
    path = make_elsewhere()
    for address in (path, f"{path}/report.csv", f"{path}/people"):
        assert administrator.get(address).location == PAGE
    for act in ("check", "go", "stop", "forget", "people"):
        assert submit(administrator, f"{path}/{act}", page=PAGE).location == PAGE


@pytest.fixture
def make_elsewhere(app: APIFlask, clock: Clock) -> Callable[[], str]:
    from app.register.moving.imports import begin_import
    from app.register.store.transaction import writing
    from app.rules.moving.columns import read_patron_file

    def make() -> str:
        with app.app_context(), writing():
            file = read_patron_file(FILE.encode())
            import_id = begin_import(
                library_id="Mull", actor="somebody", file=file, file_hash="x", language="nb", now=clock()
            )
        return f"{PAGE}/{import_id}"

    return make


def test_everything_of_the_librarys_comes_out_as_files(app: APIFlask, administrator: FlaskClient) -> None:
    answer = submit(administrator, EXPORT)
    assert (answer.status_code, answer.mimetype) == (200, "application/zip")
    archive = zipfile.ZipFile(io.BytesIO(answer.data))
    assert archive.testzip() is None
    patrons = [json.loads(line) for line in archive.read("patrons.jsonl").decode().splitlines()]
    with app.app_context():
        ours = set(db.session.scalars(select(Affiliation.patron_id).where(Affiliation.library_id == "2023500")))
        numbers = set(
            db.session.scalars(select(Patron.card_number).where(Patron.id.in_(ours), Patron.local_to.is_(None)))
        )
        logged = select(AccessLogEntry.patron_id).where(AccessLogEntry.purpose == "export")
        assert set(db.session.scalars(logged)) <= ours
        db.session.rollback()
    assert numbers <= {patron["card_number"] for patron in patrons}
    assert len(patrons) <= len(ours)
    rows = list(csv.reader(io.StringIO(archive.read("patrons.csv").decode("utf-8-sig"))))
    assert len(rows) == len(patrons) + 1
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)
    people = [json.loads(line) for line in archive.read("staff.jsonl").decode().splitlines()]
    assert ADMINISTRATOR.username in {person["username"] for person in people}
    everything = b"".join(archive.read(name) for name in archive.namelist()).decode()
    assert "argon2" not in everything
    assert not {"password_verifier", "sealed_totp_key"} & set(people[0])
    assert "Took a copy of everything" in main_text(administrator.get("/desk/library/acts"))


def test_an_export_asks_once_more_who_it_is(administrator: FlaskClient, clock: Clock) -> None:
    clock.turn(seconds=TEN_MINUTES)
    assert "Confirm that it is you" in submit(administrator, EXPORT).text
