"""Reservations at the counter: made, seen, cancelled, and picked up by the scan that lends."""

from collections.abc import Callable

import pytest
from bs4 import BeautifulSoup
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.ils.systems import Systems
from tests.doors.visits import (
    AT_MULLSJO_ONLY,
    MULLSJO,
    csrf_token,
    desk_log_in,
    log_in,
    main_text,
    read_page,
    scan_at_desk,
    shown_code,
    submit,
)
from tests.together.acts import act, lend, press, take_back
from tests.town import Town

ON_LOAN, FREE = "2001", "2002"


def visit_of(desk: FlaskClient) -> str:
    form = read_page(desk.get("/desk")).find("form", id="scan")
    assert form is not None
    return str(form["data-visit"])


def reserve(desk: FlaskClient, barcode: str) -> str:
    return act(desk, "reserve", barcode=barcode, visit=visit_of(desk))


def search(desk: FlaskClient, text: str) -> str:
    return main_text(submit(desk, "/desk/counter/titles", page="/desk", text=text))


def test_a_title_is_found_and_reserved_and_the_patrons_page_shows_the_place(served: FlaskClient):
    found = search(served, "DUKKEHJEM ibsen")
    assert "1 title " in found
    assert "0 of 1 in" in found
    assert "Reserve for Jonas Solvang" in found
    assert "Ullensaker bibliotek" in found
    assert "Reserved, as number 1 in the queue. Et dukkehjem" in reserve(served, ON_LOAN)
    page = main_text(served.get("/desk"))
    assert "1 reservation" in page
    assert "Et dukkehjem Number 1 in the queue" in page


def test_a_copy_that_is_in_is_set_aside_at_once(served: FlaskClient):
    assert "A copy is in, and is set aside until" in reserve(served, FREE)
    assert "On the hold shelf until" in main_text(served.get("/desk"))


def test_a_copy_on_the_hold_shelf_is_lent_by_its_scan_and_the_line_says_so(served: FlaskClient):
    reserve(served, FREE)
    line = lend(served, FREE)
    assert "Lent until" in line
    assert "The reservation has ended" in line
    assert "No reservations now." in main_text(served.get("/desk"))


def test_any_copy_of_the_title_ends_the_reservation(served: FlaskClient):
    take_back(served, "2012")
    reserve(served, "2020")
    assert "The reservation has ended" in lend(served, "2020")


def test_what_another_has_can_be_reserved_from_its_line(served: FlaskClient):
    answer = served.post("/desk/scans", data={"csrf_token": csrf_token(served, "/desk"), "payload": ON_LOAN})
    assert "Reserve for Jonas Solvang" in answer.json["line"]
    assert answer.json["state"] == "refused"
    own = served.post("/desk/scans", data={"csrf_token": csrf_token(served, "/desk"), "payload": "nonsense"})
    assert "Reserve for" not in own.json["line"]


def test_a_page_with_a_script_gets_the_line_and_can_undo_it(served: FlaskClient):
    token = csrf_token(served, "/desk")
    fields = {"csrf_token": token, "barcode": ON_LOAN, "visit": visit_of(served), "script": "1"}
    answer = served.post("/desk/counter/reserve", data=fields).json
    assert (answer["state"], answer["sign"]) == ("done", "accepted")
    assert "Et dukkehjem" in answer["line"]
    assert "Undone: not reserved." in main_text(served.get(press_in(served, answer["line"]).location))
    assert "No reservations now." in main_text(served.get("/desk"))


def press_in(desk: FlaskClient, line: str) -> TestResponse:
    """Press the button of a line that undoes it."""
    fields = {field["name"]: field["value"] for field in BeautifulSoup(line, "html.parser").find_all("input")}
    return desk.post("/desk/undo", data=fields | {"csrf_token": csrf_token(desk, "/desk")})


@pytest.mark.parametrize(
    ("barcode", "reason"),
    [
        ("2008", "The patron has it already. It can be renewed in the list of loans. Dragen på loftet"),
        ("nonsense", "no item with that barcode"),
        ("9788202123451", "ISBN"),
    ],
)
def test_what_cannot_be_reserved_is_refused_with_title_and_reason(served: FlaskClient, barcode: str, reason: str):
    assert reason in reserve(served, barcode)


def test_a_second_reservation_and_too_many_are_refused_with_title_and_reason(served: FlaskClient, town: Town):
    reserve(served, ON_LOAN)
    assert "The patron has reserved it already. It is in the list of reservations. Et dukkehjem" in reserve(
        served, ON_LOAN
    )
    most = town.library("2023500").policy.max_holds
    for number in range(most):
        town.put_on_shelf("2023500", barcode=f"9{number:03}", title=f"Samling {number}")
        last = reserve(served, f"9{number:03}")
    assert f"The patron has {most} reservations, which is the most at this library. Samling {most - 1}" in last


def test_a_blocked_card_reserves_nothing_and_the_page_says_why(new_browser: Callable[..., FlaskClient]):
    debtor, desk = new_browser(), new_browser()
    log_in(debtor, *AT_MULLSJO_ONLY)
    desk_log_in(desk, MULLSJO)
    scan_at_desk(desk, shown_code(debtor))
    page = main_text(desk.get("/desk"))
    assert "Nothing can be reserved while the card is blocked" in page
    assert "Find a title" not in page
    words = "What is owed must be settled first: see Lending. Gösta Berlings saga"
    assert words in reserve(desk, "1001")


def test_a_reservation_is_cancelled_and_the_copy_goes_to_the_next(served: FlaskClient, town: Town):
    reserve(served, FREE)
    system = town.systems.lending("2023500")
    assert system is not None
    system.reserve(card_number="N000100003", barcode=FREE)
    page = main_text(served.get(press(served, "/desk", "/cancel-hold").location))
    assert "The reservation of Peer Gynt is cancelled." in page
    assert "No reservations now." in page
    (next_one,) = system.accounts(card_numbers=["N000100003"])
    assert [hold.ready for hold in next_one.holds] == [True]


def test_nobody_elses_reservation_is_cancelled(served: FlaskClient, town: Town):
    system = town.systems.lending("2023500")
    assert system is not None
    hold = system.reserve(card_number="N000100003", barcode=FREE)
    assert "The reservation is no longer there" in act(served, "cancel-hold", hold_id=hold.hold_id)
    assert len(system.accounts(card_numbers=["N000100003"])[0].holds) == 1


def test_a_page_of_the_visit_before_reserves_nothing(served: FlaskClient, guardian: FlaskClient, town: Town):
    of_the_child = visit_of(served)
    scan_at_desk(served, shown_code(guardian))
    assert "Nothing was reserved" in act(served, "reserve", barcode=FREE, visit=of_the_child)
    system = town.systems.lending("2023500")
    assert system is not None
    for account in system.accounts(card_numbers=["N000100001", "N000100002"]):
        assert "Peer Gynt" not in [hold.title for hold in account.holds]


def test_a_search_that_finds_nothing_says_what_to_do(served: FlaskClient):
    assert "No title fits" in search(served, "finnes ikke")
    empty = submit(served, "/desk/counter/titles", page="/desk", text="")
    assert "could not be read" in main_text(served.get(empty.location))


def test_a_library_with_a_system_of_its_own_reserves_there(served: FlaskClient):
    served.application.extensions["ils"] = Systems({})
    page = main_text(served.get("/desk"))
    assert "handled in this library's own system" in page
    answer = served.post("/desk/counter/titles", data={"csrf_token": csrf_token(served, "/desk"), "text": "a"})
    assert answer.status_code == 404
