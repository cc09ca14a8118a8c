"""The desk's post: what waits at this library is printed or sent, and at no other library."""

import re

import pytest
from sqlalchemy import select

from app.register.messages.message_queue import leave_to_desk, mark_failed
from app.register.messages.outbox import ask_for_message
from app.register.patron.proven import LETTER
from app.register.sign_in.one_time import find_link
from app.register.store.transaction import db
from app.register.tables.log import AccessLogEntry
from app.register.tables.messages import Message
from app.register.tables.patrons import Patron
from app.rules.messages import CARD_FROZEN, NEW_PIN
from tests.doors.visits import CHILD, GUARDIAN, MULLSJO, csrf_token, desk_log_in, main_text, read_page, submit


@pytest.fixture
def ask(app, clock):
    """Ask for a message; returns its number and the patron's name and id."""

    def for_message(kind, card_number):
        with app.app_context():
            patron = db.session.scalars(select(Patron).where(Patron.card_number == card_number)).one()
            ask_for_message(patron_id=patron.id, kind=kind, now=clock())
            db.session.flush()
            message_id = db.session.scalars(select(Message.id).order_by(Message.id.desc())).first()
            name, patron_id = patron.name, patron.id
            db.session.commit()
        return message_id, name, patron_id

    return for_message


@pytest.fixture
def letter(app, ask):
    """A letter with a link to the child, which waits at Ullensaker."""
    message_id, name, patron_id = ask(NEW_PIN, CHILD[0])
    with app.app_context():
        leave_to_desk(message_id=message_id)
    return message_id, name, patron_id


@pytest.fixture
def failed(app, ask, clock):
    """A message to the guardian that failed."""
    message_id, name, patron_id = ask(CARD_FROZEN, GUARDIAN[0])
    with app.app_context():
        db.session.get_one(Message, message_id).attempts = 1
        mark_failed(message_id=message_id, now=clock())
    return message_id, name, patron_id


@pytest.fixture
def other_desk(new_browser):
    browser = new_browser()
    assert desk_log_in(browser, MULLSJO).status_code == 302
    return browser


def state_of(app, message_id):
    with app.app_context(), db.engine.connect() as connection:
        return connection.execute(select(Message).where(Message.id == message_id)).one()


def looks(app):
    with app.app_context(), db.engine.connect() as connection:
        columns = (AccessLogEntry.patron_id, AccessLogEntry.purpose, AccessLogEntry.fields)
        return {tuple(row) for row in connection.execute(select(*columns))}


def act(client, message_id, what):
    return client.post(f"/desk/post/{message_id}/{what}", data={"csrf_token": csrf_token(client, "/desk")})


def test_where_nothing_waits_the_page_says_so(desk):
    text = main_text(desk.get("/desk/post"))
    assert "No letter waits now." in text
    assert "Every message has got through." in text


def test_the_page_stands_in_the_desks_navigation(desk):
    link = read_page(desk.get("/desk")).find("a", href="/desk/post")
    assert link.get_text() == "Post"


def tab(browser, path="/desk/post"):
    """What a tab of the desk is called, as a screen reader says it."""
    link = read_page(browser.get("/desk")).find("a", href=path)
    return link.get("aria-label") or link.get_text()


def test_the_tab_says_how_much_post_waits_at_this_library(desk, other_desk, letter, failed):
    assert (tab(desk), tab(other_desk)) == ("Post, 2 wait", "Post")
    submit(desk, f"/desk/post/{letter[0]}/printed", page="/desk/post")
    assert tab(desk) == "Post, 1 waits"
    assert desk.get("/desk/badges").json["/desk/post"] == {"shown": "1", "words": "1 waits"}


def test_of_very_much_post_the_tab_says_that_it_is_more_than_99(app, desk, ask):
    for _ in range(100):
        message_id, *_ = ask(NEW_PIN, CHILD[0])
        with app.app_context():
            leave_to_desk(message_id=message_id)
    assert tab(desk) == "Post, more than 99 wait"
    assert "99+" in desk.get("/desk").text


def test_a_letter_is_printed_with_a_link_that_opens_and_taken_off_the_list(app, desk, letter, clock):
    message_id, name, patron_id = letter
    assert name in main_text(desk.get("/desk/post"))
    sheet = read_page(submit(desk, f"/desk/post/{message_id}/letter", page="/desk/post")).find(class_="sheet")
    text = " ".join(sheet.get_text(" ").split())
    assert text.startswith("Ullensaker bibliotek Storgata 1 2050 Jessheim")
    assert f"{name} " in text
    (code,) = re.findall(r"https://card\.example\.org/new-pin/ (\S+)", text)
    assert re.fullmatch(r"(\w{4}-){4}\w{4}", code)
    with app.app_context():
        assert find_link(token=code, now=clock()) == patron_id
    assert sheet.find("svg") is not None
    done = submit(desk, f"/desk/post/{message_id}/printed", page="/desk/post")
    assert done.status_code == 302
    assert name not in main_text(desk.get("/desk/post"))
    assert state_of(app, message_id).sent_at is not None


def test_the_letter_is_in_the_patrons_language_and_the_page_in_the_readers(app, desk, letter):
    with app.app_context():
        db.session.get_one(Patron, letter[2]).language = "sv"
        db.session.commit()
    sheet = read_page(act(desk, letter[0], "letter")).find(class_="sheet")
    assert sheet["lang"] == "sv"
    assert "november 2026" in sheet.get_text()


def test_a_letter_that_is_printed_again_has_another_link_and_the_first_opens_nothing(app, desk, letter, clock):
    codes = [
        read_page(act(desk, letter[0], "letter")).find(class_="sheet-link").strong.get_text() for _print in range(2)
    ]
    with app.app_context():
        assert [find_link(token=code, now=clock()) for code in codes] == [None, letter[2]]


def test_a_letter_without_an_address_tells_staff_what_to_do(app, desk, letter):
    with app.app_context():
        patron = db.session.get_one(Patron, letter[2])
        patron.address = patron.postcode = patron.place = patron.proven_address = None
        db.session.commit()
    assert act(desk, letter[0], "letter").location == "/desk/post"
    text = main_text(submit(desk, f"/desk/post/{letter[0]}/letter", page="/desk/post", papers="y"))
    assert "No postal address of this patron is confirmed" in text


def test_every_look_at_a_patron_is_written_down(app, desk, letter, failed):
    desk.get("/desk/post")
    act(desk, letter[0], "letter")
    assert looks(app) == {
        (letter[2], "post", "name"),
        (letter[2], "post", "name, address"),
        (failed[2], "post", "name, contact data"),
    }


def test_a_failed_message_shows_no_address_in_full_and_is_tried_again_or_made_a_letter(app, desk, failed, clock):
    message_id, name, _patron_id = failed
    page = desk.get("/desk/post")
    text = main_text(page)
    assert f"{name} Your card is frozen E-mail, g…@example.org Tried once." in text
    assert "guardian@example.org" not in page.text
    assert act(desk, message_id, "retry").status_code == 302
    assert state_of(app, message_id).due_at == clock()
    assert act(desk, message_id, "as-letter").status_code == 302
    assert state_of(app, message_id).channel == LETTER
    assert f"{name} Your card is frozen Waits since" in main_text(desk.get("/desk/post"))


@pytest.mark.parametrize("what", ["letter", "printed"])
def test_another_librarys_letter_is_neither_seen_nor_touched(app, other_desk, letter, what):
    message_id, name, _patron_id = letter
    before = state_of(app, message_id)
    assert name not in other_desk.get("/desk/post").text
    refused = act(other_desk, message_id, what)
    assert refused.status_code == 409
    assert name not in refused.text
    assert state_of(app, message_id) == before
    assert looks(app) == set()


@pytest.mark.parametrize("what", ["retry", "as-letter"])
def test_another_librarys_failed_message_is_neither_seen_nor_touched(app, other_desk, failed, what):
    message_id, name, _patron_id = failed
    before = state_of(app, message_id)
    assert name not in other_desk.get("/desk/post").text
    assert act(other_desk, message_id, what).status_code == 409
    assert state_of(app, message_id) == before
    assert looks(app) == set()


def test_a_message_that_never_was_gets_the_answer_of_another_librarys(other_desk, letter):
    never, other = (act(other_desk, message_id, "letter") for message_id in (999999, letter[0]))
    assert (never.status_code, main_text(never)) == (other.status_code, main_text(other))


def test_a_letter_is_not_had_by_its_address_alone(app, desk, letter):
    response = desk.get(f"/desk/post/{letter[0]}/letter")
    assert (response.status_code, response.location) == (302, "/desk/post")
    assert looks(app) == set()


@pytest.mark.parametrize("after", ["", "x", "-1", "²", "9" * 30, "99999"])
def test_a_page_number_that_is_none_is_no_fault(desk, letter, after):
    assert desk.get("/desk/post", query_string={"letters": after, "failed": after}).status_code == 200


def test_a_long_list_leads_on_to_its_next_page(app, desk, ask):
    ids = [ask(CARD_FROZEN, CHILD[0])[0] for _letter in range(21)]
    with app.app_context():
        for message_id in ids:
            leave_to_desk(message_id=message_id)
    page = read_page(desk.get("/desk/post"))
    way_on = page.find("a", string="More letters")
    assert len(page.find_all("button", string="Print")) == 20
    assert len(read_page(desk.get(way_on["href"])).find_all("button", string="Print")) == 1
