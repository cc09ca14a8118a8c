"""What is done at the counter is said with its title or its amount, and so is what is refused."""

import re
from collections.abc import Callable

import pytest
from bs4 import Tag
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.doors.visits import AT_MULLSJO_ONLY, MULLSJO, desk_log_in, main_text, read_page, scan_at_desk, submit
from tests.together.acts import act, lend


@pytest.fixture
def debtor(new_browser: Callable[..., FlaskClient]) -> FlaskClient:
    """The desk at Mullsjö, with somebody before it who owes 250 kr."""
    desk = new_browser()
    desk_log_in(desk, MULLSJO)
    scan_at_desk(desk, AT_MULLSJO_ONLY[0])
    return desk


def pay(desk: FlaskClient, amount: str, key: str = "k" * 32) -> TestResponse:
    return submit(desk, "/desk/counter/pay", page="/desk", amount=amount, key=key)


def amount_field(page: TestResponse) -> Tag:
    field = read_page(page).find(id="amount")
    assert isinstance(field, Tag)
    return field


def test_what_is_owed_is_filled_in_and_the_field_names_the_librarys_currency(debtor: FlaskClient):
    page = debtor.get("/desk")
    assert amount_field(page)["value"] == "250"
    assert "Amount (SEK)" in main_text(page)


@pytest.mark.parametrize("amount", ["40", "40,00", "40.00", " 40 kr", "SEK 40", "40,-"])
def test_an_amount_is_received_however_it_is_written_and_named(debtor: FlaskClient, amount: str):
    assert pay(debtor, amount).location == "/desk"
    page = debtor.get("/desk")
    assert "Received SEK 40. Owes SEK 210 now." in main_text(page)
    assert amount_field(page)["value"] == "210"


def test_half_a_krone_is_shown_in_the_readers_own_way(debtor: FlaskClient):
    pay(debtor, "39.50")
    assert amount_field(debtor.get("/desk"))["value"] == "210.50"
    assert amount_field(debtor.get("/desk?lang=nb"))["value"] == "210,50"


@pytest.mark.parametrize("amount", ["-5", "0", "1e3", "12,5", "999999999999", "", "40 NOK", "1.000", "forty"])
def test_what_is_no_amount_is_asked_for_again_with_what_is_owed(debtor: FlaskClient, amount: str):
    answer = pay(debtor, amount)
    assert answer.status_code == 422
    assert "not an amount, so nothing was received. Owed in all: SEK 250." in main_text(answer)
    assert amount_field(answer)["value"] == amount, "what was typed stands there still"
    assert "in this library's own system" not in main_text(answer)
    assert read_page(answer).title.text.startswith("Error: ")
    assert "Owes SEK 250" in main_text(debtor.get("/desk"))


@pytest.mark.parametrize("amount", ["500", "٥٠٠", "250,01"])
def test_more_than_is_owed_is_not_taken_and_the_sum_is_said(debtor: FlaskClient, amount: str):
    answer = pay(debtor, amount)
    assert answer.status_code == 422
    assert "more than is owed, so nothing was received. Owed in all: SEK 250." in main_text(answer)
    assert "Owes SEK 250" in main_text(debtor.get("/desk"))


def test_who_owes_nothing_any_more_is_asked_for_nothing(served: FlaskClient):
    assert "Nothing is owed any more, so nothing was received." in act(served, "pay", amount="40", key="k" * 32)


def test_a_fee_that_is_waived_is_named_with_its_amount_and_once_more_it_is_refused(debtor: FlaskClient):
    fee_id = read_page(debtor.get("/desk")).find("input", {"name": "fee_id"})["value"]
    page = act(debtor, "waive", fee_id=fee_id, reason="goodwill")
    assert "Waived: " in page
    assert re.search(r"SEK \d+\. Owes SEK \d+ now\.", page)
    assert "paid or waived already" in act(debtor, "waive", fee_id=fee_id, reason="goodwill")


def loan_id_of(desk: FlaskClient, title: str) -> str:
    row = next(row for row in read_page(desk.get("/desk")).find_all("tr") if title in row.text)
    return str(row.find("input", {"name": "loan_id"})["value"])


def test_what_is_renewed_is_named_with_its_new_day_and_what_is_not_with_the_reason(served: FlaskClient):
    lend(served, "2006")
    # It was lent today, so that nothing would be gained; a button for it was shown by no page.
    with served.application.app_context():
        lending = served.application.extensions["ils"].lending("2023500")
        (account,) = lending.accounts(card_numbers=["N000100002"])
    new = next(loan for loan in account.loans if loan.title == "Norske folkeeventyr")
    assert "Norske folkeeventyr : Renewing it today would not give more time." in act(
        served, "renew", loan_id=new.loan_id
    )
    old = next(loan for loan in account.loans if loan.renewable)
    page = act(served, "renew", loan_id=old.loan_id)
    assert f"{old.title} is renewed until " in page


def test_of_all_that_is_to_be_renewed_each_title_is_named_with_what_came_of_it(served: FlaskClient):
    lend(served, "2006")
    answer = submit(served, "/desk/counter/renew-all", page="/desk")
    found = [" ".join(line.text.split()) for line in read_page(answer).select(".renewals li")]
    assert (
        "Norske folkeeventyr: Renewing it today would not give more time. It can be renewed nearer to its due date."
        in found
    )
    assert any("Alt om hester is renewed until " in line for line in found)
    assert len(found) == len(read_page(answer).select(".counter-loans tbody tr"))


def test_what_is_lost_is_named_and_charged_and_what_is_not_on_loan_is_refused_by_its_title(served: FlaskClient):
    def lose(barcode: str) -> str:
        assert (
            submit(served, "/desk/returns/lost", page="/desk/returns", barcode=barcode, what="lost").status_code == 302
        )
        return main_text(served.get("/desk/returns"))

    lend(served, "2006")
    assert "Norske folkeeventyr is marked as lost. The loan is ended, and NOK" in lose("2006")
    assert "no item with that barcode" in lose("9999")
