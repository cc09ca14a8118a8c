"""Slett alt om meg: what is shown before, that the PIN is asked for, and the receipt that is left."""

import re
import threading

import pytest
from sqlalchemy import select

from app.portal.my_data import erasing as portal_erasing
from app.register.change.deaths import report_death
from app.register.change.freezing import freeze_card
from app.register.change.membership import opt_out
from app.register.leaving.erasure import erase_patron
from app.register.library.notices import list_due_notices, mark_delivered
from app.register.store.transaction import db
from app.register.tables.patrons import Patron
from app.rules.pins.pin import RECEIPT_SOURCE
from tests.doors.visits import CHILD, GUARDIAN, log_in, main_text, read_page, submit

ERASE = "/my/data/erase"
CODE = re.compile(r"/receipt/([0-9A-Z]{4}(?:-[0-9A-Z]{4}){4})")


def erase(browser, pin=GUARDIAN[1]):
    return submit(browser, ERASE, confirm_pin=pin)


def everybody(app):
    with app.app_context():
        numbers = set(db.session.scalars(select(Patron.card_number)))
        db.session.remove()
    return numbers


def patron_id(app, card_number):
    with app.app_context():
        found = db.session.scalars(select(Patron.id).where(Patron.card_number == card_number)).one()
        db.session.remove()
    return found


def code_of(response):
    found = CODE.fullmatch(response.location)
    assert found is not None, response.location
    return found[1]


def test_the_page_names_every_library_and_says_where_one_could_not_be_asked(phone):
    text = main_text(phone.get(ERASE))
    assert "Ullensaker bibliotek" in text
    assert "Mullsjö bibliotek" in text
    assert text.count("does not say now") == 2


def test_looking_at_the_page_deletes_nothing(phone, read_database):
    before = read_database()
    phone.get(ERASE)
    assert read_database() == before


def test_everything_goes_and_the_receipt_is_shown_to_somebody_who_is_signed_out_by_then(app, phone):
    response = erase(phone)
    assert response.status_code == 303
    assert everybody(app) & {GUARDIAN[0]} == set()
    assert phone.get("/my").location == "/login"
    receipt = phone.get(response.location)
    assert read_page(receipt).select_one(".receipt-code").get_text().strip() == code_of(response)
    assert main_text(receipt).count("Not answered yet") == 2


def test_the_browser_is_told_to_keep_nothing(phone):
    assert erase(phone).headers["Clear-Site-Data"] == '"cache", "storage"'


def test_a_wrong_pin_deletes_nothing(app, phone, read_database):
    before = read_database()
    response = erase(phone, pin="0000")
    assert response.status_code == 422
    assert "The PIN is wrong." in main_text(response)
    assert read_database() == before


def test_without_the_pin_nothing_is_deleted_however_fresh_the_sign_in_is(app, phone, read_database):
    before = read_database()
    response = submit(phone, ERASE)
    assert "Confirm" in main_text(response)
    assert read_database() == before


def test_guesses_at_the_pin_run_out(phone, app):
    for _ in range(5):
        assert erase(phone, pin="0000").status_code == 422
    refused = erase(phone)
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    assert GUARDIAN[0] in everybody(app)


def test_a_form_that_another_site_made_deletes_nothing(phone, app):
    assert phone.post(ERASE, data={"confirm_pin": GUARDIAN[1]}).status_code == 400
    assert GUARDIAN[0] in everybody(app)


def filled_in(phone):
    inputs = read_page(phone.get(ERASE)).select(".erase-form input[name]")
    return {field["name"]: field.get("value", "") for field in inputs} | {"confirm_pin": GUARDIAN[1]}


def before_the_answer(app, phone):
    """Return a browser such as `phone` is now, which the answer to its next request never reaches."""
    other = app.test_client()
    for name in ("lanekort", "lang"):
        cookie = phone.get_cookie(name)
        if cookie is not None:
            other.set_cookie(name, cookie.value)
    return other


def test_a_second_press_or_a_form_sent_again_finds_the_receipt(phone, app):
    form, again = filled_in(phone), before_the_answer(app, phone)
    first = phone.post(ERASE, data=form)
    for _ in range(2):
        second = again.post(ERASE, data=form)
        assert (second.status_code, code_of(second)) == (303, code_of(first))
        assert second.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert main_text(again.get(second.location)).count("Not answered yet") == 2


def test_somebody_who_comes_while_the_first_press_is_under_way_finds_the_receipt(phone, app, monkeypatch):
    form, again = filled_in(phone), before_the_answer(app, phone)
    asked, firsts = portal_erasing.erase_patron, []

    def be_late(**what):
        monkeypatch.undo()
        first = threading.Thread(target=lambda: firsts.append(phone.post(ERASE, data=form)))
        first.start()
        first.join()
        return asked(**what)

    monkeypatch.setattr(portal_erasing, "erase_patron", be_late)
    second = again.post(ERASE, data=form)
    assert code_of(second) == code_of(*firsts)


@pytest.mark.parametrize("drawn", ["", "x", "Æ", "AAAA" * 20])
def test_a_receipt_code_that_did_not_come_with_the_page_is_none(phone, app, drawn):
    form, again = filled_in(phone) | {"receipt": drawn}, before_the_answer(app, phone)
    assert phone.get("/receipt/" + code_of(phone.post(ERASE, data=form))).status_code == 200
    assert again.post(ERASE, data=form).location == "/login"


def test_a_code_that_was_drawn_for_somebody_else_is_not_used(phone, app, new_browser):
    form = filled_in(phone)
    child = new_browser()
    log_in(child, *CHILD)
    childs = code_of(submit(child, ERASE, confirm_pin=CHILD[1], receipt=form["receipt"]))
    assert childs != code_of(phone.post(ERASE, data=form))


def test_a_child_a_frozen_card_and_a_local_card_go_the_same_way(app, new_browser):
    child, guardian = (patron_id(app, number) for number, _pin in (CHILD, GUARDIAN))
    with app.app_context():
        now = app.config["CLOCK"]()
        freeze_card(patron_id=child, now=now)
        opt_out(patron_id=guardian, library_id="Mull", now=now)
        db.session.commit()
    for who in (CHILD, GUARDIAN):
        browser = new_browser()
        log_in(browser, *who)
        assert main_text(browser.get(ERASE)).count("does not say now") == 1
        assert code_of(erase(browser, who[1]))
    assert everybody(app) & {CHILD[0], GUARDIAN[0]} == set()


def test_who_is_reported_dead_is_signed_out_before_anything_else(app, phone):
    with app.app_context():
        report_death(patron_id=patron_id(app, GUARDIAN[0]), library_id="Mull", now=app.config["CLOCK"]())
        db.session.commit()
    assert phone.get(ERASE).location == "/login"


def test_somebody_who_was_erased_meanwhile_gets_the_way_in_and_no_fault(app, phone):
    with app.app_context():
        erase_patron(patron_id=patron_id(app, GUARDIAN[0]), reason="inactive", now=app.config["CLOCK"]())
        db.session.commit()
    for page in ("/my", ERASE, "/my/settings", "/card"):
        assert phone.get(page).location == "/login", page


@pytest.fixture
def receipt(app):
    """The code of a receipt; Mullsjö has answered, and keeps loans and money."""
    with app.app_context():
        now = app.config["CLOCK"]()
        code = erase_patron(patron_id=patron_id(app, GUARDIAN[0]), reason="asked", now=now)
        db.session.commit()
        for notice in list_due_notices(library_id="Mull", now=now, limit=100):
            mark_delivered(notice_id=notice.id, kept=["open_loans", "unpaid_debts"], now=now)
    return code


def test_the_receipt_says_who_has_answered_who_has_not_and_what_is_kept_and_why(client, receipt):
    cards = [
        " ".join(card.get_text(" ").split())
        for card in read_page(client.get(f"/receipt/{receipt}")).select("li.ds-card")
    ]
    assert [card.split(" bibliotek")[0] for card in cards] == ["Mullsjö", "Ullensaker"]
    assert "Keeps something" in cards[0]
    assert "deleted when you return them" in cards[0]
    assert "deleted when you have paid" in cards[0]
    assert "We ask again until it answers" in cards[1]


def test_the_receipt_names_nobody_and_no_search_engine_keeps_it(client, receipt):
    response = client.get(f"/receipt/{receipt}")
    assert GUARDIAN[0] not in response.text
    assert "Ingrid" not in response.text
    assert response.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert response.headers["Cache-Control"] == "no-store"
    assert read_page(response).find("meta", attrs={"name": "robots"})["content"] == "noindex, nofollow"


@pytest.mark.parametrize("address", ["", "https://card.example.org/receipt/"])
def test_a_code_from_paper_opens_the_receipt(client, receipt, address):
    response = submit(client, "/receipt", code=" " + address + receipt.lower().replace("-", " ") + " ")
    assert response.status_code == 302
    assert client.get(response.location).status_code == 200


def test_a_code_that_is_none_is_said_to_be_none_and_can_be_typed_again(client, receipt):
    response = client.get(f"/receipt/{receipt[:-1]}")
    assert response.status_code == 404
    assert "There is no receipt with this code." in main_text(response)
    assert read_page(response).find("input", attrs={"name": "code"}) is not None
    assert submit(client, "/receipt", code="a/../b").status_code == 302


def test_guessing_codes_comes_to_an_end_and_an_open_receipt_takes_nothing(client, receipt):
    for _ in range(RECEIPT_SOURCE.limit + 1):
        assert client.get(f"/receipt/{receipt}").status_code == 200
    for _ in range(RECEIPT_SOURCE.limit):
        assert client.get("/receipt/0000-0000-0000-0000-0000").status_code == 404
    assert client.get(f"/receipt/{receipt}").status_code == 429
