"""A patron is erased during a request of theirs: it writes nothing, and is answered as one without a sign-in."""

import re
import threading
from collections.abc import Callable
from datetime import date

import pytest
from apiflask import APIFlask
from flask import request
from flask.testing import FlaskClient
from flask_login import current_user

from app.portal import routes as sign_in_page
from app.register.leaving.erasure import erase_patron
from app.register.messages.outbox import ask_for_message
from app.register.patron.patrons import register_patron
from app.register.sign_in.pins import set_pin
from app.register.store.transaction import db, writing
from app.rules.messages import CONTACT_CHANGED
from app.rules.people.contact import Contact
from app.web.access import Audience, audience_of, open_to
from tests.conftest import START, MakeApp
from tests.doors.visits import GUARDIAN, csrf_token, log_in
from tests.wall.callers import read_rows_of

PIN = "6038"
NOBODY = 999_999
FIELDS = {
    "address": "Furuveien 5",
    "postcode": "2050",
    "place": "Jessheim",
    "email": "another@example.org",
    "preferred_contact": "email",
    "language": "sv",
    "home_library_id": "Mull",
    "guardian_card_number": GUARDIAN[0],
    "new_pin": "2716",
    "confirm_pin": PIN,
    "may_carry_card": "y",
    "rules": "y",
}


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def make_patron(app: APIFlask, card_number: str) -> int:
    with app.app_context():
        patron = register_patron(
            card_number=card_number,
            name="Ylva Solvang",
            birth_date=date(1983, 8, 19),
            gender="female",
            home_library_id="2023500",
            contact=Contact(email="ylva@example.org", preferred_contact="email"),
            national_id=None,
            now=START,
        )
        set_pin(patron_id=patron.id, pin=PIN, now=START)
        db.session.commit()
        return patron.id


def erase(app: APIFlask, patron_id: int) -> None:
    """Erase somebody on a line of its own, as another browser does."""

    def work() -> None:
        with app.app_context():
            erase_patron(patron_id=patron_id, reason="asked", now=app.config["CLOCK"]())
            db.session.commit()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def left_of(app: APIFlask, patron_id: int) -> set[str]:
    """Return the tables with a row of theirs, but for what tells libraries that they are gone."""
    return {table for table, rows in read_rows_of(app, patron_id).items() if rows} - {"library_notices"}


def own_routes(app: APIFlask) -> list[str]:
    """Return every address to which a patron sends something of their own."""
    return sorted(
        rule.rule
        for rule in app.url_map.iter_rules()
        if audience_of(app, rule.endpoint) is Audience.PATRON and "POST" in (rule.methods or ())
    )


def test_no_page_of_ones_own_is_a_fault_or_leaves_a_row(app: APIFlask, new_browser: Callable[[], FlaskClient]) -> None:
    def erase_behind_the_door() -> None:
        # The door has asked who comes, and has let them in.
        if request.method == "POST" and current_user.is_authenticated:
            erase(app, current_user.patron_id)

    app.before_request_funcs[None].append(erase_behind_the_door)
    routes = own_routes(app)
    assert {"/my/pin", "/my/settings", "/card/keys"} <= set(routes)
    for number, route in enumerate(routes):
        patron_id = make_patron(app, f"N0888{number:05}")
        browser = new_browser()
        assert log_in(browser, f"N0888{number:05}", PIN, keep=True).status_code == 302, route
        fields = {"csrf_token": csrf_token(browser, "/my/settings"), **FIELDS}
        answer = browser.post(re.sub("<[^>]+>", "1", route), data=fields)
        assert answer.status_code < 500, route
        assert left_of(app, patron_id) == set(), route


def test_signing_in_while_one_is_erased_signs_nobody_in(
    app: APIFlask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    patron_id = make_patron(app, "N088899999")
    go_on = sign_in_page.start_session_or_ask

    def erase_first(**given: object) -> object:
        erase(app, patron_id)
        return go_on(**given)

    monkeypatch.setattr(sign_in_page, "start_session_or_ask", erase_first)
    answer = log_in(client, "N088899999", PIN, keep=True)
    assert answer.status_code == 401
    assert "Content-Security-Policy" in answer.headers
    assert client.get("/my").location == "/login"
    assert left_of(app, patron_id) == set()


@pytest.mark.parametrize("path", ["/tried-now", "/tried-at-commit", "/desk/tried-now", "/api/v1/tried-now"])
def test_a_row_for_somebody_who_is_gone_is_refused_wherever_it_is_written(
    app: APIFlask, make_app: MakeApp, path: str
) -> None:
    again = make_app(own=True)

    @open_to(Audience.ANYONE)
    @writing()
    def write_late() -> str:
        ask_for_message(patron_id=NOBODY, kind=CONTACT_CHANGED, now=START)
        if path.endswith("now"):
            db.session.flush()
        return "written"

    again.config["WTF_CSRF_ENABLED"] = False
    again.add_url_rule(path, view_func=write_late, methods=["POST"])
    answer = again.test_client().post(path)
    assert "Content-Security-Policy" in answer.headers
    if path.startswith("/api"):
        assert (answer.status_code, answer.json and answer.json["code"]) == (410, "gone")
    elif path.startswith("/desk"):
        assert answer.status_code == 409
    else:
        assert (answer.status_code, answer.location) == (302, "/login")
