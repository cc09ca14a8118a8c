"""The counter at the desk: lending to the patron who was scanned, and to nobody else."""

from collections.abc import Callable

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.datastructures import Authorization

from app.ils.systems import Systems
from app.register.store.transaction import db
from app.register.tables.log import AccessLogEntry
from app.register.tables.patrons import Patron
from app.work.worker import work_once
from tests.conftest import Clock
from tests.doors.serving import JONAS, fields_of, find_form, serve
from tests.doors.visits import (
    AT_MULLSJO_ONLY,
    GUARDIAN,
    MULLSJO,
    csrf_token,
    desk_log_in,
    log_in,
    main_text,
    read_page,
    scan_at_desk,
    scan_at_kiosk,
    shown_code,
    submit,
)
from tests.register.interrupting import interrupted
from tests.together.acts import lend, press, read_loans, take_back
from tests.town import Town


def test_the_counter_shows_the_loans_of_the_patron_who_was_scanned(served: FlaskClient):
    page = main_text(served.get("/desk"))
    assert "Jonas Solvang" in page
    assert "Alt om hester" in page


def is_served(desk: FlaskClient) -> bool:
    """Whether a patron is shown at the desk."""
    return "Ready for the next card" not in main_text(desk.get("/desk"))


def test_without_a_scan_nobody_is_served(desk: FlaskClient):
    assert not is_served(desk)
    answer = submit(desk, "/desk/counter/renew-all", page="/desk")
    assert answer.location == "/desk"
    assert "Scan the card again" in main_text(desk.get("/desk"))


def test_after_five_minutes_nobody_is_served_any_more(served: FlaskClient, clock: Clock):
    clock.turn(seconds=301)
    assert not is_served(served)


def test_each_act_gives_five_minutes_more(served: FlaskClient, clock: Clock):
    for _ in range(3):
        clock.turn(seconds=200)
        lend(served, "2006")
    assert is_served(served)


def test_when_it_is_finished_nobody_is_served(served: FlaskClient):
    press(served, "/desk", "/done")
    assert not is_served(served)


def test_an_item_is_lent_and_returned_and_nothing_of_it_stays(served: FlaskClient):
    assert "Norske folkeeventyr" in lend(served, "2006")
    returned = take_back(served, "2006")
    assert "Norske folkeeventyr" in returned
    assert "Jonas" not in returned, "who had it is not shown"
    assert "Norske folkeeventyr" not in main_text(served.get("/desk"))


@pytest.mark.parametrize(
    ("barcode", "reason"),
    [
        ("2001", "Somebody else has it. Return it first"),
        ("1002", "no item with that barcode"),
        ("nonsense", "no item with that barcode"),
        ("", "could not be read"),
    ],
)
def test_what_cannot_be_lent_is_refused_with_the_reason(served: FlaskClient, barcode: str, reason: str):
    assert reason in lend(served, barcode)


def test_another_librarys_item_cannot_be_returned_here(served: FlaskClient):
    assert "no item with that barcode" in take_back(served, "1001")


def test_a_new_card_costs_its_fee_once_and_loans_follow_to_the_new_number(
    served: FlaskClient, child: FlaskClient, town: Town
):
    before = main_text(served.get("/desk"))
    token = csrf_token(served, "/desk")
    fields = {"csrf_token": token, "key": "r" * 32, "replaces": "N000100002"}
    answer = served.post("/desk/counter/replacement-card", data=fields)
    assert "It costs NOK 30." in before
    assert "NOK 30 is charged for it." in main_text(served.get(answer.location))
    served.post("/desk/counter/replacement-card", data=fields)
    with served.application.app_context():
        patron = db.session.scalars(select(Patron).where(Patron.name == "Jonas Solvang")).one()
        assert patron.card_number != "N000100002"
        db.session.remove()
        while work_once():
            pass
    assert "Alt om hester" in before
    assert not is_served(served), "the patron is served again when the new card is scanned"
    assert child.get("/my/loans").text.count("Alt om hester") > 0, "the device follows the patron"


def fees_of(town: Town, card_number: str) -> list[str]:
    """Return the fees for new cards that are owed under a number at both libraries."""
    found = []
    for library_id in ("2023500", "Mull"):
        system = town.systems.get(library_id)
        assert system is not None
        (account,) = system.accounts(card_numbers=[card_number])
        found += [fee.kind for fee in account.fees if fee.kind == "replacement_card"]
    return found


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_two_desks_that_replace_one_card_at_the_same_moment_charge_once(
    app: APIFlask, town: Town, desk: FlaskClient, new_browser: Callable[..., FlaskClient], clock: Clock
):
    second = new_browser()
    clock.turn(seconds=30)
    assert desk_log_in(second).status_code == 302
    with app.app_context():
        engine = db.engine
    number = "N000100002"
    for moment in range(0, 60, 3):
        for each in (desk, second):
            serve(each, **JONAS)
        forms = {
            each: {"csrf_token": csrf_token(each, "/desk"), "replaces": number, "key": str(place) * 32}
            for place, each in enumerate((desk, second))
        }

        def replace_too(fields: dict[str, str] = forms[second]) -> None:
            second.post("/desk/counter/replacement-card", data=fields)

        with interrupted(engine, before=moment, by=replace_too) as acted:
            desk.post("/desk/counter/replacement-card", data=forms[desk])
        with app.app_context():
            former, number = number, db.session.scalars(select(Patron.card_number).where(Patron.id == 2)).one()
            db.session.remove()
            while work_once():
                pass
        assert number != former
        assert fees_of(town, former) == []
        assert fees_of(town, number) == ["replacement_card"] * (moment // 3 + 1)
        if not acted:
            break
    assert moment > 6


def test_every_look_at_the_counter_is_written_down(served: FlaskClient):
    served.get("/desk")
    with served.application.app_context():
        purposes = db.session.scalars(select(AccessLogEntry.purpose).order_by(AccessLogEntry.id)).all()
    assert purposes == ["scan", "counter", "counter"], "what was shown after the scan, and once more"


def test_another_desk_does_not_inherit_the_patron(
    served: FlaskClient, new_browser: Callable[..., FlaskClient], clock: Clock
):
    mine = served.get_cookie("lanekort_desk")
    assert mine is not None
    other = new_browser()
    desk_log_in(other, MULLSJO)
    assert not is_served(other)


def test_an_interlibrary_request_is_ordered_and_refused_at_the_desk(
    new_browser: Callable[..., FlaskClient], guardian: FlaskClient
):
    asked = {"library_id": "Mull", "author": "A", "category": "book", "publication_year": "1998"}
    submit(guardian, "/my/interlibrary", title="Atlas over Innlandet", key="a" * 32, **asked)
    assert "Atlas over Innlandet" in read_loans(guardian)
    desk = new_browser()
    desk_log_in(desk, MULLSJO)
    assert "Atlas over Innlandet" in main_text(desk.get("/desk/interlibrary"))
    while "Atlas over Innlandet" in main_text(page := desk.get("/desk/interlibrary")):
        forms = read_page(page).find_all("form")
        fields = {field["name"]: field.get("value", "") for field in forms[-1].find_all("input") if field.get("name")}
        assert desk.post("/desk/interlibrary", data=fields | {"action": "refuse"}).status_code == 302
    assert "Atlas over Innlandet" not in read_loans(guardian)


def test_the_scan_tells_that_the_library_blocks_the_card(
    new_browser: Callable[..., FlaskClient],
):
    debtor, desk = new_browser(), new_browser()
    log_in(debtor, *AT_MULLSJO_ONLY)
    desk_log_in(desk, MULLSJO)
    assert "Blocked: too much is owed" in main_text(scan_at_desk(desk, shown_code(debtor)))


def test_a_kiosk_is_told_the_blocks_and_whether_they_are_known(
    new_browser: Callable[..., FlaskClient], clock: Clock, town: Town, app: APIFlask
):
    debtor = new_browser()
    log_in(debtor, *AT_MULLSJO_ONLY)
    kiosk = Authorization("basic", {"username": "Mull-kiosk1", "password": "demo-kiosk"})
    told = scan_at_kiosk(debtor, shown_code(debtor), kiosk=kiosk).json["patron"]
    assert (told["blocks"], told["blocks_known"]) == (["debt"], True)
    app.extensions["ils"] = Systems({})
    clock.turn(seconds=30)
    told = scan_at_kiosk(debtor, shown_code(debtor), kiosk=kiosk).json["patron"]
    assert (told["blocks"], told["blocks_known"]) == ([], False)


def test_a_form_of_the_patron_before_does_nothing_for_the_next(served: FlaskClient):
    fields = fields_of(find_form(served.get("/desk"), "/desk/counter/renew-all"))
    scan_at_desk(served, GUARDIAN[0])
    told = main_text(served.post("/desk/counter/renew-all", data=fields, follow_redirects=True))
    assert "Another visit has begun since. Nothing was changed." in told
    assert "Ingrid Solvang" in told
