"""The national number of somebody who has a card: noted once, found by it, and never shown."""

import pytest
from sqlalchemy import func, select

from app.register.store.transaction import db
from app.register.tables.patrons import NationalIdToken, Patron
from tests.doors.serving import INGRID, JONAS, NOBODYS_NUMBER, act, begin_enrolling, freeze, has_act, looks, serve
from tests.doors.visits import CHILD, GUARDIAN, MULLSJO, csrf_token, desk_log_in, main_text

INGRIDS_NUMBER = "12848430062"
NOTE = "national-id"


@pytest.fixture
def numbers(app):
    def numbers(card_number):
        with app.app_context(), db.engine.connect() as connection:
            theirs = (
                select(func.count()).select_from(NationalIdToken).join(Patron, Patron.id == NationalIdToken.patron_id)
            )
            return connection.execute(theirs.where(Patron.card_number == card_number)).scalar_one()

    return numbers


def note(desk, number):
    fields = {"csrf_token": csrf_token(desk, "/desk"), "national_id": number, "papers": "y"}
    answer = desk.post("/desk/patron/national-id", data=fields)
    assert (answer.status_code, answer.location) == (302, "/desk/patron")
    return desk.get("/desk/patron")


def test_somebody_who_has_a_number_noted_is_found_by_it_and_gets_no_second_card(desk, numbers):
    assert "National id number 1 number noted" in serve(desk, **JONAS)
    page = note(desk, "018310 50027")
    assert "The number is noted." in main_text(page)
    assert "National id number 2 numbers noted" in main_text(page)
    assert NOBODYS_NUMBER not in page.text
    assert "018310" not in page.text
    begin_enrolling(desk)
    assert "Jonas Solvang" in main_text(desk.get("/desk/patron"))
    note(desk, NOBODYS_NUMBER)
    assert numbers(CHILD[0]) == 2


def test_nobody_comes_in_by_a_number_that_was_noted_without_papers(desk, numbers):
    serve(desk, **JONAS)
    assert "look at photo id" in act(desk, NOTE, national_id=NOBODYS_NUMBER)
    assert numbers(CHILD[0]) == 1


def test_a_number_of_another_card_is_left_there_and_the_way_on_is_told(app, desk, numbers):
    serve(desk, **JONAS)
    before = looks(app)
    text = main_text(note(desk, INGRIDS_NUMBER))
    assert "Another card has this number, so nothing was changed. Type the number under New patron" in text
    assert (numbers(CHILD[0]), numbers(GUARDIAN[0])) == (1, 1)
    # Ingrid can read that the desk came by her card.
    assert [look[1] for look in looks(app)[len(before) :] if look[0] == 1] == ["look-up"]


@pytest.mark.parametrize("number", ["", "01831050028", "x" * 5000, "12345678901"])
def test_what_is_no_number_is_refused_and_not_shown(desk, numbers, number):
    serve(desk, **JONAS)
    page = note(desk, number)
    assert "This is not a national id number." in main_text(page)
    assert not number or number not in page.text
    assert numbers(CHILD[0]) == 1


def test_it_is_for_patrons_who_have_joined_and_whose_card_is_in_use(app, clock, desk, new_browser, numbers):
    mullsjo = new_browser()
    assert desk_log_in(mullsjo, MULLSJO).status_code == 302
    serve(desk, **JONAS)
    assert has_act(desk, NOTE)
    begin_enrolling(mullsjo, "05881760012")
    assert not has_act(mullsjo, NOTE)
    assert "The card is not activated at this library." in main_text(note(mullsjo, NOBODYS_NUMBER))
    freeze(app, clock, 2)
    assert not has_act(desk, NOTE)
    note(desk, NOBODYS_NUMBER)
    assert numbers(CHILD[0]) == 1


def test_who_has_which_number_cannot_be_tried_out_without_end(desk, clock, numbers):
    for _ in range(3):
        clock.turn(seconds=60)
        serve(desk, **INGRID)
        fields = {"csrf_token": csrf_token(desk, "/desk"), "national_id": INGRIDS_NUMBER, "papers": "y"}
        for _ in range(100):
            desk.post("/desk/patron/national-id", data=fields)
    assert "Too many attempts." in main_text(note(desk, NOBODYS_NUMBER))
    assert numbers(GUARDIAN[0]) == 1
