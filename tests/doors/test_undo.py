"""The link in the message about changed contact data: a look changes nothing, a click puts all back and freezes."""

import re

from tests.doors.libraries import correct, fetch
from tests.doors.serving import patron_row
from tests.doors.takeover import deliver
from tests.doors.visits import GUARDIAN, main_text, read_page, submit

UNDO = re.compile(r"https://card\.example\.org(/undo/\S+)")


def change_and_read_the_link(app, client) -> str:
    correct(client, GUARDIAN[0], seen=fetch(client, GUARDIAN[0]), email="new@example.org")
    deliver(app)
    letters = app.extensions["post"].read()
    told = [letter for letter in letters if UNDO.search(letter.body)]
    assert [letter.to for letter in told] == ["guardian@example.org"]
    assert "Ullensaker bibliotek" in told[0].body
    assert "new@example.org" not in told[0].body
    return UNDO.search(told[0].body)[1]


def test_a_change_is_undone_with_one_click_and_the_card_is_frozen(app, client, read_database):
    link = change_and_read_the_link(app, client)
    before = read_database()
    assert "Ullensaker bibliotek" in main_text(client.get(link))
    assert read_database() == before
    done = submit(client, link, undo="1")
    assert "The change is undone As it was before e-mail address" in main_text(done)
    assert read_page(done).h1.has_attr("autofocus")
    row = patron_row(app, GUARDIAN[0])
    assert (row.email, row.proven_email) == ("guardian@example.org", "guardian@example.org")
    assert row.frozen_at is not None
    assert client.get(link).status_code == 404


def test_the_link_to_the_old_address_confirms_the_new_one(app, client):
    link = change_and_read_the_link(app, client)
    assert "The new address is confirmed Confirmed e-mail address" in main_text(submit(client, link, confirm="1"))
    row = patron_row(app, GUARDIAN[0])
    assert (row.email, row.proven_email) == ("new@example.org", "new@example.org")


def test_a_fortnight_later_nothing_is_undone(app, client, clock):
    link = change_and_read_the_link(app, client)
    clock.turn(days=14)
    assert client.get(link).status_code == 404
    other = link[:-1] + ("0" if link[-1] != "0" else "1")
    assert client.get(other).status_code == 404
