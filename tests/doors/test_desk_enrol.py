"""A card for somebody new: one person has one, and the national id is nowhere but as a token."""

import re

import pytest
from sqlalchemy import select, text

from app.demo.accounts import PATRONS
from app.register.store.transaction import db
from app.register.tables.library import LibraryNotice
from app.register.tables.messages import Message
from app.register.tables.patrons import Affiliation, NationalIdToken, Patron
from app.rules.messages import WELCOME
from tests.doors.serving import (
    NOBODYS_NUMBER,
    act,
    begin_enrolling,
    count_patrons,
    fields_of,
    fill_in,
    find_form,
    look_up,
)
from tests.doors.visits import MULLSJO, csrf_token, desk_log_in, main_text, read_page, submit

SEEDED = len(PATRONS)
INGRIDS_NUMBER = "12848430062"
ASAS_NUMBER = "30869140054"


@pytest.fixture
def count(app):
    def count():
        with app.app_context():
            return count_patrons()

    return count


@pytest.fixture
def newest(app):
    def newest():
        with app.app_context(), db.engine.connect() as connection:
            return connection.execute(select(Patron).order_by(Patron.id.desc()).limit(1)).one()

    return newest


def send(desk, form):
    return desk.post("/desk/enrol/details", data=form)


def test_somebody_new_gets_a_card_and_is_served(app, desk, count, newest):
    form = fill_in(begin_enrolling(desk), address="Bakken 1", postcode="2050", place="Jessheim", gender="male")
    assert send(desk, form).location == "/desk/patron"
    page = main_text(desk.get("/desk/patron"))
    assert "Ola Nordli has a card, and is sent the way to choose a PIN." in page
    assert "Ola Nordli" in page
    assert "Bakken 1, 2050 Jessheim" in page
    made = newest()
    assert (count(), made.home_library_id, made.local_to, made.guardian_consent_at) == (
        SEEDED + 1,
        "2023500",
        None,
        None,
    )
    with app.app_context():
        kinds = select(Message.kind).where(Message.patron_id == made.id)
        assert db.session.scalars(kinds).all() == [WELCOME]
        told = select(LibraryNotice.kind).where(LibraryNotice.patron_id == made.id)
        assert db.session.scalars(told).all() == ["joined"]


@pytest.mark.parametrize("typed", [INGRIDS_NUMBER, "128484 30062", " 128484-30062 "])
def test_somebody_who_has_a_card_is_served_and_gets_no_second_one(desk, count, typed):
    answer = begin_enrolling(desk, typed)
    assert answer.location == "/desk/patron"
    text = main_text(desk.get("/desk/patron"))
    assert "This person has a card already. Nothing new was made." in text
    assert "Ingrid Solvang" in text
    assert count() == SEEDED


def test_somebody_who_has_a_card_elsewhere_is_seen_as_the_minimum_and_activated(desk):
    begin_enrolling(desk, ASAS_NUMBER)
    text = main_text(desk.get("/desk/patron"))
    assert "Not activated here" in text
    assert "Sjövägen" not in text
    assert "The card is activated here." in act(desk, "activate", rules="y", papers="y")


@pytest.mark.parametrize("typed", ["", "0", "01831050028", "abc", "1" * 40, "12848430062; DROP", "١٢٨٤٨٤٣٠٠٦"])
def test_a_number_that_is_none_is_asked_for_again_and_not_shown(desk, typed, count):
    answer = begin_enrolling(desk, typed)
    assert answer.status_code == 422
    assert "This is not a national id number." in main_text(answer)
    assert read_page(answer).find(id="national_id")["value"] == ""
    assert count() == SEEDED


def test_the_national_id_is_in_no_page_row_or_log(app, desk, capfd):
    details = begin_enrolling(desk)
    form = fill_in(details)
    answers = [details, send(desk, form | {"rules": ""}), send(desk, form), desk.get("/desk/patron")]
    answers.append(begin_enrolling(desk))
    for answer in answers:
        assert NOBODYS_NUMBER not in answer.text
        assert NOBODYS_NUMBER not in str(answer.headers)
        assert answer.request.query_string == b""
    with app.app_context(), db.engine.connect() as connection:
        for table in Patron.metadata.sorted_tables:
            assert NOBODYS_NUMBER not in repr(connection.execute(text(f"SELECT * FROM {table.name}")).all())
    said = capfd.readouterr()
    assert NOBODYS_NUMBER not in said.out + said.err


def test_what_is_carried_opens_for_nobody_else_and_not_for_long(desk, new_browser, clock, count):
    form = fill_in(begin_enrolling(desk))
    other = new_browser()
    desk_log_in(other, MULLSJO)
    for sealed_id in (form["sealed_id"], form["sealed_id"][:-6] + "AAAAA=", "x", "é", "AAAA"):
        taken = form | {"csrf_token": csrf_token(other, "/desk"), "sealed_id": sealed_id}
        refused = send(other, taken)
        assert refused.status_code == 409
        assert "Type the number again." in main_text(refused)
    clock.turn(seconds=15 * 60)
    assert send(desk, form).status_code == 409
    assert count() == SEEDED


def test_where_the_number_must_be_typed_again_the_rest_is_kept(desk, clock, newest):
    typed = {"address": "Bakken 1", "postcode": "2050", "place": "Jessheim", "gender": "female", "papers": "y"}
    form = fill_in(begin_enrolling(desk), **typed)
    clock.turn(seconds=15 * 60)
    again = fields_of(find_form(send(desk, form), "/desk/enrol"))
    assert NOBODYS_NUMBER not in again.values()
    again.pop("without", None)
    details = desk.post("/desk/enrol", data=again | {"national_id": NOBODYS_NUMBER})
    kept = fields_of(find_form(details, "/desk/enrol/details"))
    assert {name: kept[name] for name in typed} == typed
    assert send(desk, kept).location == "/desk/patron"
    assert newest().place == "Jessheim"


def test_a_wrong_number_and_wrong_details_are_counted_up_with_links_and_stand_in_the_title(desk):
    page = read_page(begin_enrolling(desk, "0"))
    assert page.title.text.startswith("Error: New patron")
    assert [link["href"] for link in page.select("[role=alert] a")] == ["#national_id"]
    page = read_page(send(desk, fill_in(begin_enrolling(desk), name="", email="nobody", rules="")))
    assert page.title.text.startswith("Error: New patron")
    assert [link["href"] for link in page.select("[role=alert] a")] == ["#name", "#email", "#rules"]
    assert page.find(id="email")["aria-describedby"] == "email-error"


def test_how_the_pin_comes_is_said_by_name_and_leads_there(desk):
    send(desk, fill_in(begin_enrolling(desk)))
    assert "Ola Nordli has a card, and is sent the way to choose a PIN." in main_text(desk.get("/desk/patron"))
    home = {"address": "Bakken 1", "postcode": "2050", "place": "Jessheim", "preferred_contact": "letter", "email": ""}
    send(desk, fill_in(begin_enrolling(desk, None), name="Eva <Dal>", **home))
    page = read_page(desk.get("/desk/patron"))
    assert "Eva Dal" in page.main.text or "Eva <Dal>" in page.main.text
    assert page.select_one(".ds-alert a")["href"] == "/desk/post"
    send(desk, fill_in(begin_enrolling(desk, None), name="Per Li", email="", preferred_contact="letter"))
    assert "Per Li has a card. Print a letter" in main_text(desk.get("/desk/patron"))


def test_sent_twice_it_is_one_card(desk, count):
    for number in (NOBODYS_NUMBER, None):
        before = count()
        form = fill_in(begin_enrolling(desk, number), name=f"Twice {number}")
        answers = [send(desk, form) for _click in range(3)]
        assert [answer.location for answer in answers] == ["/desk/patron"] * 3
        assert count() == before + 1
        assert f"Twice {number}" in main_text(desk.get("/desk/patron"))


def test_two_desks_that_enrol_the_same_person_make_one_card(desk, new_browser, count):
    other = new_browser()
    desk_log_in(other, MULLSJO)
    here, there = fill_in(begin_enrolling(desk)), fill_in(begin_enrolling(other), name="Ola N. Nordli")
    send(desk, here)
    assert send(other, there | {"another": "y"}).location == "/desk/patron"
    text = main_text(other.get("/desk/patron"))
    assert "This person has a card already." in text
    assert "Not activated here" in text
    assert count() == SEEDED + 1


def test_who_may_be_in_the_register_without_a_number_is_shown_first(desk, count, app):
    with app.app_context():
        born = db.session.get_one(Patron, 2).birth_date.isoformat()
    form = fill_in(begin_enrolling(desk, None), name="Jonas", birth_date=born, consent="y")
    shown = send(desk, form)
    assert shown.status_code == 409
    assert "Is it one of these?" in main_text(shown)
    assert "Jonas Solvang" in main_text(shown)
    assert count() == SEEDED
    assert send(desk, form | {"another": "y"}).location == "/desk/patron"
    assert count() == SEEDED + 1
    hit = fields_of(find_form(shown, "/desk/find/open"))
    assert desk.post("/desk/find/open", data=hit).location == "/desk/patron"
    assert "Jonas Solvang" in main_text(desk.get("/desk/patron"))


def test_a_child_needs_the_guardians_consent(desk, newest, count, clock):
    form = fill_in(begin_enrolling(desk, None), birth_date="2015-05-05", email="", preferred_contact="letter")
    refused = send(desk, form)
    assert refused.status_code == 422
    assert "At this age a guardian must consent first." in main_text(refused)
    assert count() == SEEDED
    assert send(desk, form | {"consent": "y"}).location == "/desk/patron"
    assert newest().guardian_consent_at == clock()
    assert "Print a letter by which the PIN is chosen" in main_text(desk.get("/desk/patron"))


def test_a_local_card_is_local_from_the_first_second(app, desk, newest):
    send(desk, fill_in(begin_enrolling(desk), kind="local"))
    made = newest()
    assert made.local_to == "2023500"
    assert "Local card: valid at this library only." in main_text(desk.get("/desk/patron"))
    with app.app_context():
        joined = db.session.scalars(select(Affiliation.library_id).where(Affiliation.patron_id == made.id)).all()
    assert joined == ["2023500"]


def test_a_printed_card_comes_from_the_librarys_row_and_is_given_once(desk, newest, count):
    submit(desk, "/desk/numbers", count="100", rows="0")
    for number, said in (("N600000000", "in none of the rows"), ("12345", "A card number is an N and nine digits.")):
        refused = send(desk, fill_in(begin_enrolling(desk), card_number=number))
        assert refused.status_code == 422
        assert said in main_text(refused)
    assert count() == SEEDED
    send(desk, fill_in(begin_enrolling(desk), card_number=" n500 000 007 "))
    assert newest().card_number == "N500000007"
    again = fill_in(begin_enrolling(desk, None), name="Eva Dal", card_number="N500000007")
    assert "is never used again" in main_text(send(desk, again))
    assert count() == SEEDED + 1
    row = read_page(desk.get("/desk/numbers")).select_one(".number-rows tbody tr")
    assert row.get_text(" ", strip=True).startswith("N 500 000 000 – N 500 000 099 100 1 ")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": ""}, "This is needed."),
        ({"name": "x" * 121}, "This is too long."),
        ({"name": "\u202eeman"}, "This is not a name."),
        ({"birth_date": ""}, "This is needed."),
        ({"birth_date": "1991-02-31"}, "This is not the birth date of anybody alive."),
        ({"birth_date": "2026-11-24"}, "This is not the birth date of anybody alive."),
        ({"email": "nobody"}, "This is not an e-mail address."),
        ({"email": ""}, "Write an address, or choose SMS or letter under Preferred contact."),
        (
            {"preferred_contact": "sms", "phone": ""},
            "Write a number, or choose e-mail or letter under Preferred contact.",
        ),
        ({"address": "Bakken 1"}, "This is needed."),
        ({"phone": "12"}, "This is not a telephone number."),
        ({"gender": "x"}, "Choose one of these."),
        ({"language": "tlh"}, "Choose one of these."),
        ({"kind": ""}, "Choose one of these."),
        ({"rules": ""}, "Without that there is no card."),
    ],
)
def test_what_cannot_be_right_is_said_beside_its_field_and_the_rest_is_kept(desk, count, fields, said):
    refused = send(desk, fill_in(begin_enrolling(desk), **fields))
    assert refused.status_code == 422
    page = read_page(refused)
    assert any(said in message.get_text() for message in page.find_all(class_="ds-validation-message"))
    kept = fields_of(find_form(refused, "/desk/enrol/details"))
    assert kept["sealed_id"]
    assert kept["place"] == ""
    assert "email" in fields or kept["email"] == "ola@example.org"
    assert count() == SEEDED


def test_what_was_typed_to_find_somebody_is_kept_for_the_new_card_without_standing_in_an_address(desk):
    page = look_up(desk, name="Ola Nordli", postcode="2050", birth_date="1991-04-02")
    form = fields_of(find_form(page, "/desk/enrol"))
    number = desk.post("/desk/enrol", data=form)
    form = fields_of(find_form(number, "/desk/enrol")) | {"national_id": NOBODYS_NUMBER}
    form.pop("without", None)
    details = fields_of(find_form(desk.post("/desk/enrol", data=form), "/desk/enrol/details"))
    assert (details["name"], details["postcode"], details["birth_date"]) == ("Ola Nordli", "2050", "1991-04-02")
    assert re.fullmatch(r"[\w-]{32}", details["visit"])


def test_the_form_for_the_rest_can_be_opened_empty(desk):
    form = fields_of(find_form(desk.get("/desk/enrol/details"), "/desk/enrol/details"))
    assert (form["sealed_id"], form["name"]) == ("", "")


def test_only_a_token_of_the_number_is_kept(app, desk, newest):
    send(desk, fill_in(begin_enrolling(desk)))
    with app.app_context():
        tokens = db.session.scalars(select(NationalIdToken.token).where(NationalIdToken.patron_id == newest().id)).all()
    assert len(tokens) == 1
    assert re.fullmatch("[0-9a-f]{64}", tokens[0])
