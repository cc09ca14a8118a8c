"""Deleting everything with the libraries there: what each says beforehand, and what it answers."""

from app.work.notifying import notify_one_library
from tests.doors.visits import AT_MULLSJO_ONLY, GUARDIAN, log_in, main_text, submit

ERASE = "/my/data/erase"


def test_each_library_says_beforehand_what_it_must_keep(guardian, town):
    text = main_text(guardian.get(ERASE))
    assert "Ullensaker bibliotek Must keep for now" in text
    assert "loans that you have not returned" in text
    assert {call for _library, call in town.calls} >= {"patrons/end"}


def test_what_is_owed_is_said_with_its_amount_in_the_librarys_money(new_browser):
    browser = new_browser()
    log_in(browser, *AT_MULLSJO_ONLY)
    text = main_text(browser.get(ERASE))
    assert "What you have not paid" in text
    assert "SEK" in text


def test_asking_beforehand_changes_nothing_at_the_libraries(guardian, town):
    def loans():
        accounts = town.systems.get("2023500").accounts(card_numbers=[GUARDIAN[0]])
        return accounts[0].loans, accounts[0].holds, accounts[0].requests

    before = loans()
    guardian.get(ERASE)
    assert loans() == before


def test_a_library_that_is_silent_keeps_nobody_from_leaving(app, guardian, town):
    town.close()
    assert submit(guardian, ERASE, confirm_pin=GUARDIAN[1]).status_code == 303


def test_the_receipt_follows_the_libraries_answers(app, guardian, new_browser, clock):
    nobody = new_browser()
    receipt = submit(guardian, ERASE, confirm_pin=GUARDIAN[1]).location
    assert main_text(nobody.get(receipt)).count("Not answered yet") == 2
    clock.turn(seconds=5)
    with app.app_context():
        while notify_one_library():
            pass
    text = main_text(nobody.get(receipt))
    assert "Not answered yet" not in text
    assert text.count("Keeps something") == 2


def test_one_library_is_left_with_the_pin_and_its_answer_stands_among_the_patrons_libraries(app, guardian, clock):
    leave = "/my/libraries/Mull/leave"
    assert "loans that you have not returned" in main_text(guardian.get(leave))
    assert submit(guardian, leave, confirm_pin="0000").status_code == 422
    assert submit(guardian, leave, confirm_pin=GUARDIAN[1]).location == "/my/libraries#left"
    assert "Mullsjö bibliotek Not answered yet" in main_text(guardian.get("/my/libraries"))
    clock.turn(seconds=5)
    with app.app_context():
        while notify_one_library():
            pass
    assert "Mullsjö bibliotek Keeps something" in main_text(guardian.get("/my/libraries"))
    assert "Mullsjö" not in main_text(guardian.get("/my/loans"))
    # The last library is left by deleting everything.
    assert guardian.get("/my/libraries/2023500/leave").location == "/my/libraries"
    last = submit(guardian, "/my/libraries/2023500/leave", page="/my/libraries", confirm_pin=GUARDIAN[1])
    assert last.location == "/my/libraries"
