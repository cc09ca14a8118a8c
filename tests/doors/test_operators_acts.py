"""What the operator sees and does on the page: the failing library first, the first administrator, lists and jobs."""

import io
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta
from time import monotonic, sleep

import pytest
from apiflask import APIFlask
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from app.ils.port import Account, Unavailable
from app.ils.systems import Systems
from app.operator import jobs
from app.operator.country import Country, State
from app.operator.watch import Answer
from app.register.figures.backlog import read_backlog, read_library_backlog
from app.register.journal.journaling import RegisterIsBehind
from app.register.library.webhooks import listen_at
from app.register.patron.libraries import find_library_name, read_settings
from app.register.staff.acts import list_library_acts
from app.register.staff.staff import list_staff
from app.register.store.transaction import db, writing
from app.register.tables.library import Library, LibraryQueue
from tests.conftest import Clock
from tests.doors.operating import HERE, Opened, send, text
from tests.doors.visits import csrf_token, read_page

PATIENCE = 60.0
MARI = {"name": "Mari Moe", "username": "mari", "email": "mari@example.org", "role": "administrator", "language": "nb"}


class Answering:
    """A library's system that answers, or fails."""

    def __init__(self, version: str = "", fault: str = "") -> None:
        self.told, self.fault = version, fault

    def accounts(self, *, card_numbers: Sequence[str]) -> list[Account]:
        if self.fault:
            raise Unavailable(self.fault)  # type: ignore[arg-type]
        return []

    def version(self) -> str:
        return self.told


def connect(app: Flask, **systems: Answering) -> None:
    app.extensions["ils"] = Systems({each.removeprefix("n"): system for each, system in systems.items()})  # type: ignore[arg-type]


def rows(client: FlaskClient, path: str = "/operator") -> list[str]:
    return [row.get_text(" ", strip=True) for row in read_page(client.get(path)).select("tbody tr")]


def finish_job(client: FlaskClient, name: str) -> str:
    """Begin a job, wait for its end, and return what its line says."""
    send(client, f"/jobs/{name}")
    ends = monotonic() + PATIENCE
    while (answer := client.get("/operator/jobs")).headers.get("Refresh"):
        assert monotonic() < ends
        sleep(0.02)
    line = read_page(answer).find(id=f"job-{name}")
    assert line is not None
    return line.get_text(" ", strip=True)


def test_a_library_that_fails_comes_first_with_its_reason_and_versions_are_told(
    opened: Opened, operator: FlaskClient
) -> None:
    connect(opened[0], nMull=Answering("Koha 25.05.01.000", "not_admitted"), n2023500=Answering("SIP2 2.00"))
    send(operator, "/ask")
    first, second, *_ = rows(operator)
    assert first.startswith("Mullsjö bibliotek")
    assert "Fails Our login is refused" in first
    assert "Ullensaker" in second
    assert "SIP2 2.00" in second
    page = text(operator, f"/operator/libraries/{HERE}")
    assert "SIP2 2.00 asked on" in page


def test_a_library_whose_notices_fail_is_seen_without_asking_anybody(
    opened: Opened, operator: FlaskClient, clock: Clock
) -> None:
    app, *_ = opened
    connect(app)
    with app.app_context(), writing():
        listen_at(library_id=HERE, url="https://ils.example.org/", key=b"k" * 32, now=clock())
        failing = {"attempts": 3, "last_fault": "no_answer", "due_at": clock() + timedelta(minutes=5)}
        db.session.execute(update(LibraryQueue).where(LibraryQueue.library_id == HERE).values(**failing))
    first = rows(operator)[0]
    assert first.startswith("Ullensaker")
    for page in (first, text(operator, f"/operator/libraries/{HERE}")):
        assert "Notices failed, times in a row: 3. No connection." in " ".join(page.split())
        assert "Next try at" in page


def test_one_library_s_backlog_is_that_of_all_for_it(app: APIFlask, clock: Clock) -> None:
    with app.app_context():
        everything = read_backlog(now=clock()).libraries
        assert everything
        assert [read_library_backlog(library_id=each.library_id, now=clock()) for each in everything] == everything
        assert read_library_backlog(library_id="none", now=clock()) is None


def test_a_library_that_nobody_uses_yet_is_found_and_gets_its_first_administrator(
    opened: Opened, operator: FlaskClient
) -> None:
    app, *_ = opened
    with app.app_context(), writing():
        db.session.add(Library(id="2099900", name="Fjellvika folkebibliotek", kind="folkebib", place="Fjellvika"))
    assert "Fjellvika" not in "".join(rows(operator))
    assert rows(operator, "/operator?find=FJELLVIKA")[0].startswith("Fjellvika folkebibliotek")
    assert "No library has these words" in text(operator, "/operator?find=nowhere")
    assert "The library has no administrator" in text(operator, "/operator/libraries/2099900")
    said = send(operator, "/libraries/2099900/staff/invite", **MARI)
    assert "mari gets an e-mail" in said
    assert "Mari Moe" in said
    with app.app_context():
        (mari,) = list_staff(library_id="2099900")
        (act,) = list_library_acts(library_id="2099900")
    assert (mari.username, mari.role) == ("mari", "administrator")
    assert (act.kind, act.username, act.subject) == ("administrator-invited", None, "mari")
    assert rows(operator)[-1].startswith("Fjellvika") or "Fjellvika" in "".join(rows(operator))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"email": "mari"}, "This is not an e-mail address"),
        ({"username": "ma ri"}, "A user name has 1 to 60 characters"),
        ({"username": "desk-2023500"}, "This user name is taken"),
        ({"name": " "}, "Write a name"),
    ],
)
def test_what_is_wrong_with_an_invitation_is_said_and_what_was_typed_stays(
    opened: Opened, operator: FlaskClient, wrong: dict[str, str], said: str
) -> None:
    app, *_ = opened
    token = csrf_token(operator, f"/operator/libraries/{HERE}")
    answer = operator.post(f"/operator/libraries/{HERE}/staff/invite", data={"csrf_token": token, **MARI, **wrong})
    assert answer.status_code == 422
    page = read_page(answer)
    assert said in page.get_text(" ", strip=True)
    typed = page.find(id="username")
    assert typed is not None
    assert typed["value"] == (MARI | wrong)["username"]
    with app.app_context():
        assert "Mari Moe" not in {each.name for each in list_staff()}


def test_what_is_wrong_with_a_link_is_not_typed_into_an_invitation(operator: FlaskClient) -> None:
    token = csrf_token(operator, f"/operator/libraries/{HERE}")
    link = {"username": "admin-2023500", "email": "wrong", "language": "nb"}
    answer = operator.post(f"/operator/libraries/{HERE}/staff/link", data={"csrf_token": token, **link})
    page = read_page(answer)
    assert answer.status_code == 422
    assert "This is not an e-mail address" in page.get_text(" ", strip=True)
    assert [field["value"] for field in page.select("#username, #email, #name")] == ["", "", ""]


def test_somebody_is_dismissed_or_sent_a_link_at_their_own_library_alone(opened: Opened, operator: FlaskClient) -> None:
    app, *_ = opened
    link = {"email": "ny@example.org", "language": "nb"}
    send(operator, f"/libraries/{HERE}/staff/dismiss", username="desk-mull")
    send(operator, f"/libraries/{HERE}/staff/link", username="desk-mull", **link)
    assert "cannot sign in any more" in send(operator, f"/libraries/{HERE}/staff/dismiss", username="desk-2023500")
    assert "gets an e-mail" in send(operator, f"/libraries/{HERE}/staff/link", username="admin-2023500", **link)
    with app.app_context():
        left = {each.username for each in list_staff()}
        acts = [act.kind for act in list_library_acts(library_id=HERE)]
        assert list_library_acts(library_id="Mull") == []
    assert "desk-mull" in left
    assert "desk-2023500" not in left
    assert acts == ["staff-link-sent", "staff-dismissed"]


def test_a_link_can_be_sent_from_a_page_in_each_language(operator: FlaskClient) -> None:
    operator.get("/operator?lang=se")
    chosen = read_page(operator.get(f"/operator/libraries/{HERE}")).select_one("input[name=language]")
    assert chosen is not None
    link = {"username": "admin-2023500", "email": "ny@example.org", "language": chosen["value"]}
    token = csrf_token(operator, f"/operator/libraries/{HERE}")
    answer = operator.post(f"/operator/libraries/{HERE}/staff/link", data={"csrf_token": token, **link})
    assert answer.status_code == 302


def test_a_setting_is_set_back_by_one_press(opened: Opened, operator: FlaskClient) -> None:
    app, *_ = opened
    said = send(operator, f"/libraries/{HERE}/settings", name="consent_age", value="13")
    assert "Undo: set consent_age to 15 again" in said
    assert "Undo" not in text(operator, f"/operator/libraries/{HERE}")
    send(operator, f"/libraries/{HERE}/settings", name="consent_age", value="15")
    with app.app_context():
        assert read_settings(library_id=HERE)["consent_age"] == 15


def test_a_list_of_libraries_is_looked_at_before_it_is_taken_in(opened: Opened, operator: FlaskClient) -> None:
    app, *_ = opened
    content = b"name,type,id\nNy bibliotek,folkebib,2088800\n,folkebib,2088801\n"
    token = csrf_token(operator, "/operator/list")
    answer = operator.post("/operator/list", data={"csrf_token": token, "file": (io.BytesIO(content), "list.csv")})
    page = read_page(answer)
    words = page.get_text(" ", strip=True)
    assert "1 libraries added, 0 changed" in words
    assert "Rows with a fault, which are left out: 1" in words
    with app.app_context():
        assert find_library_name(library_id="2088800") is None
    field = page.select_one("input[name=fingerprint]")
    assert field is not None
    assert "Upload it again" in send(operator, "/list/take", fingerprint="another")
    assert "1 libraries added" in send(operator, "/list/take", fingerprint=field["value"])
    assert "Upload it again" in send(operator, "/list/take", fingerprint=field["value"])
    with app.app_context():
        assert find_library_name(library_id="2088800") == "Ny bibliotek"


def test_what_is_no_list_is_said(operator: FlaskClient) -> None:
    token = csrf_token(operator, "/operator/list")
    answer = operator.post("/operator/list", data={"csrf_token": token, "file": (io.BytesIO(b"\x00"), "list.csv")})
    assert answer.status_code == 422
    assert "This is no list of libraries" in answer.text


def test_each_job_runs_to_its_end_and_says_what_it_found(operator: FlaskClient) -> None:
    assert "Ended at" in finish_job(operator, "retention")
    assert "Expired data were last deleted" in text(operator)
    assert "Nothing is wrong with the access log" in finish_job(operator, "access-log")
    assert "The newest key is" in finish_job(operator, "keys")
    assert "Ended at" in finish_job(operator, "journal")
    assert operator.post("/operator/jobs/rewrite").status_code in (400, 404)


def test_a_job_that_fails_says_why(operator: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def behind(_progress: jobs.Progress) -> list[str]:
        raise RegisterIsBehind("The register lacks an erasure.")

    monkeypatch.setitem(jobs.JOBS, "journal", behind)  # type: ignore[arg-type]
    line = finish_job(operator, "journal")
    assert "Failed at" in line
    assert "The register lacks an erasure." in line


def test_an_empty_country_says_what_to_do_next(opened: Opened, operator: FlaskClient) -> None:
    app, *_ = opened
    with app.app_context(), closing(db.engine.raw_connection()) as connection:
        connection.cursor().executescript("PRAGMA foreign_keys=OFF; DELETE FROM libraries")  # type: ignore[attr-defined]
    page = text(operator)
    assert "There is no library yet" in page
    assert "Take in the list of libraries" in page


def test_a_country_is_sorted_by_who_needs_somebody(app: APIFlask, clock: Clock) -> None:
    with app.app_context(), writing():
        for number in range(350):
            db.session.add(Library(id=f"20{number:05}", name=f"Bibliotek {number:03}", kind="folkebib"))
    systems = Systems({f"20{number:05}": Answering() for number in range(350)})  # type: ignore[arg-type]
    answers = {f"20{number:05}": Answer(clock(), 5, "too_slow" if number == 340 else "") for number in range(349)}
    answers["2000100"] = Answer(clock(), 2000, "")
    with app.app_context():
        found = Country().list_rows(words="", systems=systems, answers=answers, backlogs=(), now=clock())
    ours = [row for row in found if row.library.name.startswith("Bibliotek ")]
    assert [row.library.name for row in ours[:3]] == ["Bibliotek 340", "Bibliotek 100", "Bibliotek 349"]
    assert [row.state for row in ours[:4]] == [State.FAILING, State.SLOW, State.UNASKED, State.FINE]
    assert ours[3].last_contact == clock()
