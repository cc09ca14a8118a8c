"""The day's lists at the desk: what to fetch, which claims go out, and what is missing of patrons."""

from datetime import timedelta

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.ils.circulation.system import CirculationSystem
from app.ils.port import Unavailable
from app.register.store.transaction import db
from app.register.tables.log import AccessLogEntry
from app.register.tables.patrons import Patron
from circulation.lending.claims import run_claims
from circulation.tables import Loan, StoppedClaim
from tests.conftest import Clock
from tests.doors.visits import read_page, submit
from tests.together.acts import press
from tests.town import Town

HERE, PAGE = "2023500", "/desk/lists"
JONAS, GUARDIAN = "N000100002", "N000100001"


def section(desk: FlaskClient, name: str) -> str:
    found = read_page(desk.get(PAGE)).find("section", attrs={"aria-labelledby": name})
    assert found is not None
    return found.get_text(" ", strip=True)


@pytest.fixture
def overdue(town: Town, clock: Clock) -> str:
    """Somebody is so late that the first claim goes out tomorrow. Returns its barcode."""
    library = town.library(HERE)
    policy = library.policy_at(clock())
    with library.database.writing() as session:
        loan = session.scalars(select(Loan).order_by(Loan.id)).first()
        assert loan is not None
        loan.due_on = clock().date() - timedelta(days=policy.claims[0].after_days - 1)
        loan.lent_on = loan.due_on - timedelta(days=28)
        return str(loan.id)


def claims_made(town: Town, clock: Clock) -> int:
    library = town.library(HERE)
    return run_claims(database=library.database, policy=library.policy_at(clock()), now=clock())


def test_what_is_reserved_and_free_is_fetched_and_taken_off_the_list(desk: FlaskClient, town: Town) -> None:
    # The demonstration has one.
    assert "Mørketid" in section(desk, "fetch")
    press(desk, PAGE, "/fetched")
    assert "Nothing to fetch now." in section(desk, "fetch")
    town.put_on_shelf(HERE, barcode="7701", title="Markens grøde")
    system = town.systems.lending(HERE)
    assert system is not None
    system.reserve(card_number=GUARDIAN, barcode="7701")
    listed = section(desk, "fetch")
    assert "Markens grøde" in listed
    assert "Shelf Hc" in listed
    assert GUARDIAN not in listed.replace(" ", "")
    press(desk, PAGE, "/fetched")
    assert "Nothing to fetch now." in section(desk, "fetch")


def test_a_claim_is_stopped_with_a_reason_and_let_go_again(
    desk: FlaskClient, town: Town, clock: Clock, overdue: str
) -> None:
    assert "Claim 1 on" in section(desk, "claims")
    submit(desk, f"{PAGE}/claims/stop", page=PAGE, loan_id=overdue, reason="searching")
    assert "Stopped: the item is being looked for" in section(desk, "claims")
    clock.turn(seconds=2 * 86_400)
    assert claims_made(town, clock) == 0
    clock.turn(seconds=-2 * 86_400)
    press(desk, PAGE, "/claims/resume")
    assert "Stopped:" not in section(desk, "claims")
    clock.turn(seconds=2 * 86_400)
    assert claims_made(town, clock) == 1


def test_a_claim_whose_loan_is_gone_is_told_so(desk: FlaskClient, overdue: str) -> None:
    answer = submit(desk, f"{PAGE}/claims/stop", page=PAGE, loan_id="0" * 32, reason="other")
    assert "no longer there" in read_page(desk.get(answer.location)).get_text()


def test_a_reason_that_is_not_offered_stops_nothing(desk: FlaskClient, town: Town, overdue: str) -> None:
    submit(desk, f"{PAGE}/claims/stop", page=PAGE, loan_id=overdue, reason="because")
    with town.library(HERE).database.reading() as session:
        assert session.get(StoppedClaim, overdue) is None


def test_patrons_of_whom_papers_or_consent_are_missing_are_listed_and_the_look_is_logged(
    app: APIFlask, desk: FlaskClient, clock: Clock
) -> None:
    with app.app_context():
        db.session.execute(update(Patron).values(guardian_consent_at=clock()))
        db.session.commit()
    assert "Nothing is missing." in section(desk, "missing")
    with app.app_context():
        db.session.execute(update(Patron).where(Patron.card_number == GUARDIAN).values(stated_at=clock()))
        db.session.execute(update(Patron).where(Patron.card_number == JONAS).values(guardian_consent_at=None))
        db.session.commit()
    listed = section(desk, "missing")
    assert "Ingrid Solvang" in listed
    assert "nobody has seen photo id" in listed
    assert "A guardian's consent is not noted." in listed
    with app.app_context():
        logged = db.session.scalars(select(AccessLogEntry).where(AccessLogEntry.purpose == "missing papers")).all()
        assert {entry.fields for entry in logged} == {"name, birth date, card number"}
        assert len(logged) == 2


def test_a_silent_library_leaves_the_rest_of_the_page(desk: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: object, **__: object) -> None:
        raise Unavailable("no_answer")

    monkeypatch.setattr(CirculationSystem, "ask", silent)
    page = read_page(desk.get(PAGE)).get_text(" ", strip=True)
    assert "does not answer now" in page
    assert "Consent or papers are missing" in page
