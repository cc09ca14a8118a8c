"""Two windows at one desk: a form acts for whom it was shown, and for nobody who was scanned since."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.doors.serving import fields_of, find_form, patron_row
from tests.doors.visits import CHILD, GUARDIAN, main_text, scan_at_desk

REFUSED = "Another visit has begun since. Nothing was changed."


def shown_form(desk: FlaskClient, page: str, action: str) -> dict[str, str]:
    return fields_of(find_form(desk.get(page), action))


@pytest.mark.parametrize(
    ("page", "action"),
    [
        ("/desk/patron", "/desk/patron/lost"),
        ("/desk/patron", "/desk/patron/new-pin"),
        ("/desk/patron/contact", "/desk/patron/contact"),
        ("/desk/patron/death", "/desk/patron/death"),
    ],
)
def test_a_form_of_the_patron_before_changes_nothing_of_the_next(
    app: Flask, desk: FlaskClient, page: str, action: str
) -> None:
    scan_at_desk(desk, GUARDIAN[0])
    fields = shown_form(desk, page, action) | {"papers": "y"}
    scan_at_desk(desk, CHILD[0])
    before = patron_row(app, CHILD[0])
    assert REFUSED in main_text(desk.post(action, data=fields, follow_redirects=True))
    assert patron_row(app, CHILD[0]) == before
    # Who is served now is served on.
    assert "Jonas Solvang" in main_text(desk.get("/desk/patron"))


def test_a_form_of_this_visit_acts(app: Flask, desk: FlaskClient) -> None:
    scan_at_desk(desk, GUARDIAN[0])
    fields = shown_form(desk, "/desk/patron", "/desk/patron/lost")
    assert REFUSED not in main_text(desk.post("/desk/patron/lost", data=fields, follow_redirects=True))
    assert "is reported lost" in main_text(desk.get("/desk/patron"))


def test_after_the_visit_has_ended_the_card_is_asked_for(desk: FlaskClient) -> None:
    scan_at_desk(desk, GUARDIAN[0])
    fields = shown_form(desk, "/desk/patron", "/desk/patron/lost")
    desk.post("/desk/counter/done", data=fields)
    told = main_text(desk.post("/desk/patron/lost", data=fields, follow_redirects=True))
    assert "Scan the card again" in told
