"""What staff are told when an item comes in: whose it is, who waits for it, what it costs."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.register.store.transaction import db
from app.register.tables.library import Library
from app.register.tables.log import AccessLogEntry
from app.register.tables.patrons import Patron
from circulation.lending.claims import run_claims
from circulation.tables import Debt, Loan
from tests.conftest import Clock
from tests.doors.visits import MULLSJO, csrf_token, desk_log_in, main_text, read_page, scan_at_desk, shown_code, submit
from tests.together.acts import take_back
from tests.town import Town

HERE = "2023500"
JONAS, GUARDIAN = "N000100002", "N000100001"
ALT_OM_HESTER = "2010"  # on loan to Jonas


@pytest.fixture
def desk_at_mullsjo(new_browser: Callable[..., FlaskClient]) -> FlaskClient:
    browser = new_browser()
    desk_log_in(browser, MULLSJO)
    return browser


@pytest.fixture
def system(town: Town):
    found = town.systems.lending(HERE)
    assert found is not None
    return found


def returned(desk: FlaskClient, barcode: str) -> dict[str, str]:
    """Return an item as the page's script does."""
    fields = {"csrf_token": csrf_token(desk, "/desk/returns"), "payload": barcode, "place": "return"}
    answer: dict[str, str] = json.loads(desk.post("/desk/scans", data=fields).data)
    return answer


def looks(app: APIFlask, purpose: str) -> list[tuple[int | None, str]]:
    with app.app_context(), db.engine.connect() as connection:
        seen = AccessLogEntry
        rows = connection.execute(select(seen.patron_id, seen.fields).where(seen.purpose == purpose))
        return [tuple(row) for row in rows]


@pytest.mark.parametrize("shows_names", [False, True])
def test_who_waits_is_named_as_the_library_chooses_and_the_look_is_logged(
    app: APIFlask, desk: FlaskClient, system, shows_names: bool
):
    with app.app_context():
        value = "on" if shows_names else "off"
        told = app.test_cli_runner().invoke(args=["libraries", "set", HERE, "names_on_slips", value])
        assert told.exit_code == 0, told.output
        guardian = db.session.scalars(select(Patron.id).where(Patron.card_number == GUARDIAN)).one()
        db.session.remove()
    system.reserve(card_number=GUARDIAN, barcode=ALT_OM_HESTER)
    page = take_back(desk, ALT_OM_HESTER)
    assert "Put it on the hold shelf" in page
    assert ("For Ingrid Solvang, to be fetched by" in page) is shows_names
    assert ("For I.S. 0001, to be fetched by" in page) is not shows_names
    assert GUARDIAN not in page
    assert "Jonas" not in page
    assert looks(app, "hold slip") == [(guardian, "name")]


def test_a_late_return_names_its_fee_in_the_librarys_currency(
    desk_at_mullsjo: FlaskClient,
):
    page = take_back(desk_at_mullsjo, "1014")
    assert "Ljuset över Vättern" in page
    assert "Returned late: SEK" in page


def test_what_the_patron_before_the_desk_returns_stands_on_the_receipt_with_what_is_owed_then(
    desk_at_mullsjo: FlaskClient, guardian: FlaskClient
):
    desk = desk_at_mullsjo
    scan_at_desk(desk, shown_code(guardian))
    mine, others = returned(desk, "1014"), returned(desk, "1004")
    assert 'data-receipt="returned"' in mine["line"]
    assert "Returned late: SEK" in mine["line"]
    assert mine["owed"].startswith("Owes SEK")
    assert "data-receipt" not in others["line"], "another patron's"
    assert others["owed"] == ""


def test_another_librarys_item_is_named_with_its_library(desk: FlaskClient):
    page = take_back(desk, "1004")
    assert "It belongs to Mullsjö" in page
    assert "Hemsöborna" in page
    assert "send it there" in page


def test_an_item_that_no_library_knows_says_what_it_may_be(desk: FlaskClient):
    page = take_back(desk, "999999")
    assert "no item with that barcode" in page
    assert "look at the label" in page


@pytest.mark.parametrize("lender", ["Deichman", None])
def test_an_interlibrary_item_is_sent_back_to_the_library_that_lent_it(desk: FlaskClient, system, lender: str | None):
    wanted = {"title": "Kart over Innlandet", "author": "Ukjent", "publication_year": 1998, "category": "book"}
    request = system.ask_interlibrary(card_number=JONAS, idempotency_key="a" * 16, **wanted)
    system.handle_interlibrary(request_id=request.request_id, action="order", staff="desk")
    fields = {"request_id": request.request_id, "action": "arrive", "barcode": "FL-77", "lender": lender or ""}
    answer = submit(desk, "/desk/interlibrary", **fields)
    assert "Kart over Innlandet is lent" in main_text(desk.get(answer.location))
    page = take_back(desk, "FL-77")
    assert "Kart over Innlandet" in page
    assert (f"Send it back to {lender}" if lender else "Send it back to the library that lent it") in page
    assert "no item with that barcode" in take_back(desk, "FL-77"), "nothing of it stays"


def test_what_was_typed_of_an_arrival_that_is_refused_stands_there_to_be_corrected(desk: FlaskClient, system):
    wanted = {"author": "Ukjent", "publication_year": 1998, "category": "book"}
    ids = []
    for title in ("Kart over Innlandet", "Kart over Viken"):
        key = str(len(ids)) * 16
        request = system.ask_interlibrary(card_number=JONAS, title=title, idempotency_key=key, **wanted)
        system.handle_interlibrary(request_id=request.request_id, action="order", staff="desk")
        ids.append(request.request_id)
    typed = {"barcode": "2002", "lender": "Deichman", "due_on": "2027-03-01"}
    for fault, said in (({}, "Another item has that barcode"), ({"due_on": "1. mars"}, "could not be read")):
        answer = submit(desk, "/desk/interlibrary", request_id=ids[1], action="arrive", **typed | fault)
        page = read_page(answer)
        assert (answer.status_code, said in main_text(answer)) == (422, True)
        forms = [page.find("input", value=each).find_parent("form") for each in ids]
        values = [{name: form.find(attrs={"name": name}).get("value", "") for name in typed} for form in forms]
        assert values == [dict.fromkeys(typed, ""), typed | fault]


def test_a_lost_item_that_turns_up_says_what_becomes_of_the_charge(desk: FlaskClient, system):
    system.mark_lost(barcode=ALT_OM_HESTER, staff="desk")
    page = take_back(desk, ALT_OM_HESTER)
    assert "It was marked lost or destroyed, and is in stock again." in page
    assert "What the patron was charged stands" in page
    assert "The item was found" in page


def test_an_invoiced_replacement_falls_away_and_the_line_names_the_amount(desk: FlaskClient, town: Town, clock: Clock):
    library = town.library(HERE)
    with library.database.writing() as session:
        today = clock().date()
        session.execute(update(Loan).values(lent_on=today - timedelta(days=90), due_on=today - timedelta(days=60)))
    run_claims(database=library.database, policy=library.policy, now=clock())
    with library.database.reading() as session:
        assert session.scalars(select(Debt.amount).where(Debt.kind == "replacement_charge")).first()
    assert "Replacement charge that falls away: NOK" in take_back(desk, ALT_OM_HESTER)


def test_the_title_is_shown_before_an_item_is_marked_lost_and_then_the_charge(desk: FlaskClient, system):
    asked = submit(desk, "/desk/returns", barcode=ALT_OM_HESTER, what="lost")
    assert "Is this lost? Alt om hester" in main_text(asked)
    assert system.show_item(barcode=ALT_OM_HESTER, staff="desk").on_loan, "nothing is done yet"
    form = read_page(asked).find("form", action="/desk/returns/lost")
    assert form is not None
    fields = {field["name"]: field["value"] for field in form.find_all("input")}
    done = desk.post("/desk/returns/lost", data=fields)
    page = main_text(desk.get(done.location))
    assert "Alt om hester is marked as lost. The loan is ended, and NOK 450 is charged." in page


def test_an_item_that_nobody_has_is_marked_destroyed_without_a_charge(desk: FlaskClient):
    asked = main_text(submit(desk, "/desk/returns", barcode="2002", what="destroyed"))
    assert "Is this destroyed? Peer Gynt" in asked
    assert "nobody is charged" in asked
    done = submit(desk, "/desk/returns/lost", page="/desk/returns", barcode="2002", what="destroyed")
    assert "Peer Gynt is marked as destroyed. Nobody is charged." in main_text(desk.get(done.location))


@pytest.mark.parametrize("barcode", ["", "999999"])
def test_what_cannot_be_marked_lost_is_refused_before_it_is_asked(desk: FlaskClient, barcode: str):
    answer = submit(desk, "/desk/returns", barcode=barcode, what="lost")
    page = main_text(desk.get(answer.location))
    assert "no item with that barcode" in page or "could not be read" in page


def test_the_workplace_knows_whether_names_may_be_printed(app: APIFlask, desk: FlaskClient):
    def named() -> bool:
        return "data-who" in desk.get("/desk").text

    assert not named()
    with app.app_context():
        db.session.execute(update(Library).where(Library.id == HERE).values(names_on_slips=True))
        db.session.commit()
    assert named()


def test_the_page_of_returns_knows_when_the_library_closes(desk: FlaskClient, clock: Clock):
    known = {}
    for _ in range(7):
        heading = read_page(desk.get("/desk/returns")).find("h1")
        assert heading is not None
        known[clock().weekday()] = heading.get("data-closes")
        clock.turn(days=1)
        desk_log_in(desk)
    assert [known[day] for day in range(7)] == ["20:00"] * 4 + ["16:00"] * 2 + [None]
