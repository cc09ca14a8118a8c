"""A library's system joins nobody by knowing a card number: the patron is there, or papers are named."""

from collections.abc import Callable

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.datastructures import Authorization
from werkzeug.test import TestResponse

from app.messages.channels import Inbox
from app.register.store.transaction import db
from app.register.tables.log import AccessLogEntry
from app.register.tables.messages import Message
from app.register.tables.patrons import Affiliation, Patron
from app.work.worker import work_once
from tests.conftest import Clock
from tests.doors.libraries import MULLSJO, NATIONAL_ID, PAPERS, PATRONS, ULLENSAKER, activate, correct, enrol, fetch
from tests.doors.visits import AT_MULLSJO_ONLY, CHILD, LOST, log_in, main_text, scan_at_kiosk, shown_code

MULLSJO_KIOSK = Authorization("basic", {"username": "Mull-kiosk1", "password": "demo-kiosk"})
TEEN = ("N000100003", "5938")
FRESH = {"national_id": ...}
Join = Callable[..., TestResponse]


@pytest.fixture
def join(client: FlaskClient) -> Join:
    """Activate somebody's card at Mullsjö, where they have never been, with a proof or with none."""

    def send(card_number: str = TEEN[0], **shown: object) -> TestResponse:
        return activate(client, card_number, guardian_consent=True, **({"papers": ...} | shown))

    return send


@pytest.fixture
def scanned(client: FlaskClient, new_browser: Callable[..., FlaskClient]) -> Callable[..., str]:
    """Show a card at Mullsjö's kiosk, and return the session that it opens."""

    def scan(card: tuple[str, str] = TEEN) -> str:
        phone = new_browser()
        log_in(phone, *card)
        answer = scan_at_kiosk(client, shown_code(phone), kiosk=MULLSJO_KIOSK).get_json()
        assert answer["result"] == "accepted"
        return str(answer["session"])

    return scan


def looks(app: APIFlask, card_number: str = TEEN[0]) -> list[tuple[str, str, str]]:
    with app.app_context():
        rows = db.session.execute(
            select(AccessLogEntry.purpose, AccessLogEntry.actor, AccessLogEntry.fields)
            .join(Patron, Patron.id == AccessLogEntry.patron_id)
            .where(Patron.card_number == card_number)
            .order_by(AccessLogEntry.id)
        ).all()
        return [tuple(row) for row in rows]


def joined(app: APIFlask) -> int:
    with app.app_context():
        return len(db.session.execute(select(Affiliation)).all())


def test_without_the_patron_nobody_joins_and_nothing_is_told(join: Join, app: APIFlask) -> None:
    before = joined(app)
    for number in (TEEN[0], CHILD[0], LOST[0]):
        answer = join(number)
        assert (answer.status_code, answer.json["code"]) == (403, "proof-missing")
        assert "Solvang" not in answer.text
    assert "papers" in answer.json["detail"]
    assert joined(app) == before


def test_a_stolen_login_takes_over_nobody_by_number(client: FlaskClient, app: APIFlask) -> None:
    made = [enrol(client, **FRESH, name=f"Stranger {n}", phone=f"+4740000{n:03d}") for n in range(20)]
    numbers = [answer.json["card_number"] for answer in made]
    answers = [activate(client, number, papers=...) for number in numbers]
    assert [answer.status_code for answer in answers] == [403] * 20
    refused = correct(client, numbers[0], seen=fetch(client, numbers[0]), auth=MULLSJO, email="thief@example.org")
    assert refused.status_code == 403


def test_a_scan_at_the_library_within_the_last_minutes_is_proof_named_or_not(
    join: Join, scanned: Callable[..., str], clock: Clock, app: APIFlask
) -> None:
    session = scanned()
    assert join(session="x").status_code == 403
    assert join(session=session).json["activated_here"] is True
    assert looks(app)[-1][:2] == ("activate by scan", "Mull")
    scanned(CHILD)
    assert join(CHILD[0]).status_code == 200
    scanned(AT_MULLSJO_ONLY)
    assert join(AT_MULLSJO_ONLY[0], auth=ULLENSAKER).status_code == 403


def test_a_scan_is_proof_for_as_long_as_its_session(join: Join, scanned: Callable[..., str], clock: Clock) -> None:
    session = scanned()
    clock.turn(seconds=300)
    assert (join().status_code, join(session=session).status_code) == (403, 403)


def test_a_session_of_somebody_else_is_no_proof(join: Join, scanned: Callable[..., str]) -> None:
    session = scanned(CHILD)
    assert join(session=session).status_code == 403


def test_the_right_pin_is_proof_and_a_wrong_one_is_counted(join: Join, app: APIFlask) -> None:
    assert join(pin="0001").status_code == 403
    assert join(pin=TEEN[1]).status_code == 200
    assert [line[0] for line in looks(app)] == ["pin-check", "activate by PIN"]
    for _ in range(5):
        assert join(CHILD[0], pin="0001").status_code == 403
    assert join(CHILD[0], pin=CHILD[1]).status_code == 429


def test_papers_that_are_named_are_proof_and_stand_in_the_patrons_log(
    join: Join, app: APIFlask, new_browser: Callable[..., FlaskClient]
) -> None:
    assert join(papers=PAPERS).status_code == 200
    purpose, actor, fields = looks(app)[-1]
    assert (purpose, actor) == ("activate by papers", "Mull desk4")
    assert fields.startswith("passport, name")
    owner = new_browser()
    log_in(owner, *TEEN)
    text = main_text(owner.get("/my/data/looks"))
    assert "it says that papers were shown there" in text
    assert "passport" in text


@pytest.mark.parametrize(
    "papers", [{}, {"kind": "passport"}, {"kind": "a face", "seen_by": "desk4"}, {"kind": "passport", "seen_by": "a b"}]
)
def test_papers_that_are_half_named_are_no_proof(join: Join, papers: dict[str, str]) -> None:
    assert join(papers=papers).status_code == 422


def test_the_patron_is_told_at_the_address_of_before_at_which_library_it_was(
    client: FlaskClient, app: APIFlask, post: Inbox, join: Join, clock: Clock
) -> None:
    app.extensions["post"] = post
    clock.turn(seconds=1)
    assert join(papers=PAPERS).status_code == 200
    seen = fetch(client, TEEN[0], auth=MULLSJO)
    assert correct(client, TEEN[0], seen=seen, auth=MULLSJO, email="thief@example.org").status_code == 200
    with app.app_context():
        while work_once():
            pass
        db.session.remove()

    told = [letter for letter in post.read() if "Mullsjö bibliotek" in letter.body and "aktivert" in letter.body]
    assert [letter.to for letter in told] == ["teen@example.org"]


def test_of_a_scan_nobody_is_told_who_was_there(join: Join, scanned: Callable[..., str], app: APIFlask) -> None:
    scanned()
    with app.app_context():
        before = len(db.session.scalars(select(Message)).all())
    assert join().status_code == 200
    with app.app_context():
        assert len(db.session.scalars(select(Message)).all()) == before


def test_a_library_names_papers_ten_times_an_hour(client: FlaskClient, clock: Clock) -> None:
    numbers = [enrol(client, **FRESH, phone=f"+4740000{n:03d}").json["card_number"] for n in range(11)]
    answers = [activate(client, number) for number in numbers]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    assert int(answers[-1].headers["Retry-After"]) <= 3600
    clock.turn(seconds=3600)
    assert activate(client, numbers[-1]).status_code == 200


def test_somebody_who_joined_needs_no_proof_again(client: FlaskClient, join: Join) -> None:
    assert join(papers=PAPERS).status_code == 200
    assert join().status_code == 200


def test_an_enrolment_that_finds_somebody_joins_nobody(client: FlaskClient, app: APIFlask) -> None:
    known = enrol(client).json
    before = joined(app)
    answer = enrol(client, auth=MULLSJO)
    assert (answer.status_code, answer.json["patron"]) == (
        409,
        {"card_number": known["card_number"], "activated_here": False},
    )
    assert joined(app) == before
    found = client.post(f"{PATRONS}/find", json={"national_id": NATIONAL_ID}, auth=MULLSJO)
    assert found.json == answer.json["patron"]
